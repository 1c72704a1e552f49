// A Chromium with a profile on the disk that records nothing of what its pages fetch. Playwright has a
// page's own process keep up to 200 MB of that (`Network.enable`), which no viewer's browser does.
import { launch } from 'puppeteer-core'
import { CHROMIUM_FLAGS, findChromium } from '../e2e/harness/chromium.ts'
import { puppeteerAccess } from '../e2e/harness/puppeteer-access.ts'
import type { PageAccess } from '../e2e/harness/viewer.ts'

export interface BareChromium {
  /** Opens a page. */
  open(url: string): Promise<BarePage>
  /** Process ids of those that run pages. */
  renderers(): Promise<number[]>
  /** Ends it, and removes the profile. */
  close(): Promise<void>
}

export interface BarePage extends PageAccess {
  /** Bytes of the page's JavaScript heap with its array buffers. */
  heapBytes(): Promise<number>
  close(): Promise<void>
}

export async function startBareChromium(): Promise<BareChromium> {
  const browser = await launch({
    executablePath: findChromium(),
    args: CHROMIUM_FLAGS,
    networkEnabled: false,
  })
  const browserSession = await browser.target().createCDPSession()
  return {
    async open(url) {
      const page = await browser.newPage()
      const session = await page.createCDPSession()
      await page.goto(url, { waitUntil: 'domcontentloaded' })
      return {
        ...puppeteerAccess(page),
        async heapBytes() {
          const { usedSize, backingStorageSize } = await session.send('Runtime.getHeapUsage')
          return usedSize + backingStorageSize
        },
        close: () => page.close(),
      }
    },
    async renderers() {
      const { processInfo } = await browserSession.send('SystemInfo.getProcessInfo')
      return processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id)
    },
    close: () => browser.close(),
  }
}
