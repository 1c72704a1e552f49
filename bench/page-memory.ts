// Memory of a page that plays a title of 4 GiB: watched, sought through, and shared with a second
// viewer. The viewer has a browser of their own with a profile on the disk, as people have: in a
// private window the browser itself would keep the pieces in memory.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, type CDPSession, chromium } from '@playwright/test'
import { CHROMIUM_FLAGS, findChromium } from '../e2e/harness/chromium.ts'
import { startServer } from '../e2e/harness/server.ts'
import { type Viewer, watch } from '../e2e/harness/viewer.ts'
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
    const profile = await mkdtemp(join(tmpdir(), 'slipstream-profile-'))
    const launch = { executablePath: findChromium(), args: CHROMIUM_FLAGS }
    const server = await startServer()
    const context = await chromium.launchPersistentContext(profile, launch)
    const friend = await chromium.launch(launch)
    let memory: MemoryWatch | null = null
    try {
      const { id } = await server.upload(path)
      await server.untilReady(id, BUILD_TIMEOUT_MS)
      const url = `${server.url}/watch/${id}`
      await installWorker(context, server.url)
      const viewer = await watch(context, url)
      const watched = await MemoryWatch.start(viewer)
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
      await context.close()
      await friend.close()
      await server.stop()
      await rm(profile, { recursive: true, force: true })
    }
  },
}

/** On a busy machine a first visit may give up waiting for the service worker. */
async function installWorker(context: BrowserContext, url: string): Promise<void> {
  const page = await context.newPage()
  await page.goto(url)
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => {}))
  await page.close()
}

async function visitPlaces(viewer: Viewer): Promise<void> {
  const { duration } = await viewer.video()
  for (const place of PLACES) {
    await viewer.seek(duration * place)
    await viewer.untilPosition(duration * place + 0.5, 60_000)
    await viewer.page.waitForTimeout(WATCHED_MS)
    const { error } = await viewer.video()
    if (error !== null) throw new Error(`playback failed with error ${error}`)
  }
}

/** Samples what one page, in a browser of its own, takes. */
class MemoryWatch {
  readonly #browser: CDPSession
  readonly #page: CDPSession
  readonly #timer: ReturnType<typeof setInterval>
  #processPeak = 0
  #pagePeak = 0

  static async start({ page }: Viewer): Promise<MemoryWatch> {
    const browser = page.context().browser()
    if (!browser) throw new Error('a page without a browser cannot be measured')
    const pageSession = await page.context().newCDPSession(page)
    return new MemoryWatch(await browser.newBrowserCDPSession(), pageSession)
  }

  private constructor(browser: CDPSession, page: CDPSession) {
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
    const { processInfo } = await this.#browser.send('SystemInfo.getProcessInfo')
    const renderers = processInfo.filter(({ type }) => type === 'renderer')
    const megabytes = renderers.map(({ id }) => privateMegabytes(id))
    this.#processPeak = Math.max(this.#processPeak, ...megabytes)
    const heap = await this.#page.send('Runtime.getHeapUsage')
    const bytes = heap.usedSize + heap.backingStorageSize
    this.#pagePeak = Math.max(this.#pagePeak, bytes / 1e6)
  }
}
