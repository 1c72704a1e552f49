// Keeps what came over HTTP and compares it with the torrent as soon as there is a swarm, which then
// offers it to the peers. A piece that is wrong is dropped and fetched again; when it comes wrong a
// second time, origin and torrent are two files. The engine owns it.
import { lengthOfPiece, type PieceIndex, type PieceLayout } from '#protocol/pieces.ts'
import type { Bytes, PieceStore } from '../storage/piece-store.ts'
import type { Swarm } from '../swarm/swarm.ts'

export interface VerificationOptions {
  readonly layout: PieceLayout
  readonly store: Pick<PieceStore, 'has' | 'held' | 'read' | 'write' | 'drop' | 'onLost'>
  /** The swarm that is joined at present. */
  readonly swarm: () => Pick<Swarm, 'isVerified' | 'inject'> | null
  /** `count` bytes came for nothing. */
  readonly onWasted: (count: number) => void
  /** The origin has another file than the torrent is of. */
  readonly onOtherFile: () => void
}

export class Verification {
  readonly #options: VerificationOptions
  /** Pieces held that HTTP brought. */
  readonly #byHttp = new Set<PieceIndex>()
  /** Those that nobody has verified yet. */
  readonly #unverified = new Set<PieceIndex>()
  readonly #wrongOnce = new Set<PieceIndex>()

  constructor(options: VerificationOptions) {
    this.#options = options
    options.store.onLost((index) => this.#byHttp.delete(index))
  }

  /** @returns whether the piece is held, and HTTP brought it on this visit */
  isByHttp(index: PieceIndex): boolean {
    return this.#byHttp.has(index)
  }

  /** HTTP has brought a whole piece. */
  cameByHttp(index: PieceIndex, bytes: Bytes): void {
    const { store, onWasted, swarm } = this.#options
    if (store.has(index)) {
      onWasted(bytes.length) // somebody else was faster
      return
    }
    store.write(index, bytes)
    this.#unverified.add(index)
    this.#byHttp.add(index)
    const joined = swarm()
    if (joined) void this.#offer(joined, index, bytes)
  }

  /** Has the pieces verified that came, from wherever, while WebTorrent verified the others. */
  async offerHeld(): Promise<void> {
    const { layout, store, swarm } = this.#options
    for (const index of store.held()) {
      const joined = swarm()
      if (!joined) return
      if (joined.isVerified(index)) continue
      const bytes = await store.read(index, 0, lengthOfPiece(layout, index)).catch(() => null)
      if (bytes) await this.#offer(joined, index, bytes) // else the store has just dropped it
    }
  }

  async #offer(joined: Pick<Swarm, 'inject'>, index: PieceIndex, bytes: Bytes): Promise<void> {
    const { store, swarm, onWasted, onOtherFile } = this.#options
    const outcome = await joined.inject(index, bytes)
    if (swarm() !== joined) return
    const cameByHttp = this.#unverified.delete(index)
    if (outcome === 'taken') return
    if (cameByHttp) onWasted(bytes.length)
    if (outcome === 'known') return
    store.drop(index)
    if (!cameByHttp) return // damaged on the disk
    if (this.#wrongOnce.has(index)) onOtherFile()
    else this.#wrongOnce.add(index)
  }
}
