// What is expected of the peers of a torrent, and what follows when they fall short: wrong data and
// nonsense get a peer excluded, silence gets it passed over. Puts together who watches over that;
// it must be made before the first peer comes, and ends with the torrent.
import type { Torrent, Wire } from 'webtorrent/dist/webtorrent.min.js'
import type { PieceIndex, PieceLayout } from '#protocol/pieces.ts'
import { BlockRequests } from './block-requests.ts'
import type { Exclusions } from './exclusions.ts'
import { PeerConduct } from './peer-conduct.ts'
import { PeerPatience } from './peer-patience.ts'
import { PieceBlame } from './piece-blame.ts'

export interface PeerTrustOptions {
  readonly layout: PieceLayout
  readonly exclusions: Exclusions
  /** Reads from a piece that is held; `null` when it is gone already. */
  readonly read: (index: PieceIndex, offset: number, length: number) => Promise<Uint8Array | null>
  /** @returns false for a wire that shall not be asked for the piece, trusted or not */
  readonly mayAsk: (wire: Wire, index: number) => boolean
  /** What came of the piece was wrong; peers are asked for it anew. */
  readonly onFailed: (index: PieceIndex) => void
  /** A peer is not relied on any more, or is again. */
  readonly onChange: () => void
}

/** Who holds nothing need not say so (BEP 3): who has said nothing for so long does. Milliseconds. */
const SILENCE_MS = 1000

/** In place of a peer's id, for what came from the origin. */
const ORIGIN = ''
/** A damaged disk may spoil a piece of an honest peer; after so many it is not let in any more. */
const MAX_WRONG_PIECES = 2

export class PeerTrust {
  readonly #conduct: PeerConduct
  readonly #blame: PieceBlame
  readonly #patience: PeerPatience
  readonly #requests: BlockRequests
  /** Wires that have not said what the peer holds, and since when they are there. */
  readonly #silent = new WeakMap<Wire, number>()

  constructor(torrent: Torrent, options: PeerTrustOptions) {
    const conduct = new PeerConduct(torrent, options.layout, options.exclusions)
    const blame = new PieceBlame({
      read: options.read,
      onFault: (peerId, pieces) => {
        if (peerId !== ORIGIN && pieces >= MAX_WRONG_PIECES) conduct.expel(peerId)
      },
    })
    const patience: PeerPatience = new PeerPatience(torrent, {
      oldestAge: (wire) => requests.oldestAge(wire),
      onChange: (wire) => {
        if (!patience.reliesOn(wire)) blame.letGo(wire.peerId)
        options.onChange()
      },
      onHopeless: (wire) => conduct.hangUp(wire),
    })
    const requests = new BlockRequests(torrent, {
      now: () => patience.now,
      mayAsk: (wire, index) =>
        patience.mayAsk(wire) &&
        options.mayAsk(wire, index) &&
        blame.mayAsk(wire.peerId, index as PieceIndex),
      onAsked: (wire, index) => blame.asked(wire.peerId, index as PieceIndex),
      onBlock: (wire, index, offset, bytes) =>
        blame.took(wire.peerId, index as PieceIndex, offset, bytes),
    })
    torrent.on('wire', (wire) => {
      this.#silent.set(wire, performance.now())
      for (const event of ['bitfield', 'have-all', 'have-none'] as const) {
        wire.on(event, () => this.#silent.delete(wire))
      }
      wire.on('piece', () => {
        if (requests.isOverpaid(wire)) conduct.expel(wire.peerId)
      })
      wire.on('close', () => blame.letGo(wire.peerId))
    })
    torrent.on('verified', (index) => blame.verified(index as PieceIndex))
    torrent.on('warning', (warning) => {
      const text = warning instanceof Error ? warning.message : warning
      const failed = /^Piece (\d+) failed verification/.exec(text)
      if (!failed) return
      const index = Number(failed[1]) as PieceIndex
      options.onFailed(index)
      blame.failed(index)
    })
    this.#conduct = conduct
    this.#blame = blame
    this.#patience = patience
    this.#requests = requests
  }

  /** To be asked in a wire's `piece` event. @returns whether the block was asked for */
  wasAsked(wire: Wire): boolean {
    return this.#requests.wasAsked(wire)
  }

  /** A piece begins with what no peer has sent: whoever sends the rest is not alone at fault. */
  tookElsewhere(index: PieceIndex, bytes: Uint8Array): void {
    this.#blame.took(ORIGIN, index, 0, bytes)
  }

  /** Bytes per second that the wire sends while it is asked for something; 0 when not known. */
  pace(wire: Wire): number {
    return this.#requests.pace(wire)
  }

  /**
   * Whether the peer has said what it holds. A wire is there a moment before that: whoever decides in
   * between fetches what the peer has.
   */
  isKnown(wire: Wire): boolean {
    const since = this.#silent.get(wire)
    return since === undefined || performance.now() - since > SILENCE_MS
  }

  /** Whether it may be expected that the wire sends what it is asked for. */
  reliesOn(wire: Wire): boolean {
    return this.#patience.reliesOn(wire)
  }

  /** Whether the peer has been silent for so long that it will hardly be back. */
  isGone(wire: Wire): boolean {
    return this.#patience.isGone(wire)
  }

  /** Whether the wire has choked us for seconds. */
  withholds(wire: Wire): boolean {
    return this.#patience.withholds(wire)
  }

  /** Shows a wire out that says what makes no sense. */
  refuse(wire: Wire): void {
    this.#conduct.refuse(wire)
  }
}
