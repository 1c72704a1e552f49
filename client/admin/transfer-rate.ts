// How fast a transfer is, over its last seconds. Pure: the caller brings the clock.

const WINDOW_MS = 8000
const LEAST_SPAN_MS = 800 // below that a rate would jump about

export class TransferRate {
  #samples: { readonly at: number; readonly bytes: number }[] = []

  /**
   * @param now milliseconds, monotonic
   * @param bytes bytes transferred so far; a fall (the server had fewer) starts the count anew
   */
  add(now: number, bytes: number): void {
    const last = this.#samples.at(-1)
    if (last !== undefined && bytes < last.bytes) this.reset()
    this.#samples.push({ at: now, bytes })
    // One sample from before the window stays, so that the span covers it.
    while ((this.#samples[1]?.at ?? now) < now - WINDOW_MS) this.#samples.shift()
  }

  reset(): void {
    this.#samples = []
  }

  /** @returns bytes per second, or `null` while too little is known */
  bytesPerSecond(now: number): number | null {
    const first = this.#samples[0]
    const last = this.#samples.at(-1)
    if (first === undefined || last === undefined) return null
    const span = now - first.at
    if (span < LEAST_SPAN_MS) return null
    return ((last.bytes - first.bytes) / span) * 1000
  }
}
