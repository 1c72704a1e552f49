// A viewer: a page of a real browser on a watch page, and what its `<video>` went through, recorded
// from before the first script of the page runs.
import { type BrowserContext, expect, type Page } from '@playwright/test'
import type { PlaybackPhase, PlaybackStats } from '../../client/playback/playback.ts'

/** Between two looks at a page, milliseconds; Playwright's own go up to a second. */
const intervals = [100]

interface Recorded {
  /** Names of the media events so far, in order. */
  readonly events: { readonly name: string; readonly at: number; readonly position: number }[]
  /** Every value that `src` had. */
  readonly sources: string[]
  /** The largest jump of the position between two frames that no seek explains, seconds. */
  jump: number
}

interface VideoState {
  readonly currentTime: number
  readonly duration: number
  readonly paused: boolean
  readonly ended: boolean
  readonly readyState: number
  readonly src: string
  readonly error: number | null
}

/** What a page plays, whatever drives its browser. */
export interface Playing {
  stats(): Promise<PlaybackStats>
  video(): Promise<VideoState>
  recorded(): Promise<Recorded>
  /** Sources of all `<video>`s that were ever made and have one, in the document or not. */
  presentSources(): Promise<string[]>
  untilFirstFrame(timeoutMs?: number): Promise<void>
  untilPhase(phase: PlaybackPhase, timeoutMs?: number): Promise<void>
  untilPosition(seconds: number, timeoutMs?: number): Promise<void>
  untilEnded(timeoutMs?: number): Promise<void>
  /** Until every piece is held. */
  untilFilled(timeoutMs?: number): Promise<void>
  /** Until it is connected to so many viewers. */
  untilPeers(count: number, timeoutMs?: number): Promise<void>
  seek(seconds: number): Promise<void>
  /** Names of media events after the first frame. */
  eventsAfterFirstFrame(): Promise<string[]>
}

export interface Viewer extends Playing {
  readonly page: Page
}

/** How functions are run in a page; they are sent as text and see nothing but their argument. */
export interface PageAccess {
  run<Result>(inPage: () => Result): Promise<Result>
  /** Waits for the page's one `<video>`. */
  onVideo<Result>(
    inPage: (element: HTMLVideoElement, argument: number) => Result,
    argument?: number,
  ): Promise<Result>
}

/**
 * Opens a watch page muted and playing.
 * @param enter how the visitor comes to the title when `url` is not its page yet
 */
export async function watch(
  context: BrowserContext,
  url: string,
  enter?: (page: Page) => Promise<void>,
): Promise<Viewer> {
  const page = await context.newPage()
  await page.addInitScript(recordVideo)
  await page.goto(url, { waitUntil: 'domcontentloaded' })
  await enter?.(page)
  const video = page.locator('video')
  await video.waitFor({ state: 'attached' })
  const playing = await play({
    run: (inPage) => page.evaluate(inPage),
    onVideo: (inPage, argument = 0) => video.evaluate(inPage, argument),
  })
  return { page, ...playing }
}

/** @returns what `window.slipstream.stats()` says on a watch or embed page */
export function statsOf(page: Page): Promise<PlaybackStats> {
  return page.evaluate(() => (window as unknown as PageGlobals).slipstream.stats())
}

/**
 * Answers the question before it is asked: shares, unless `choice` says otherwise. What a page of the
 * context chooses later is kept.
 */
export async function agreed(context: BrowserContext, choice: object = {}): Promise<void> {
  await context.addInitScript(
    (text) => {
      if (location.protocol === 'about:') return // there is no storage
      if (localStorage.getItem('slipstream-sharing') === null) {
        localStorage.setItem('slipstream-sharing', text)
      }
    },
    JSON.stringify({ share: true, uploadRate: null, sessionBytes: null, ...choice }),
  )
}

/**
 * Presses play on a muted `<video>`.
 * @param access to a page that ran {@link recordVideo} before its own scripts
 */
export async function play({ run, onVideo }: PageAccess): Promise<Playing> {
  await onVideo((element) => {
    element.muted = true
    void element.play()
  })
  const playing: Playing = {
    stats: () => run(() => (window as unknown as PageGlobals).slipstream.stats()),
    video: () =>
      onVideo((element) => ({
        currentTime: element.currentTime,
        duration: element.duration,
        paused: element.paused,
        ended: element.ended,
        readyState: element.readyState,
        src: element.getAttribute('src') ?? '',
        error: element.error?.code ?? null,
      })),
    recorded: () => run(() => (window as unknown as PageGlobals).recordedMedia),
    presentSources: () =>
      run(() =>
        (window as unknown as PageGlobals).madeMedia
          .map((element) => element.getAttribute('src') ?? '')
          .filter((source) => source !== ''),
      ),
    async untilFirstFrame(timeout = 5_000) {
      await expect
        .poll(async () => (await playing.stats()).firstFrameMs, { timeout, intervals })
        .not.toBeNull()
    },
    async untilPhase(phase, timeout = 30_000) {
      await expect
        .poll(async () => (await playing.stats()).phase, { timeout, intervals })
        .toBe(phase)
    },
    async untilPosition(seconds, timeout = 30_000) {
      await expect
        .poll(async () => (await playing.video()).currentTime, { timeout, intervals })
        .toBeGreaterThan(seconds)
    },
    async untilEnded(timeout = 90_000) {
      await expect
        .poll(async () => (await playing.video()).ended, { timeout, intervals })
        .toBe(true)
    },
    async untilFilled(timeout = 40_000) {
      const isFilled = async () => {
        const { have, total } = (await playing.stats()).pieces
        return total > 0 && have === total
      }
      await expect.poll(isFilled, { timeout, intervals }).toBe(true)
    },
    async untilPeers(count, timeout = 20_000) {
      await expect
        .poll(async () => (await playing.stats()).peers, { timeout, intervals })
        .toBe(count)
    },
    async seek(seconds) {
      await onVideo((element, to) => {
        element.currentTime = to
      }, seconds)
    },
    async eventsAfterFirstFrame() {
      const names = (await playing.recorded()).events.map((event) => event.name)
      return names.slice(names.indexOf('playing') + 1)
    },
  }
  await expect
    .poll(() => run(() => 'slipstream' in window), { timeout: 30_000, intervals })
    .toBe(true)
  return playing
}

/** What the page has on its `window`; `recordedMedia` and `madeMedia` are ours. */
interface PageGlobals {
  readonly slipstream: { stats(): PlaybackStats }
  readonly recordedMedia: Recorded
  readonly madeMedia: HTMLMediaElement[]
}

/** Runs in the page before anything else. */
export function recordVideo(): void {
  const recorded: Recorded = { events: [], sources: [], jump: 0 }
  const made: HTMLMediaElement[] = []
  Object.assign(window, { recordedMedia: recorded, madeMedia: made })
  const names = ['playing', 'waiting', 'stalled', 'error', 'emptied', 'seeking', 'seeked', 'ended']
  const watched = new WeakSet<HTMLMediaElement>()
  let lastPosition = 0
  let lastAt = 0
  const attach = (element: HTMLMediaElement) => {
    if (watched.has(element)) return
    watched.add(element)
    for (const name of names) {
      element.addEventListener(name, () => {
        recorded.events.push({ name, at: performance.now(), position: element.currentTime })
        if (name === 'seeking' || name === 'seeked') lastAt = 0
      })
    }
    element.addEventListener('timeupdate', () => {
      const now = performance.now()
      if (lastAt > 0 && !element.seeking) {
        const played = ((now - lastAt) / 1000) * element.playbackRate
        recorded.jump = Math.max(recorded.jump, element.currentTime - lastPosition - played)
        if (element.currentTime < lastPosition) {
          recorded.jump = Math.max(recorded.jump, lastPosition - element.currentTime)
        }
      }
      lastAt = now
      lastPosition = element.currentTime
    })
  }
  const create = document.createElement.bind(document)
  document.createElement = ((name: string, options?: ElementCreationOptions) => {
    const element = create(name, options)
    if (element instanceof HTMLMediaElement) {
      attach(element)
      made.push(element)
      const record = new MutationObserver(() =>
        recorded.sources.push(element.getAttribute('src') ?? ''),
      )
      record.observe(element, { attributes: true, attributeFilter: ['src'] })
    }
    return element
  }) as typeof document.createElement
}
