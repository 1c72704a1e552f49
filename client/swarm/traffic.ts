// Counts what the wires carry, and how fast: payload bytes, whose they are, and which of them came
// for nothing. A block that nobody asked for is one of those, and begins no piece.
import type { Torrent, Wire } from 'webtorrent/dist/webtorrent.min.js'
import type { PeerShare } from '../playback/playback.ts'

/** Payload bytes of the swarm. */
export interface SwarmTotals {
  readonly received: number
  readonly uploaded: number
  /** Received, but already there or wrong. */
  readonly wasted: number
}

/** What a piece is taken to take from a peer before one has come. */
const FIRST_PIECE_SECONDS = 0.5

export interface TrafficOptions {
  /** Asked in a wire's `piece` event: whether the block was asked for. */
  readonly wasAsked: (wire: Wire) => boolean
  readonly onChange: () => void
}

export class Traffic {
  readonly #torrent: Torrent
  readonly #options: TrafficOptions
  /** Blocks received of pieces that are not whole yet: offset → bytes. */
  readonly #blocks = new Map<number, Map<number, number>>()
  /** When the first block of a piece came, by `performance.now()`. */
  readonly #begunAt = new Map<number, number>()
  /** By peer id, those that left included as long as they have sent something. */
  readonly #shares = new Map<string, { readonly number: number; received: number }>()
  #peersMet = 0
  #pieceSeconds = FIRST_PIECE_SECONDS
  #received = 0
  #uploaded = 0
  #wasted = 0

  constructor(torrent: Torrent, options: TrafficOptions) {
    this.#torrent = torrent
    this.#options = options
    torrent.on('wire', (wire) => this.#watch(wire))
    torrent.on('verified', (index) => {
      this.#blocks.delete(index)
      const begunAt = this.#begunAt.get(index)
      this.#begunAt.delete(index)
      if (begunAt !== undefined) {
        const seconds = (performance.now() - begunAt) / 1000
        this.#pieceSeconds += 0.2 * (seconds - this.#pieceSeconds)
      }
      options.onChange()
    })
  }

  get totals(): SwarmTotals {
    return { received: this.#received, uploaded: this.#uploaded, wasted: this.#wasted }
  }

  /** What each connected peer sent. */
  shares(): PeerShare[] {
    return this.#torrent.wires
      .map(({ peerId }) => this.#shares.get(peerId))
      .filter((share) => share !== undefined)
      .map(({ number, received }) => ({ number, received }))
  }

  /** Pieces of which peers have sent a part. */
  begun(): Iterable<number> {
    return this.#blocks.keys()
  }

  /** Seconds from a piece's first block to its last one, smoothed. */
  get pieceSeconds(): number {
    return this.#pieceSeconds
  }

  /** The blocks received of a piece turned out to be of no use, or wrong. */
  superseded(index: number): void {
    for (const bytes of this.#blocks.get(index)?.values() ?? []) this.#wasted += bytes
    this.#blocks.delete(index)
    this.#begunAt.delete(index)
  }

  #watch(wire: Wire): void {
    const { wasAsked, onChange } = this.#options
    const { peerId } = wire
    const share = this.#shares.get(peerId) ?? { number: ++this.#peersMet, received: 0 }
    this.#shares.set(peerId, share)
    wire.on('close', () => {
      if (share.received === 0) this.#shares.delete(peerId)
    })
    wire.on('piece', (index, offset, bytes) => {
      this.#received += bytes.length
      share.received += bytes.length
      const blocks = this.#blocks.get(index) ?? new Map<number, number>()
      if (!wasAsked(wire) || this.#torrent.bitfield.get(index) || blocks.has(offset)) {
        this.#wasted += bytes.length
        return
      }
      this.#blocks.set(index, blocks.set(offset, bytes.length))
      if (!this.#begunAt.has(index)) this.#begunAt.set(index, performance.now())
    })
    wire.on('upload', (bytes) => {
      this.#uploaded += bytes
    })
    for (const event of ['bitfield', 'have-all', 'choke', 'unchoke', 'close'] as const) {
      wire.on(event, onChange)
    }
    wire.on('have', onChange)
    onChange()
  }
}
