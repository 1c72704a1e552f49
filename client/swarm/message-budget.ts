// How many messages a peer may send: each costs something, what it may spend grows with time, up to
// a limit. Far above what any client needs, and far below what hurts. Pure; blocks cost nothing
// here, they are paid for by requests of ours.
import { MESSAGE } from './wire-messages.ts'

/** Spent at once: a peer that found a stored title announces thousands of pieces in a row. */
const MOST = 4000
const PER_SECOND = 1000
/** Each makes WebTorrent look at every piece. */
const BITFIELD_COST = 50
const EXTENDED_COST = 10
/** There is one at the start, and one when something has changed. */
const HANDSHAKE_COST = 100
/** Of a piece that was taken back: in turn with that it makes WebTorrent look at every piece and wire. */
const HAVE_AGAIN_COST = 20

/**
 * @param kind number of the message, `null` for a keep-alive
 * @param extension name of the extension, of an extended message; a handshake has none
 */
export function costOf(kind: number | null, extension: string | undefined): number {
  switch (kind) {
    case MESSAGE.piece:
      return 0
    case MESSAGE.bitfield:
    case MESSAGE.haveAll:
    case MESSAGE.haveNone:
      return BITFIELD_COST
    case MESSAGE.extended:
      if (extension === 'lt_donthave') return 1 // as cheap as the message that it takes back
      return extension === undefined ? HANDSHAKE_COST : EXTENDED_COST
    default:
      return 1
  }
}

export class MessageBudget {
  #left = MOST
  #at: number
  readonly #takenBack = new Set<number>()

  /** @param now milliseconds, of a steady clock */
  constructor(now: number) {
    this.#at = now
  }

  /** @returns false when there is not that much left */
  spend(cost: number, now: number): boolean {
    this.#left = Math.min(MOST, this.#left + ((now - this.#at) / 1000) * PER_SECOND) - cost
    this.#at = now
    return this.#left >= 0
  }

  /** @returns what it costs to announce the piece */
  costOfHave(index: number): number {
    return this.#takenBack.delete(index) ? HAVE_AGAIN_COST : 1
  }

  /** The peer has taken back that it has the piece. */
  takenBack(index: number): void {
    this.#takenBack.add(index)
  }

  /** What was paid for has been answered with a block, and was of use. */
  giveBack(cost: number): void {
    this.#left = Math.min(MOST, this.#left + cost)
  }
}
