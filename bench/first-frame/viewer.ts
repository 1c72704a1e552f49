// A person in front of a browser: opens an address or clicks something, and sees a first frame.
// The frame's time is the browser's own: when it was handed over to be shown, by
// `requestVideoFrameCallback` on whatever <video> the page has or gets. Whoever made a viewer
// closes it.
import type { Browser, BrowserContext, Frame, Locator, Page } from '@playwright/test'

const FIRST_FRAME_TIMEOUT_MS = 60_000
/** A new Chromium window loads some hundred scripts of its own, which is nobody's first frame. */
const WINDOW_SETTLES_MS = 1_000
/** From reaching a target to pressing it. */
const POINTER_RESTS_MS = 200

export interface FirstFrame {
  /** Milliseconds from the start of the navigation, or from the click. */
  readonly ms: number
  /** When it was shown, milliseconds since 1970. */
  readonly at: number
}

declare global {
  interface Window {
    /** Made by `recordFirstFrame`; times are of the page's clock. */
    benchFirstFrame: Promise<{ clickedAt: number | null; shownAt: number }>
  }
}

/** Runs in every page before its own scripts. */
function recordFirstFrame(): void {
  let clickedAt: number | null = null
  addEventListener(
    'click',
    (event) => {
      clickedAt ??= event.timeStamp
    },
    { capture: true },
  )
  window.benchFirstFrame = new Promise((resolve) => {
    const watched = new WeakSet<HTMLVideoElement>()
    const watch = () => {
      for (const video of document.querySelectorAll('video')) {
        if (watched.has(video)) continue
        watched.add(video)
        video.requestVideoFrameCallback((_now, { presentationTime }) =>
          resolve({ clickedAt, shownAt: presentationTime }),
        )
      }
    }
    new MutationObserver(watch).observe(document, { childList: true, subtree: true })
  })
}

export class Viewer {
  readonly #context: BrowserContext

  private constructor(context: BrowserContext) {
    this.#context = context
  }

  /** A viewer who was never here: no cache, no service worker. */
  static async arrive(browser: Browser): Promise<Viewer> {
    const context = await browser.newContext()
    await context.addInitScript(recordFirstFrame)
    return new Viewer(context)
  }

  /** @returns an empty tab of a browser window that has finished building itself */
  async newTab(): Promise<Page> {
    const tab = await this.#context.newPage()
    await tab.waitForTimeout(WINDOW_SETTLES_MS)
    return tab
  }

  leave(): Promise<void> {
    return this.#context.close()
  }
}

/** Opens an address. @returns its first frame, counted from the start of the navigation */
export async function visit(tab: Page, url: string): Promise<FirstFrame> {
  await tab.goto(url, { waitUntil: 'commit' })
  return firstFrameOf(tab)
}

/**
 * Opens the address of a page that plays in a frame.
 * @param selector of the frame's element
 * @returns its first frame, counted from the start of the page's navigation
 */
export async function visitFrame(tab: Page, url: string, selector: string): Promise<FirstFrame> {
  await tab.goto(url, { waitUntil: 'commit' })
  const element = await tab.waitForSelector(selector, { state: 'attached' })
  const frame = await element.contentFrame()
  if (frame === null) throw new Error(`${selector} is no frame at ${url}`)
  await frame.waitForURL(/^http/, { waitUntil: 'commit' })
  const { at } = await firstFrameOf(frame)
  return { ms: at - (await tab.evaluate(() => performance.timeOrigin)), at }
}

/**
 * Clicks as a person does: the pointer is there before the button goes down.
 * @returns the first frame that follows, counted from the click
 */
export async function click(tab: Page, target: Locator): Promise<FirstFrame> {
  await target.hover()
  await tab.waitForTimeout(POINTER_RESTS_MS)
  await target.click({ noWaitAfter: true })
  return firstFrameOf(tab)
}

async function firstFrameOf(tab: Page | Frame): Promise<FirstFrame> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    const message = `no frame within ${FIRST_FRAME_TIMEOUT_MS} ms at ${tab.url()}`
    timer = setTimeout(() => reject(new Error(message)), FIRST_FRAME_TIMEOUT_MS)
  })
  try {
    const shown = tab.evaluate(async () => {
      const { clickedAt, shownAt } = await window.benchFirstFrame
      return { ms: shownAt - (clickedAt ?? 0), at: performance.timeOrigin + shownAt }
    })
    return await Promise.race([shown, late])
  } finally {
    clearTimeout(timer)
  }
}
