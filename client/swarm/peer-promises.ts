// Holds one peer to what it says it is fetching from the origin (intent-message.ts). The first word
// on a piece counts: repeated again and again, a promise would otherwise never be late. Who breaks
// one is not believed for a while, each time for longer; who keeps one is believed again. The clock
// is the caller's.
import type { PieceIndex } from '#protocol/pieces.ts'
import { arrivesIn, type Intent } from './intent-message.ts'

/** Everybody may be late by that, and by as long as it was to take. Milliseconds. */
const GRACE_MS = 2000
/** The first disbelief; each further one is twice as long. */
const DISBELIEF_MS = 10_000
const MAX_DISBELIEF_MS = 5 * 60_000

interface Heard {
  readonly intent: Intent
  readonly at: number
}

interface Promised {
  /** When the piece was to be there, in the peer's first words. */
  readonly dueAt: number
  readonly brokenAt: number
}

export class PeerPromises {
  readonly #has: (index: PieceIndex) => boolean
  /** Pieces that the peer promised and has not said to have. */
  readonly #promised = new Map<PieceIndex, Promised>()
  #heard: Heard | null = null
  #broken = 0
  #disbelievedUntil = 0

  /** @param has whether the peer says that it has a piece */
  constructor(has: (index: PieceIndex) => boolean) {
    this.#has = has
  }

  /** The last intent; `null` before the first. */
  get intent(): Intent | null {
    return this.#heard?.intent ?? null
  }

  /** @param now milliseconds, of a steady clock */
  heard(intent: Intent, now: number): void {
    this.#heard = { intent, at: now }
    for (const { first, last, firstMs, pieceMs } of intent.spans) {
      for (let i: number = first; i <= last; i += 1) {
        const index = i as PieceIndex
        if (this.#promised.has(index) || this.#has(index)) continue
        const ms = firstMs + (i - first) * pieceMs
        this.#promised.set(index, { dueAt: now + ms, brokenAt: now + 2 * ms + GRACE_MS })
      }
    }
    for (const [index, { brokenAt }] of this.#promised) {
      if (this.#has(index)) this.has(index)
      else if (now > brokenAt) this.#break(now)
    }
  }

  /** The peer says that it has the piece. */
  has(index: PieceIndex): void {
    if (this.#promised.delete(index)) this.#broken = 0
  }

  /** False for a while after a promise was broken: then others must not leave anything to it. */
  isBelieved(now: number): boolean {
    return now >= this.#disbelievedUntil
  }

  /** @returns seconds until the peer has the piece, `null` when it does not say so believably */
  arrives(index: PieceIndex, now: number): number | null {
    if (!this.#heard || !this.isBelieved(now)) return null
    const { intent, at } = this.#heard
    const seconds = arrivesIn(intent, index, now - at)
    const promised = this.#promised.get(index)
    if (seconds === null || !promised) return seconds
    if (now > promised.brokenAt) {
      this.#break(now)
      return null
    }
    // As long again as it is late: what is never kept must not look as if it were about to be.
    return Math.max(seconds, (now - promised.dueAt) / 1000)
  }

  #break(now: number): void {
    if (!this.isBelieved(now)) return
    const ms = Math.min(MAX_DISBELIEF_MS, DISBELIEF_MS * 2 ** this.#broken)
    this.#disbelievedUntil = now + ms
    this.#broken += 1
  }
}
