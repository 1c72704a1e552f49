// A clock that nearly stands still while the machine is too busy to keep it: what waits for such a
// machine waits for the processor, and more bytes would not help. Whoever made it closes it; after that
// it is a clock like any other.

/** How often it looks: milliseconds. */
const BEAT_MS = 20
/** A beat that late was held up by other work. */
const LATE_MS = 8
/** What is left of the time that a busy machine takes. */
const BUSY_SHARE = 0.2

export class CalmClock {
  readonly #now: () => number
  readonly #timer: ReturnType<typeof setInterval>
  #isClosed = false
  #lastBeat: number
  #calmMs = 0

  /** @param now a steady clock in milliseconds */
  constructor(now = () => performance.now()) {
    this.#now = now
    this.#lastBeat = now()
    this.#timer = setInterval(() => this.#beat(), BEAT_MS)
  }

  /** Milliseconds: to the last beat, busy ones for little; and all since it was closed. */
  get ms(): number {
    return this.#calmMs + (this.#isClosed ? this.#now() - this.#lastBeat : 0)
  }

  close(): void {
    if (this.#isClosed) return
    clearInterval(this.#timer)
    this.#beat()
    this.#isClosed = true
  }

  #beat(): void {
    const now = this.#now()
    const ms = now - this.#lastBeat
    this.#calmMs += ms <= BEAT_MS + LATE_MS ? ms : ms * BUSY_SHARE
    this.#lastBeat = now
  }
}
