// Which web seed is asked next: the best one that is fit for use. One that failed rests for a while,
// the longer the more often, and is then tried by one request at a time; one that has another file
// than the title's revision, or none, is not asked again. Times are given, in milliseconds.

/**
 * `failed`: no answer, or an error. `wrong`: an answer that is not the bytes asked for. `deleted`:
 * there is no such file. `changed`: the file there is another one than the title's.
 */
export type SeedFault = 'failed' | 'wrong' | 'deleted' | 'changed'

/** A web seed that is asked, and since when. */
export interface SeedTurn {
  readonly url: string
  readonly at: number
}

/** After the first failure; doubles with each one that follows without a success. */
const REST_MS: Record<'failed' | 'wrong', number> = { failed: 5_000, wrong: 60_000 }
/** A source that is back again shall not cost the next ones in line for long. */
const MAX_REST_MS: Record<'failed' | 'wrong', number> = { failed: 60_000, wrong: 600_000 }

interface Seed {
  readonly url: string
  /** In a row. */
  failures: number
  failedAt: number
  restMs: number
  restsUntil: number
  lost: 'deleted' | 'changed' | null
}

export class WebSeeds {
  readonly #seeds: readonly Seed[]

  /** @param urls best first; the last one is that of the server that knows the title */
  constructor(urls: readonly string[]) {
    const fresh = { failures: 0, failedAt: -1, restMs: 0, restsUntil: 0, lost: null }
    this.#seeds = urls.map((url) => ({ url, ...fresh }))
  }

  /** Why none is left, or `null`: the last one in line knows best. */
  get lost(): 'deleted' | 'changed' | null {
    return this.#left().length > 0 ? null : (this.#seeds.at(-1)?.lost ?? 'deleted')
  }

  /** True when there is no other to turn to. */
  get isAlone(): boolean {
    return this.#left().length < 2
  }

  /** @returns whether there is one, besides `url`, that need not rest. */
  isReady(now: number, url?: string): boolean {
    return this.#left().some((seed) => seed.url !== url && seed.restsUntil <= now)
  }

  /** @returns the one to ask now: where all of them rest, the one that has rested most; or `null` */
  take(now: number): SeedTurn | null {
    const left = this.#left()
    const seed =
      left.find(({ restsUntil }) => restsUntil <= now) ??
      left.toSorted((one, other) => one.restsUntil - other.restsUntil)[0]
    if (seed === undefined) return null
    seed.restsUntil = now + seed.restMs // others do not try it as well
    return { url: seed.url, at: now }
  }

  /** The answer was right to its end. */
  succeeded({ url }: SeedTurn): void {
    const seed = this.#find(url)
    if (seed) Object.assign(seed, { failures: 0, restMs: 0, restsUntil: 0 })
  }

  /** @param restMs what the server itself asked for */
  failed({ url, at }: SeedTurn, fault: SeedFault, now: number, restMs = 0): void {
    const seed = this.#find(url)
    if (!seed) return
    if (fault === 'deleted' || fault === 'changed') {
      seed.lost = fault
      return
    }
    // Requests that were under way together meet the same trouble.
    if (at >= seed.failedAt) {
      seed.restMs = Math.min(REST_MS[fault] * 2 ** seed.failures, MAX_REST_MS[fault])
      seed.failures += 1
    }
    seed.failedAt = now
    seed.restsUntil = now + Math.max(seed.restMs, restMs)
  }

  #left(): readonly Seed[] {
    return this.#seeds.filter(({ lost }) => lost === null)
  }

  #find(url: string): Seed | undefined {
    return this.#seeds.find((seed) => seed.url === url)
  }
}
