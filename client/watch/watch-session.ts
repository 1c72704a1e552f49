// A watch session: the one <video> of a page and the playback that feeds it. It is opened before
// React is mounted (main.ts) or by a route, whichever comes first; a route adopts it by `hold` and
// lets go on leaving, and then it is closed. There is at most one at a time. `window.slipstream`
// answers for the present one, and "nothing yet" while there is none.
import type { MediaRecord } from '#protocol/media.ts'
import { getBoot, iceServersOf } from '../app/boot.ts'
import { openPlayback } from '../playback/engine.ts'
import type { Playback, PlaybackSnapshot, PlaybackStats } from '../playback/playback.ts'
import { removeStage, showEarly } from './early-video.ts'

declare global {
  interface Window {
    /** On watch and embed pages: what programs may ask of the playback, at any time. */
    slipstream: { stats(): PlaybackStats }
  }
}

const NOTHING_YET: PlaybackStats = {
  phase: 'placeholder',
  firstFrameMs: null,
  swap: null,
  stalls: 0,
  stalledMs: 0,
  bytes: { placeholder: 0, origin: 0, peers: 0, uploaded: 0, wasted: 0 },
  peers: 0,
  pieces: { have: 0, total: 0 },
}

/** Defines `window.slipstream`: before anything that may take time or fail. */
export function exposeStatistics(): void {
  window.slipstream = { stats: () => current?.session.stats() ?? NOTHING_YET }
}

export interface WatchOptions {
  /** Start without a press of the button, where the browser allows it. */
  readonly autoplay: boolean
}

/** A watch page plays at once; an embedded player only when its address says `?autoplay`. */
export function autoplayWanted(page: 'watch' | 'embed'): boolean {
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) return false
  return page === 'watch' || new URLSearchParams(location.search).has('autoplay')
}

export class WatchSession {
  readonly media: MediaRecord
  /** Lives as long as the session; the player puts it into the page. */
  readonly video: HTMLVideoElement
  #playback: Playback
  #unsubscribe: () => void
  #closed = false
  readonly #listeners = new Set<() => void>()

  constructor(media: MediaRecord, options: WatchOptions) {
    this.media = media
    this.video = document.createElement('video')
    this.video.playsInline = true
    this.video.preload = 'auto'
    this.video.autoplay = options.autoplay
    this.video.slot = 'media'
    this.video.ariaLabel = media.title
    if (media.poster !== null) this.video.poster = media.poster
    this.#playback = this.#open()
    this.#unsubscribe = this.#playback.subscribe(this.#notify)
  }

  readonly stats = (): PlaybackStats => this.#playback.stats()

  /** For `useSyncExternalStore`. @returns the function that ends the subscription */
  readonly subscribe = (onChange: () => void): (() => void) => {
    this.#listeners.add(onChange)
    return () => this.#listeners.delete(onChange)
  }

  readonly getSnapshot = (): PlaybackSnapshot => this.#playback.getSnapshot()

  /** Starts over after a problem, at the second where playback stopped. */
  async retry(): Promise<void> {
    const position = this.video.currentTime
    const failed = this.#playback
    this.#unsubscribe()
    await failed.close()
    if (this.#closed || this.#playback !== failed) return // left, or pressed twice
    this.#playback = this.#open()
    this.#unsubscribe = this.#playback.subscribe(this.#notify)
    if (position > 0) this.video.currentTime = position
    this.#notify()
    // Refused without a gesture, and superseded when the source changes: the button stays.
    await this.video.play().catch(() => undefined)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#unsubscribe()
    this.#listeners.clear()
    this.video.remove()
    removeStage()
    await this.#playback.close()
  }

  #open(): Playback {
    const { media, video } = this
    return openPlayback({ media, video, iceServers: iceServersOf(getBoot()) })
  }

  readonly #notify = (): void => {
    for (const listener of this.#listeners) listener()
  }
}

/** A press on a title is followed by its page within that time, or by none. */
const ADOPTION_MS = 5_000

/**
 * Starts playback with the press on a title, ahead of the page that will show it.
 * @returns when that page may take its share of the processor; false when another title was
 *   pressed meanwhile
 */
export async function startWatching(media: MediaRecord): Promise<boolean> {
  const session = openWatchSession(media, { autoplay: autoplayWanted('watch') })
  setTimeout(holdWatchSession(session), ADOPTION_MS)
  await showEarly(session.video, media, 'watch')
  return current?.session === session
}

let current: { session: WatchSession; holders: number } | null = null

/**
 * @returns the session of this title: the one that is open, or a new one. The session of another
 *   title is closed.
 */
export function openWatchSession(media: MediaRecord, options: WatchOptions): WatchSession {
  if (current !== null) {
    const open = current.session.media
    if (open.id === media.id && open.revision === media.revision) return current.session
    void current.session.close()
  }
  const session = new WatchSession(media, options)
  current = { session, holders: 0 }
  return session
}

/**
 * Keeps the session open while a page shows it.
 * @returns the function that lets go; the session is closed once nobody has held it for a moment
 */
export function holdWatchSession(session: WatchSession): () => void {
  if (current?.session === session) current.holders += 1
  return () => {
    if (current?.session !== session) return
    current.holders -= 1
    // A page that is only re-mounted (hot reload) takes it back in the same turn.
    queueMicrotask(() => {
      if (current?.session !== session || current.holders > 0) return
      current = null
      void session.close()
    })
  }
}
