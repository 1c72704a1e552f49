// Slipstream's own pages: the watch page opened by its address, or from the catalogue.
import type { Browser } from '@playwright/test'
import type { MediaRecord } from '#protocol/media.ts'
import type { PublishContender, StartContender } from './contender.ts'
import { click, Viewer, visit } from './viewer.ts'
import { startVisits } from './visits.ts'

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
  const visits = await startVisits({
    browser,
    address: ({ id }) => `${url}/watch/${id}`,
    earlier,
    async settle(tab) {
      await tab.evaluate(() => navigator.serviceWorker.ready)
      await tab.waitForTimeout(SETTLED_MS) // the scripts of the other pages come when it is idle
    },
    async onFrame(tab) {
      const stats = await tab.evaluate(() => (window as WatchWindow).slipstream?.stats())
      if (typeof stats?.firstFrameMs === 'number') onEngineTime(stats.firstFrameMs)
    },
  })
  return {
    ...visits,
    name: 'ours',
    inPage: (media) =>
      visits.inTab(async (tab) => {
        await tab.goto(`${url}/`)
        const card = tab.getByRole('link', { name: media.title, exact: true })
        await card.waitFor()
        await tab.waitForTimeout(SETTLED_MS)
        return (await click(tab, card)).ms
      }),
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
