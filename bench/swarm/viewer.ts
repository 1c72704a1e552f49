// A person who opens a page and watches its <video> to the end, muted; recorded is what they see:
// the first frame, every wait for data after it, and whether they saw the end. The recording hangs
// on the page's <video> from outside and is the same for all contenders.
import type { Browser, BrowserContext, Page } from '@playwright/test'

/** No stream plays to its last millisecond; a wait this close to the end is the end. */
const END_SECONDS = 0.5

/** Our watch page leaves so much beside the film, the others less: pixels. */
const MARGINS = 32

/** Playback has begun when so much was played: seconds. */
const BEGUN_SECONDS = 0.5
/** What stops sooner never began: seconds. */
const STILL_SECONDS = 0.1

interface Stall {
  /** Where playback stood, seconds. */
  readonly position: number
  readonly ms: number
}

/** What a viewer saw. */
export interface Watched {
  /** Milliseconds from the start of the navigation, or `null` when none came. */
  readonly firstFrameMs: number | null
  /** The same for the first half second to have been played. */
  readonly begunMs: number | null
  readonly stalls: readonly Stall[]
  readonly reachedEnd: boolean
  /** Where playback stood in the end, seconds. */
  readonly position: number
  /** Why it did not go on, if the browser said so. */
  readonly error: string | null
}

declare global {
  interface Window {
    benchWatching: {
      /** Resolves at the end of the title or when the <video> gives up. */
      readonly over: Promise<void>
      read(): Watched
    }
  }
}

export class Viewer {
  readonly page: Page
  readonly #context: BrowserContext

  private constructor(context: BrowserContext, page: Page) {
    this.#context = context
    this.page = page
  }

  /**
   * A stranger with an empty tab: no cache, no service worker. It is so wide that all contenders draw
   * the film at its own size, for that takes most of the processor's time.
   * @param size of the film in pixels, `640x360` and the like
   */
  static async arrive(browser: Browser, size: string): Promise<Viewer> {
    const width = Number.parseInt(size, 10) + MARGINS
    const context = await browser.newContext({ viewport: { width, height: 600 } })
    await context.addInitScript(recordWatching, {
      endSeconds: END_SECONDS,
      begunSeconds: BEGUN_SECONDS,
      stillSeconds: STILL_SECONDS,
    })
    return new Viewer(context, await context.newPage())
  }

  /** @param patienceMs after which they leave, wherever playback stands */
  async watch(url: string, patienceMs: number): Promise<Watched> {
    try {
      await this.page.goto(url, { waitUntil: 'commit', timeout: patienceMs })
      await this.page.evaluate(
        (ms) =>
          Promise.race([
            window.benchWatching.over,
            new Promise<void>((resolve) => setTimeout(resolve, ms)),
          ]),
        patienceMs,
      )
      return await this.page.evaluate(() => window.benchWatching.read())
    } catch (error) {
      const { message } = error as Error
      const nothing = { firstFrameMs: null, begunMs: null, stalls: [], reachedEnd: false }
      return { ...nothing, position: 0, error: message }
    }
  }

  leave(): Promise<void> {
    return this.#context.close()
  }
}

/** Runs in every page before its own scripts. */
function recordWatching(limits: {
  readonly endSeconds: number
  readonly begunSeconds: number
  readonly stillSeconds: number
}): void {
  let video: HTMLVideoElement | null = null
  let firstFrameMs: number | null = null
  let begunMs: number | null = null
  let stalledFrom: { position: number; at: number } | null = null
  const stalls: Stall[] = []
  const { promise: over, resolve: end } = Promise.withResolvers<void>()

  const closeStall = () => {
    if (stalledFrom === null) return
    stalls.push({ position: stalledFrom.position, ms: performance.now() - stalledFrom.at })
    stalledFrom = null
  }
  const follow = (element: HTMLVideoElement) => {
    video = element
    element.muted = true
    element.requestVideoFrameCallback((_now, { presentationTime }) => {
      firstFrameMs = presentationTime
    })
    element.addEventListener('loadedmetadata', () => {
      if (element.paused) element.play().catch(() => undefined)
    })
    const stop = () => {
      const isOver = element.ended || element.duration - element.currentTime < limits.endSeconds
      if (firstFrameMs === null || element.seeking || isOver) return
      stalledFrom ??= { position: element.currentTime, at: performance.now() }
    }
    element.addEventListener('waiting', stop)
    // By the page, since nobody else does: a wait by another name.
    element.addEventListener('pause', () => element.currentTime > limits.stillSeconds && stop())
    element.addEventListener('timeupdate', () => {
      if (element.currentTime >= limits.begunSeconds) begunMs ??= performance.now()
    })
    element.addEventListener('playing', closeStall)
    element.addEventListener('ended', () => {
      closeStall()
      end()
    })
    element.addEventListener('error', () => end())
  }
  const finder = new MutationObserver(() => {
    const found = document.querySelector('video')
    if (found === null) return
    finder.disconnect()
    follow(found)
  })
  finder.observe(document, { childList: true, subtree: true })

  window.benchWatching = {
    over,
    read() {
      closeStall()
      return {
        firstFrameMs,
        begunMs,
        stalls,
        reachedEnd: video?.ended ?? false,
        position: video?.currentTime ?? 0,
        error: video?.error?.message ?? null,
      }
    },
  }
}
