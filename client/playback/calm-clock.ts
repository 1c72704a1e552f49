// A clock that nearly stands still while the machine is too busy to keep it: what waits for such a
// machine waits for the processor, and more bytes would not help. Whoever made it closes it; after that
// it is a clock like any other.

/** How often it looks: milliseconds. */
const BEAT_MS = 20
/** A beat that late was held up by other work. */
const LATE_MS = 8
/** What is left of the time that a busy machine takes. */
const BUSY_SHARE = 0.2

/** How often a wait looks whether it is over: milliseconds. */
const LOOK_MS = 100
/** No wait takes longer than so many times what it takes on a calm machine. */
const LONGEST_WAIT = 4

/**
 * @param ms of calm time, after which `act` is called; on a busy machine that is up to four times as long
 * @param now a steady clock in milliseconds
 * @returns what calls it off
 */
export function afterCalm(ms: number, act: () => void, now = () => performance.now()): () => void {
  const calm = new CalmClock(now)
  const end = now() + LONGEST_WAIT * ms
  const stop = (): void => {
    clearInterval(timer)
    calm.close()
  }
  const timer = setInterval(() => {
    if (calm.ms < ms && now() < end) return
    stop()
    act()
  }, LOOK_MS)
  return stop
}

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
