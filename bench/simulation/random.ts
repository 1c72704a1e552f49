// Numbers that look random and are the same in every run with the same seed (mulberry32).

export class Random {
  #state: number

  /** @param seed any whole number */
  constructor(seed: number) {
    this.#state = seed | 0
  }

  /** @returns a number from 0 up to, but not, 1 */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let value = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61)
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32
  }

  /** @returns a number from `low` up to, but not, `high` */
  between(low: number, high: number): number {
    return low + (high - low) * this.next()
  }

  /** @returns a whole number from 0 to `limit` - 1 */
  below(limit: number): number {
    return Math.floor(this.next() * limit)
  }

  /** @returns the time until something that happens every `mean` on average; `Infinity` stays so */
  exponential(mean: number): number {
    return -Math.log(1 - this.next()) * mean
  }
}
