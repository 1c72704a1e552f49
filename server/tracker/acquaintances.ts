// Who of a swarm was introduced to whom lately. Viewers who come together all know of each other at
// once, and would all offer each other a connection, twice as many as there can be, some to the same
// one and none to another. So a pair is introduced once, by whoever announces last, and not again
// before it had time to connect. The swarm owns it.

/** Of a bigger swarm, so many are drawn whom somebody may be introduced to. */
export const MAX_DRAWN = 64
/** Our players have five offers open at most, and one is out when they are promised anybody. */
export const MAX_PROMISED = 4
/** By then most connections are up, and those that are not are worth another try: milliseconds. */
const FORGET_MS = 5000
/** Before that, the offer may not even have come. */
const FRESH_MS = 600
/** Of one viewer, so many are remembered; what is older than `FORGET_MS` goes first. */
const MAX_REMEMBERED = 64

export class Acquaintances {
  readonly #now: () => number
  /** When, by who offers and who gets the offer. */
  readonly #met = new Map<string, Map<string, number>>()
  readonly #promised = new Map<string, { readonly ids: readonly string[]; readonly at: number }>()

  /** @param now a steady clock in milliseconds, `performance.now()` if left out */
  constructor(now = () => performance.now()) {
    this.#now = now
  }

  /**
   * Chooses whom the next offers of a viewer go to, and remembers it: those that were promised to it,
   * then strangers, then those that it was introduced to longest ago.
   * @param own id of the viewer
   * @param others ids of others, in an order that was drawn
   * @param count of offers
   * @param isThere whether somebody is still there who was promised
   */
  introduce(
    own: string,
    others: readonly string[],
    count: number,
    isThere: (id: string) => boolean,
  ): string[] {
    const promised = this.#takePromised(own).filter(isThere)
    const before = others
      .filter((id) => !promised.includes(id))
      .map((id) => ({ id, ago: this.#ago(own, id) }))
      .filter(({ ago }) => ago >= FRESH_MS)
      .sort((a, b) => b.ago - a.ago)
    const chosen = [...promised, ...before.map(({ id }) => id)]
    return this.#remember(own, chosen.slice(0, count), this.#now())
  }

  /**
   * Promises a viewer some of the strangers that are left: nobody else is introduced to them for now.
   * @returns how many
   */
  promise(own: string, others: readonly string[], most: number): number {
    const strangers = others.filter((id) => this.#ago(own, id) === Number.POSITIVE_INFINITY)
    const at = this.#now()
    const promised = this.#remember(own, strangers.slice(0, most), at)
    if (promised.length > 0) this.#promised.set(own, { ids: promised, at })
    return promised.length
  }

  /** @returns those that nobody made an offer to meanwhile */
  #takePromised(own: string): string[] {
    const promised = this.#promised.get(own)
    this.#promised.delete(own)
    if (!promised || this.#now() - promised.at >= FORGET_MS) return []
    return promised.ids.filter((id) => this.#lastMet(own, id) === promised.at)
  }

  /** A viewer has left. */
  forget(own: string): void {
    this.#met.delete(own)
    this.#promised.delete(own)
  }

  /** @returns milliseconds since the two were introduced, infinite when that is forgotten */
  #ago(one: string, other: string): number {
    const ago = this.#now() - this.#lastMet(one, other)
    return ago < FORGET_MS ? ago : Number.POSITIVE_INFINITY
  }

  #lastMet(one: string, other: string): number {
    const never = Number.NEGATIVE_INFINITY
    return Math.max(
      this.#met.get(one)?.get(other) ?? never,
      this.#met.get(other)?.get(one) ?? never,
    )
  }

  #remember(own: string, others: string[], now: number): string[] {
    if (others.length === 0) return others
    const met = this.#met.get(own) ?? new Map<string, number>()
    this.#met.set(own, met)
    for (const id of others) {
      met.delete(id) // goes to the end
      met.set(id, now)
    }
    for (const [id, at] of met) {
      if (met.size <= MAX_REMEMBERED && now - at < FORGET_MS) break
      met.delete(id)
    }
    return others
  }
}

/**
 * @param random from 0 to 1, 1 not included; `Math.random` if left out
 * @returns up to `most` of the keys, each once, in an order that is drawn anew each time
 */
export function drawn(keys: readonly string[], most: number, random = Math.random): string[] {
  const moved = new Map<number, number>() // what a shuffle of all of them would have changed
  return Array.from({ length: Math.min(keys.length, most) }, (_, n) => {
    const at = n + Math.floor(random() * (keys.length - n))
    const key = keys[moved.get(at) ?? at] as string
    moved.set(at, moved.get(n) ?? n)
    return key
  })
}
