// Every block that peers are asked for, and what becomes of it: the one place that stands between
// WebTorrent's choice of blocks and its wires. It knows which bytes were asked for, which nobody
// asked for, how long a peer has
// been silent, and how fast it answers. In place before the first peer comes.
import type { Torrent, Wire } from 'webtorrent/dist/webtorrent.min.js'
import { Pace } from '../playback/pace.ts'

export interface BlockRequestsOptions {
  /** @returns false for a wire that shall not be asked for the piece at present */
  readonly mayAsk: (wire: Wire, index: number) => boolean
  /** A wire is being asked for a block of the piece. */
  readonly onAsked: (wire: Wire, index: number) => void
  /** A block came that was asked for; WebTorrent has not seen it yet. */
  readonly onBlock: (wire: Wire, index: number, offset: number, bytes: Uint8Array) => void
  /** A steady clock, milliseconds. */
  readonly now: () => number
}

interface Ledger {
  /** Bytes asked for so far, whether they came or not. */
  asked: number
  /** Bytes of blocks so far, whether they were asked for or not. */
  received: number
  readonly pace: Pace
  /** When the open requests were sent, oldest first. */
  readonly open: Map<symbol, number>
  /** The block that has just answered a request; its `piece` event follows. */
  answer: { readonly index: number; readonly offset: number } | null
  /** Whether the last `piece` event had been asked for. */
  wasAsked: boolean
}

export class BlockRequests {
  readonly #options: BlockRequestsOptions
  readonly #ledgers = new WeakMap<Wire, Ledger>()

  constructor(torrent: Torrent, options: BlockRequestsOptions) {
    this.#options = options
    const ask = torrent._request.bind(torrent)
    torrent._request = (wire, index, hotswap) => {
      if (torrent.bitfield.get(index)) return false // the cheapest question first
      const isAsked = options.mayAsk(wire, index) && ask(wire, index, hotswap)
      if (isAsked) options.onAsked(wire, index)
      return isAsked
    }
    torrent.on('wire', (wire) => this.#follow(wire))
  }

  /** To be asked while the wire's `piece` event is heard. @returns whether the block was asked for */
  wasAsked(wire: Wire): boolean {
    return this.#ledgers.get(wire)?.wasAsked ?? false
  }

  /** @returns true when the peer has sent more than it was ever asked for */
  isOverpaid(wire: Wire): boolean {
    const ledger = this.#ledgers.get(wire)
    return ledger !== undefined && ledger.received > ledger.asked
  }

  /** Bytes per second that the peer sends while it is asked for something; 0 when not known. */
  pace(wire: Wire): number {
    return this.#ledgers.get(wire)?.pace.rate(this.#options.now()) ?? 0
  }

  /** Milliseconds since the oldest request was sent that is still open; 0 when there is none. */
  oldestAge(wire: Wire): number {
    const [oldest] = this.#ledgers.get(wire)?.open.values() ?? []
    return oldest === undefined ? 0 : this.#options.now() - oldest
  }

  #follow(wire: Wire): void {
    const { now, onBlock } = this.#options
    const open = new Map<symbol, number>()
    const ledger: Ledger = {
      asked: 0,
      received: 0,
      pace: new Pace(),
      open,
      answer: null,
      wasAsked: false,
    }
    this.#ledgers.set(wire, ledger)
    const request = wire.request.bind(wire)
    wire.request = (index, offset, length, done) => {
      const key = Symbol()
      ledger.asked += length
      open.set(key, now())
      ledger.pace.asked(now())
      request(index, offset, length, (error, bytes) => {
        open.delete(key)
        ledger.pace.answered(error ? 0 : (bytes?.length ?? 0), open.size > 0, now())
        if (!error && bytes) {
          ledger.answer = { index, offset }
          onBlock(wire, index, offset, bytes)
        }
        done(error, bytes)
      })
    }
    wire.on('piece', (index, offset, bytes) => {
      const { answer } = ledger
      ledger.wasAsked = answer?.index === index && answer.offset === offset
      ledger.answer = null
      ledger.received += bytes.length
    })
  }
}
