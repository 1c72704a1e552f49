// Memory of a page that plays a title of 4 GiB: watched, sought through, and shared with a second
// viewer. The viewer has a browser of their own with a profile on the disk, as people have: in a
// private window the browser itself would keep the pieces in memory.
import { type BrowserContext, chromium } from '@playwright/test'
import { CHROMIUM_FLAGS, findChromium } from '../e2e/harness/chromium.ts'
import { startServer } from '../e2e/harness/server.ts'
import { type Playing, play, watch } from '../e2e/harness/viewer.ts'
import { type BareChromium, type BarePage, startBareChromium } from './bare-chromium.ts'
import { GIB, longClip } from './inputs.ts'
import type { Part } from './part.ts'
import { hasProc, privateMegabytes } from './processes.ts'
import type { Figure } from './report.ts'

const GOAL = { bound: 'at most', value: 400 } as const
const BUILD_TIMEOUT_MS = 120_000
const SAMPLE_MS = 200
/** Places of the title, each watched for a while; the middle and the end are among them. */
const PLACES = [0.5, 0.97, 0.1, 0.3, 0.7, 0.2, 0.4, 0.6, 0.8, 0.9]
/** A seek brings about a minute of the title; with several of them the queues are full. */
const WATCHED_MS = 4000

export const pageMemory: Part = {
  name: 'page-memory',
  async run({ quick }) {
    const title = `Memory of the page that plays a title of ${quick ? '128 MiB' : '4 GiB'}`
    if (!hasProc) {
      return { title, comparisons: [], figures: [], notes: ['Skipped: needs Linux (/proc).'] }
    }
    const path = await longClip(quick ? GIB / 8 : 4 * GIB)
    const server = await startServer()
    const browser = await startBareChromium()
    const friend = await chromium.launch({ executablePath: findChromium(), args: CHROMIUM_FLAGS })
    let memory: MemoryWatch | null = null
    try {
      const { id } = await server.upload(path)
      await server.untilReady(id, BUILD_TIMEOUT_MS)
      const url = `${server.url}/watch/${id}`
      const first = await browser.open(server.url)
      await first.run(workerIsThere)
      await first.close()
      const page = await browser.open(url)
      const viewer = await play(page)
      const watched = new MemoryWatch(browser, page)
      memory = watched
      const figures: Figure[] = []
      const note = (subject: string) => {
        const { processMegabytes, pageMegabytes } = watched.takePeak()
        figures.push(
          { subject: `${subject}: its process`, value: processMegabytes, unit: 'MB', goal: GOAL },
          {
            subject: `${subject}: its heap and buffers`,
            value: pageMegabytes,
            unit: 'MB',
            goal: null,
          },
        )
      }
      await viewer.untilPosition(5)
      await viewer.untilPhase('swarm')
      note('playing')
      await visitPlaces(viewer)
      note(`after ${PLACES.length} seeks`)
      const { bytes: fetched } = await viewer.stats()
      const elsewhere = await friend.newContext()
      await installWorker(elsewhere, server.url)
      const second = await watch(elsewhere, url)
      await second.untilPhase('swarm')
      await visitPlaces(second)
      note('sharing with a second viewer')
      const { bytes } = await viewer.stats()
      const { bytes: received } = await second.stats()
      const mb = (count: number) => Math.round(count / 1e6)
      const notes = [
        'Peaks, sampled 5 times a second: private memory of the largest renderer process (Linux), and ' +
          "what the page's own JavaScript heap and array buffers take of it (DevTools protocol).",
        `${mb(fetched.placeholder + fetched.origin)} MB came to it; ${mb(bytes.uploaded)} MB went to ` +
          `the second viewer, who got ${mb(received.placeholder + received.origin)} MB elsewhere.`,
      ]
      return { title, comparisons: [], figures, notes }
    } finally {
      memory?.stop()
      await browser.close()
      await friend.close()
      await server.stop()
    }
  },
}

/** On a busy machine a first visit may give up waiting for the service worker. */
async function installWorker(context: BrowserContext, url: string): Promise<void> {
  const page = await context.newPage()
  await page.goto(url)
  await page.evaluate(workerIsThere)
  await page.close()
}

/** Runs in a page. */
const workerIsThere = (): Promise<void> => navigator.serviceWorker.ready.then(() => {})

async function visitPlaces(viewer: Playing): Promise<void> {
  const { duration } = await viewer.video()
  for (const place of PLACES) {
    await viewer.seek(duration * place)
    await viewer.untilPosition(duration * place + 0.5, 60_000)
    await new Promise((resolve) => setTimeout(resolve, WATCHED_MS))
    const { error } = await viewer.video()
    if (error !== null) throw new Error(`playback failed with error ${error}`)
  }
}

/** Samples what one page, in a browser of its own, takes. */
class MemoryWatch {
  readonly #browser: BareChromium
  readonly #page: BarePage
  readonly #timer: ReturnType<typeof setInterval>
  #processPeak = 0
  #pagePeak = 0

  constructor(browser: BareChromium, page: BarePage) {
    this.#browser = browser
    this.#page = page
    this.#timer = setInterval(() => void this.#sample().catch(() => {}), SAMPLE_MS)
  }

  /** @returns the highest figures since the last call, in MB (10⁶ bytes) */
  takePeak(): { readonly processMegabytes: number; readonly pageMegabytes: number } {
    const peak = { processMegabytes: this.#processPeak, pageMegabytes: this.#pagePeak }
    this.#processPeak = 0
    this.#pagePeak = 0
    return peak
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** The page's process is not named, but no other renderer of this browser comes near it. */
  async #sample(): Promise<void> {
    const megabytes = (await this.#browser.renderers()).map(privateMegabytes)
    this.#processPeak = Math.max(this.#processPeak, ...megabytes)
    this.#pagePeak = Math.max(this.#pagePeak, (await this.#page.heapBytes()) / 1e6)
  }
}
