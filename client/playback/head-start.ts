// A title's head start: the `<video>` gets the first bytes of its file from the server itself, at the
// address of its stream, and goes on through the service worker where that answer ends. So the first
// frame waits for no script of ours and no worker. The page gets the same bytes out of the HTTP cache:
// they are fetched once. On a page that is just being loaded, index.html starts it in the same way.
import { earlyRequestOf } from '#protocol/early-request.ts'
import { type MediaRecord, nameOfBytes } from '#protocol/media.ts'
import { HEAD_PARAMETER, ONLY_IF_CACHED, streamPath, streamSession } from '#protocol/stream.ts'
import { ownPath, ownUrl } from '../remote/own-address.ts'
import type { Bytes } from '../storage/piece-store.ts'
import { wasStored } from '../storage/stored-titles.ts'
import { isControlled } from './service-worker-client.ts'

declare global {
  interface Window {
    /** What was started, until somebody takes it. */
    slipstreamStart?: StartedVideo
  }
  interface Navigator {
    /** Of Chromium's family alone, on pages that may have a service worker. */
    readonly userAgentData?: { readonly brands: readonly { readonly brand: string }[] }
  }
}

interface StartedVideo {
  /** As `nameOfBytes` has it. */
  readonly title: string
  /** Its `src` is set. It stands still, at a rate of 0. */
  readonly video: HTMLVideoElement
  readonly session: string
  readonly headEnd: number
  /** When the `src` was set, by `performance.now()`. */
  readonly startedAt: number
  /** When its first frame (of sound: its first data) was there, by the same clock. */
  shownAt: number | null
}

/** On a line that is fast enough a first frame takes no longer, and some ways to the server and back. */
const PATIENCE_MS = 300
const PATIENCE_WAYS = 2
/** Few servers are further away; what takes longer mostly waits for a busy machine. */
const LONGEST_WAY_MS = 300
/** By then an answer is over, or there was none. */
const LOADED_WAIT_MS = 10_000

export interface HeadStart {
  readonly session: string
  /** Of the `<video>`. */
  readonly src: string
  /** The byte after the last one that the server sends. */
  readonly end: number
  /** When it was begun, by `performance.now()`. */
  readonly startedAt: number
  /** When the first frame (of sound: the first data) was there, by the same clock; `null` before. */
  readonly shownAt: number | null
}

/**
 * Starts a title from its start whose page is to come, where that is possible: on a page that has its
 * worker.
 */
export function startHead(media: MediaRecord): void {
  if (window.slipstreamStart?.title === nameOfBytes(media)) return
  dropStartedVideo()
  const early = earlyRequestOf(media, ownUrl('/').slice(0, -1))
  if (!early || early.headEnd === null || !goesOnThroughWorker()) return
  const { title, headEnd } = early
  const video = document.createElement('video')
  if (!isControlled() || wasStored(title) || video.canPlayType(media.type) === '') return
  const session = streamSession(media.revision, crypto.randomUUID())
  const startedAt = performance.now()
  const start: StartedVideo = { title, video, session, headEnd, startedAt, shownAt: null }
  window.slipstreamStart = start
  const show = (): void => {
    start.shownAt ??= performance.now()
  }
  video.requestVideoFrameCallback(show)
  video.addEventListener('loadeddata', () => video.videoWidth > 0 || show())
  video.playsInline = true
  video.preload = 'auto'
  // Without it Chromium takes no bytes of a worker, whose answers have no address, after a server's.
  video.crossOrigin = 'anonymous'
  video.src = `${ownPath(streamPath(media.id, session, media.filename))}?${HEAD_PARAMETER}`
  video.playbackRate = 0 // its session knows when it can go on
}

/** @returns how long a first frame is waited for: milliseconds */
export function headPatienceMs(): number {
  const [page] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[]
  const wayMs = page ? page.responseStart - page.requestStart : 0
  return PATIENCE_MS + PATIENCE_WAYS * Math.min(wayMs, LONGEST_WAY_MS)
}

/** @returns the `<video>` that was started with this title, for whoever asks first; it may play now */
export function takeStartedVideo(
  media: MediaRecord,
): { readonly video: HTMLVideoElement; readonly head: HeadStart } | null {
  const started = window.slipstreamStart
  if (started?.title !== nameOfBytes(media)) {
    dropStartedVideo()
    return null
  }
  delete window.slipstreamStart
  const { video, session, headEnd: end, startedAt, shownAt } = started
  video.playbackRate = video.defaultPlaybackRate
  return { video, head: { session, src: video.src, end, startedAt, shownAt } }
}

/** Lets go of what was started, unless somebody took it. */
export function dropStartedVideo(): void {
  const video = window.slipstreamStart?.video
  delete window.slipstreamStart
  video?.remove()
  video?.removeAttribute('src')
  video?.load()
}

/** Others go on where they began, or begin anew. */
function goesOnThroughWorker(): boolean {
  return navigator.userAgentData?.brands.some(({ brand }) => brand === 'Chromium') ?? false
}

/** Tells the server that page and worker are there for what comes after the head. */
export function releaseHead({ src }: HeadStart): void {
  // Without the query: the cache lets go of what is POSTed to.
  const [url = src] = src.split('?', 1)
  void fetch(url, { method: 'POST' }).catch(() => {}) // it does not wait for ever
}

/**
 * @returns the head, as soon as the `<video>` has all of it; `null` when the HTTP cache has let go of
 *   it. Nothing is fetched.
 */
export async function readHead(
  { src, end }: HeadStart,
  signal: AbortSignal,
): Promise<Bytes | null> {
  await untilLoaded(src, signal)
  try {
    // Chromium finds no ranges by its own `only-if-cached`. So the server is told not to answer.
    const headers = { range: `bytes=0-${end - 1}`, 'cache-control': ONLY_IF_CACHED }
    const response = await fetch(src, { headers, cache: 'force-cache', signal })
    const bytes = new Uint8Array(await response.arrayBuffer())
    return response.status === 206 && bytes.length === end ? bytes : null
  } catch {
    return null
  }
}

/** @returns when an answer from that address is over, or is not worth waiting for */
function untilLoaded(url: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, LOADED_WAIT_MS)
    const look = (entries: PerformanceEntryList): void => {
      if (!entries.some(({ name }) => name === url)) return
      observer.disconnect()
      clearTimeout(timer)
      resolve()
    }
    const observer = new PerformanceObserver((list) => look(list.getEntries()))
    observer.observe({ type: 'resource', buffered: true })
    signal.addEventListener('abort', () => observer.disconnect(), { once: true })
  })
}
