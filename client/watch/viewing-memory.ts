// What a viewer need not set again on this device: volume, speed, where the keys work, and where each
// title was left. In localStorage; where that is refused, full or holds nonsense, nothing is
// remembered and all works.
import * as v from 'valibot'
import { type MediaRecord, nameOfBytes } from '#protocol/media.ts'
import { speedOf } from '../playback/play-hold.ts'

const PREFERENCES_KEY = 'slipstream-player'
const POSITIONS_KEY = 'slipstream-positions'
const PAGE_KEYS_KEY = 'slipstream-page-keys'
/** Titles whose position is kept, those watched last. */
const MAX_POSITIONS = 100
/** Seconds. A shorter title is seen from its start. */
const SHORTEST_TITLE = 60
/** Seconds. Who left so early has seen nothing. */
const EARLIEST_POSITION = 5
/** Beyond it a title has been seen; the rest is credits. */
const SEEN_SHARE = 0.95

const preferencesSchema = v.object({
  volume: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
  muted: v.boolean(),
  /** Times the normal speed. */
  rate: v.pipe(v.number(), v.minValue(0.25), v.maxValue(4)),
})
export type Preferences = v.InferOutput<typeof preferencesSchema>

const positionsSchema = v.array(
  v.object({
    /** Title and revision. */
    of: v.string(),
    seconds: v.pipe(v.number(), v.finite(), v.minValue(0)),
  }),
)

/** The part of a record that a position belongs to. */
export type Viewed = Pick<MediaRecord, 'id' | 'revision'>

/**
 * @param seconds where playback stands
 * @param duration of the title, in seconds
 * @returns whether the viewer should find that place again
 */
export function isWorthKeeping(seconds: number, duration: number): boolean {
  if (!(duration >= SHORTEST_TITLE)) return false // or not known
  return seconds >= EARLIEST_POSITION && seconds <= duration * SEEN_SHARE
}

export class ViewingMemory {
  readonly #storage: () => Storage

  /** @param storage called each time, because the mere look at a storage may throw */
  constructor(storage: () => Storage = () => localStorage) {
    this.#storage = storage
  }

  /** `null` before the viewer has changed any. */
  get preferences(): Preferences | null {
    return this.#read(PREFERENCES_KEY, preferencesSchema)
  }

  keepPreferences(preferences: Preferences): void {
    this.#write(PREFERENCES_KEY, preferences)
  }

  /** Whether the player's keys work on the whole page, and not only where it has the focus. */
  get pageKeys(): boolean {
    return this.#read(PAGE_KEYS_KEY, v.boolean()) ?? true
  }

  keepPageKeys(pageKeys: boolean): void {
    this.#write(PAGE_KEYS_KEY, pageKeys)
  }

  /** @returns seconds, or `null` when the title starts at its start */
  position(title: Viewed): number | null {
    return this.#positions().find(({ of }) => of === nameOfBytes(title))?.seconds ?? null
  }

  /** Remembers the place, or forgets the title when the place is not worth keeping. */
  keepPosition(title: Viewed, seconds: number, duration: number): void {
    const all = this.#positions()
    const others = all.filter(({ of }) => of !== nameOfBytes(title))
    const kept = isWorthKeeping(seconds, duration)
    if (!kept && others.length === all.length) return
    const own = kept ? [{ of: nameOfBytes(title), seconds }] : []
    this.#write(POSITIONS_KEY, [...own, ...others].slice(0, MAX_POSITIONS))
  }

  #positions() {
    return this.#read(POSITIONS_KEY, positionsSchema) ?? []
  }

  #read<T>(key: string, schema: v.GenericSchema<unknown, T>): T | null {
    try {
      const text = this.#storage().getItem(key)
      const result = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), text)
      return result.success ? result.output : null
    } catch {
      return null // refused in this browser or frame
    }
  }

  #write(key: string, value: unknown): void {
    try {
      this.#storage().setItem(key, JSON.stringify(value))
    } catch {
      // Refused, or full: it holds for as long as the page does.
    }
  }
}

/** Written so often while it plays, by position. Seconds. */
const KEEP_EVERY = 5

export interface RememberedViewing {
  /** Where playback starts, in seconds, or `null` when that is the start. */
  readonly resumedAt: number | null
  /** Sets what is not the viewer's choice, and is not remembered as such. */
  impose(preferences: Partial<Preferences>): void
  /** Keeps the position a last time and listens no more. */
  stop(): void
}

/**
 * Gives a `<video>` without a source yet what is remembered, and remembers from then on.
 * @param startAt seconds; counts more than what is remembered
 */
export function rememberViewing(
  video: HTMLVideoElement,
  title: Viewed,
  startAt: number | null = null,
  memory = new ViewingMemory(),
): RememberedViewing {
  const { preferences } = memory
  if (preferences !== null) {
    video.volume = preferences.volume
    video.muted = preferences.muted
    // Loading a source sets the speed to the default.
    video.defaultPlaybackRate = preferences.rate
    video.playbackRate = preferences.rate
  }
  const resumedAt = startAt === null ? memory.position(title) : null
  const start = startAt ?? resumedAt
  if (start !== null) video.currentTime = start // taken as the start until there is data
  let keptAt = start ?? 0
  const keepPosition = (): void => {
    if (!Number.isFinite(video.duration)) return
    keptAt = video.currentTime
    memory.keepPosition(title, keptAt, video.duration)
  }
  let seen = preferencesOf(video)
  const keepPreferences = (): void => {
    const now = preferencesOf(video)
    const isNew = now.volume !== seen.volume || now.muted !== seen.muted || now.rate !== seen.rate
    seen = now
    if (!isNew) return
    video.defaultPlaybackRate = now.rate
    memory.keepPreferences(choiceOf(now, imposed, memory.preferences))
  }
  const imposed: Partial<Preferences> = {}
  const listening = new AbortController()
  const on = (names: readonly string[], target: EventTarget, act: () => void): void => {
    for (const name of names) target.addEventListener(name, act, { signal: listening.signal })
  }
  on(['volumechange', 'ratechange'], video, keepPreferences)
  on(['pause', 'seeked', 'ended'], video, keepPosition)
  on(['pagehide'], window, keepPosition)
  on(['timeupdate'], video, () => {
    if (Math.abs(video.currentTime - keptAt) >= KEEP_EVERY) keepPosition()
  })
  return {
    resumedAt,
    impose(preferences) {
      Object.assign(imposed, preferences)
      if (preferences.volume !== undefined) video.volume = preferences.volume
      if (preferences.muted !== undefined) video.muted = preferences.muted
      if (preferences.rate !== undefined) {
        video.defaultPlaybackRate = preferences.rate
        video.playbackRate = preferences.rate
      }
    },
    stop() {
      if (!listening.signal.aborted) keepPosition()
      listening.abort()
    },
  }
}

function preferencesOf(video: HTMLVideoElement): Preferences {
  const { volume, muted } = video
  return { volume, muted, rate: speedOf(video) }
}

const NEUTRAL: Preferences = { volume: 1, muted: false, rate: 1 }

/**
 * @param imposed what a page around the player has set; what the viewer changes since is taken out
 * @param before what the viewer chose until now
 * @returns `now`, without what is as it was imposed
 */
function choiceOf(
  now: Preferences,
  imposed: Partial<Preferences>,
  before: Preferences | null,
): Preferences {
  const all = before ?? NEUTRAL
  for (const name of ['volume', 'muted', 'rate'] as const) {
    if (imposed[name] !== undefined && imposed[name] !== now[name]) delete imposed[name]
  }
  return {
    volume: imposed.volume === undefined ? now.volume : all.volume,
    muted: imposed.muted === undefined ? now.muted : all.muted,
    rate: imposed.rate === undefined ? now.rate : all.rate,
  }
}
