// Slipstream's own pages: the watch page opened by its address, or from the catalogue.
import type { Browser, Page } from '@playwright/test'
import type { MediaRecord } from '#protocol/media.ts'
import type { PublishContender, StartContender } from './contender.ts'
import { click, Viewer, visit } from './viewer.ts'

const SETTLED_MS = 500

/** The part of `window.slipstream` that is read here. */
type WatchWindow = Window & { slipstream?: { stats(): { firstFrameMs: number | null } } }

/**
 * @param url of the server
 * @param earlier a title that the warm viewer has seen before
 * @param onEngineTime told `stats().firstFrameMs` of every start
 */
export async function oursStarting(
  browser: Browser,
  url: string,
  earlier: MediaRecord,
  onEngineTime: (ms: number) => void,
): Promise<StartContender> {
  const regular = await Viewer.arrive(browser)
  const firstVisit = await regular.newTab()
  await visit(firstVisit, `${url}/watch/${earlier.id}`)
  await firstVisit.evaluate(() => navigator.serviceWorker.ready)
  await firstVisit.waitForTimeout(SETTLED_MS) // the scripts of the other pages come when it is idle
  await firstVisit.close()

  const readEngineTime = async (tab: Page) => {
    const stats = await tab.evaluate(() => (window as WatchWindow).slipstream?.stats())
    if (typeof stats?.firstFrameMs === 'number') onEngineTime(stats.firstFrameMs)
  }
  const load = async (viewer: Viewer, media: MediaRecord) => {
    const tab = await viewer.newTab()
    const { ms } = await visit(tab, `${url}/watch/${media.id}`)
    await readEngineTime(tab)
    await tab.close()
    return ms
  }
  return {
    name: 'ours',
    async cold(media) {
      const stranger = await Viewer.arrive(browser)
      const ms = await load(stranger, media)
      await stranger.leave()
      return ms
    },
    warm: (media) => load(regular, media),
    async inPage(media) {
      const tab = await regular.newTab()
      await tab.goto(`${url}/`)
      const card = tab.getByRole('link', { name: media.title, exact: true })
      await card.waitFor()
      await tab.waitForTimeout(SETTLED_MS)
      const { ms } = await click(tab, card)
      await readEngineTime(tab)
      await tab.close()
      return ms
    },
    close: () => regular.leave(),
  }
}

/** @param url of the server */
export function oursPublishing(browser: Browser, url: string): PublishContender {
  return {
    name: 'ours',
    async prepare() {
      const stranger = await Viewer.arrive(browser)
      const tab = await stranger.newTab()
      return async (media) => {
        const { at } = await visit(tab, `${url}/watch/${media.id}`)
        await stranger.leave()
        return at
      }
    },
    async close() {},
  }
}
