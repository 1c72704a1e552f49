// Whether a `<video>` that has nothing to play is given what has come. On a line slower than the film
// it would play each piece as it comes and wait for the next one; better that it starts, or goes on,
// once, when there is enough to last. On a fast line nothing is held back. Pure.

/** What a `<video>` that waits could be given. */
export interface Supply {
  /** Seconds of playback that are here in a row from where it waits. */
  readonly ahead: number
  /** True when nothing is missing from there to the end. */
  readonly isWhole: boolean
  /** Bytes per second that the origin sends at present, or `null` when it has sent too few to tell. */
  readonly inflow: number | null
  /** Bytes of the file per second of playback. */
  readonly bytesPerSecond: number
  /** Since there was something to give: seconds. */
  readonly waited: number
}

/** With so much in hand, what is missing will come from somewhere. Seconds. */
const ENOUGH_SECONDS = 4
/** What comes so much faster than it is played needs nothing in hand. */
const AMPLE = 1.5
/** What comes no faster needs all of it. */
const SCANT = 1
/** Something is better than nothing, then. Seconds. */
export const PATIENCE_SECONDS = 10

export function mayPlay({ ahead, isWhole, inflow, bytesPerSecond, waited }: Supply): boolean {
  if (isWhole || ahead >= ENOUGH_SECONDS || waited >= PATIENCE_SECONDS) return true
  if (inflow === null) return false
  const want = (AMPLE - inflow / bytesPerSecond) / (AMPLE - SCANT)
  return ahead >= ENOUGH_SECONDS * Math.min(1, want)
}

/** An inflow is told from at least so much … */
const TELLING_BYTES = 48 * 1024
/** … or from so long. Seconds. */
const TELLING_SECONDS = 0.3
/** What came longer ago than that tells nothing. Seconds. */
const WINDOW_SECONDS = 2
/** Nothing takes less. */
const LEAST_SECONDS = 0.02

/** Measures how fast bytes come. The clock is its user's: seconds. */
export class Inflow {
  /** When bytes came, oldest first. */
  #arrivals: { readonly at: number; readonly bytes: number }[] = []
  #firstAt: number | null = null

  /** The first bytes are asked for: it counts how long they take. */
  begin(at: number): void {
    this.#firstAt ??= at
  }

  add(bytes: number, at: number): void {
    this.begin(at)
    this.#arrivals.push({ at, bytes })
    const recent = this.#arrivals.findIndex((arrival) => arrival.at >= at - WINDOW_SECONDS)
    this.#arrivals.splice(0, recent)
  }

  /** @returns bytes per second, or `null` when too few have come lately to tell */
  rate(now: number): number | null {
    const recent = this.#arrivals.filter(({ at }) => at >= now - WINDOW_SECONDS)
    if (this.#firstAt === null || recent.length === 0) return null
    const bytes = recent.reduce((sum, arrival) => sum + arrival.bytes, 0)
    const seconds = Math.min(now - this.#firstAt, WINDOW_SECONDS)
    if (bytes < TELLING_BYTES && seconds < TELLING_SECONDS) return null
    return bytes / Math.max(seconds, LEAST_SECONDS)
  }
}
