// Who of a swarm is introduced to whom, and who was lately. Viewers who come together all know of each other at
// once, and would all offer each other a connection, twice as many as there can be, some to the same
// one and none to another. So a pair is introduced once, by whoever announces last, and not again
// before it had time to connect. The swarm owns it.

/** Of a bigger swarm, so many are drawn whom somebody may be introduced to. */
const MAX_DRAWN = 64
/** Our players have five offers open at most, and one is out when they are promised anybody. */
const MAX_PROMISED = 4
/** By then most connections are up, and those that are not are worth another try: milliseconds. */
const FORGET_MS = 5000
/** Before that, the offer may not even have come. */
const FRESH_MS = 600
/** Of one viewer, so many are remembered; what is older than `FORGET_MS` goes first. */
const MAX_REMEMBERED = 64

export interface AcquaintancesOptions {
  /** A steady clock in milliseconds. */
  readonly now?: () => number
  /** From 0 to 1, 1 not included. */
  readonly random?: () => number
}

export class Acquaintances {
  readonly #now: () => number
  readonly #random: () => number
  /** Ids of the members, to draw from, and where each is. */
  readonly #ids: string[] = []
  readonly #places = new Map<string, number>()
  /** Those that were drawn for whoever was introduced last. */
  #drawn: readonly string[] = []
  /** When, by who offers and who gets the offer. */
  readonly #met = new Map<string, Map<string, number>>()
  readonly #promised = new Map<string, { readonly ids: readonly string[]; readonly at: number }>()

  constructor({ now = () => performance.now(), random = Math.random }: AcquaintancesOptions = {}) {
    this.#now = now
    this.#random = random
  }

  join(id: string): void {
    if (!this.#places.has(id)) this.#places.set(id, this.#ids.push(id) - 1)
  }

  leave(id: string): void {
    const place = this.#places.get(id)
    if (place === undefined) return
    const last = this.#ids.pop() as string
    if (last !== id) {
      this.#ids[place] = last
      this.#places.set(last, place)
    }
    this.#places.delete(id)
    this.#met.delete(id)
    this.#promised.delete(id)
  }

  /** All are strangers again. */
  forget(): void {
    this.#met.clear()
    this.#promised.clear()
  }

  /**
   * Chooses whom the next offers of a member go to, and remembers it: those that were promised to it,
   * then strangers, then those that it was introduced to longest ago.
   * @param own its id
   * @param count of offers
   */
  introduce(own: string, count: number): string[] {
    this.#drawn = this.#draw().filter((id) => id !== own)
    const promised = this.#takePromised(own).filter((id) => this.#places.has(id))
    const before = this.#drawn
      .filter((id) => !promised.includes(id))
      .map((id) => ({ id, ago: this.#ago(own, id) }))
      .filter(({ ago }) => ago >= FRESH_MS)
      .sort((a, b) => b.ago - a.ago)
    const chosen = [...promised, ...before.map(({ id }) => id)]
    return this.#remember(own, chosen.slice(0, count), this.#now())
  }

  /**
   * Promises a member that was just introduced some of the strangers that are left: nobody else is
   * introduced to them for now.
   * @returns how many
   */
  promise(own: string): number {
    const strangers = this.#drawn.filter((id) => this.#ago(own, id) === Number.POSITIVE_INFINITY)
    const at = this.#now()
    const promised = this.#remember(own, strangers.slice(0, MAX_PROMISED), at)
    if (promised.length > 0) this.#promised.set(own, { ids: promised, at })
    return promised.length
  }

  /** @returns some of the members, each once, in an order that is drawn anew each time */
  #draw(): string[] {
    const ids = this.#ids
    const moved = new Map<number, number>() // what a shuffle of all of them would have changed
    return Array.from({ length: Math.min(ids.length, MAX_DRAWN) }, (_, n) => {
      const at = n + Math.floor(this.#random() * (ids.length - n))
      const id = ids[moved.get(at) ?? at] as string
      moved.set(at, moved.get(n) ?? n)
      return id
    })
  }

  /** @returns those that nobody made an offer to meanwhile */
  #takePromised(own: string): string[] {
    const promised = this.#promised.get(own)
    this.#promised.delete(own)
    if (!promised || this.#now() - promised.at >= FORGET_MS) return []
    return promised.ids.filter((id) => this.#lastMet(own, id) === promised.at)
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
