// Records of titles that are asked for many times a second, remembered for a second: the look-up
// costs more than sending a range. Changes that this process makes are seen at once (`forget`),
// those of another process on the same database within the second.
import type { MediaId } from '#protocol/ids.ts'
import type { Catalogue, Media } from './catalogue.ts'

const REMEMBER_MS = 1_000
const MOST = 2_000

interface Remembered {
  readonly until: number
  readonly media: Promise<Media | null>
}

export class RecentMedia {
  readonly #catalogue: Pick<Catalogue, 'get'>
  readonly #now: () => number
  readonly #remembered = new Map<MediaId, Remembered>()

  /** @param now milliseconds since 1970 */
  constructor(catalogue: Pick<Catalogue, 'get'>, now: () => number) {
    this.#catalogue = catalogue
    this.#now = now
  }

  /** @returns the title as it was at most a second ago, or `null` when there is none */
  get(id: MediaId): Promise<Media | null> {
    const known = this.#remembered.get(id)
    const now = this.#now()
    if (known && now < known.until) return known.media
    const media = this.#catalogue.get(id)
    media.catch(() => this.#remembered.delete(id))
    this.#remembered.delete(id) // to the end of the map: the oldest is dropped first
    this.#remembered.set(id, { until: now + REMEMBER_MS, media })
    if (this.#remembered.size > MOST) {
      const [oldest] = this.#remembered.keys()
      if (oldest !== undefined) this.#remembered.delete(oldest)
    }
    return media
  }

  /** The title was changed: the next `get` looks it up. */
  forget(id: MediaId): void {
    this.#remembered.delete(id)
  }
}
