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
/** Each is answered with 16 KiB that no upload limit counts. */
const METADATA_COST = 100

/**
 * @param kind number of the message, `null` for a keep-alive
 * @param extension name of the extension, of an extended message
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
      return extension === 'ut_metadata' ? METADATA_COST : EXTENDED_COST
    default:
      return 1
  }
}

export class MessageBudget {
  #left = MOST
  #at: number

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

  /** What was paid for has been answered with a block, and was of use. */
  giveBack(cost: number): void {
    this.#left = Math.min(MOST, this.#left + cost)
  }
}
