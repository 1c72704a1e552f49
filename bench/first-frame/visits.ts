// The starts that every contender's pages share: a stranger's first visit, and the next one of a
// viewer who was there before. Whoever made the visits closes them.
import type { Browser, Page } from '@playwright/test'
import type { MediaRecord } from '#protocol/media.ts'
import type { StartContender } from './contender.ts'
import { Viewer, visit } from './viewer.ts'

export interface VisitsOptions {
  readonly browser: Browser
  /** Address of the page that plays a title. */
  readonly address: (media: MediaRecord) => string
  /** A title that the warm viewer has seen before. */
  readonly earlier: MediaRecord
  /** Awaited in the tab of the warm viewer's first visit, before it is closed. */
  readonly settle?: (tab: Page) => Promise<void>
  /** Told every measured tab once its first frame was there. */
  readonly onFrame?: (tab: Page) => Promise<void>
}

export interface Visits extends Pick<StartContender, 'cold' | 'warm' | 'close'> {
  /**
   * Measures in a tab of the viewer who was there before.
   * @param start resolves to milliseconds to the first frame
   */
  inTab(start: (tab: Page) => Promise<number>): Promise<number>
}

export async function startVisits(options: VisitsOptions): Promise<Visits> {
  const { browser, address, onFrame } = options
  const regular = await Viewer.arrive(browser)
  const firstVisit = await regular.newTab()
  await visit(firstVisit, address(options.earlier))
  await options.settle?.(firstVisit)
  await firstVisit.close()

  const measure = async (viewer: Viewer, start: (tab: Page) => Promise<number>) => {
    const tab = await viewer.newTab()
    const ms = await start(tab)
    await onFrame?.(tab)
    await tab.close()
    return ms
  }
  const load = (viewer: Viewer, media: MediaRecord) =>
    measure(viewer, async (tab) => (await visit(tab, address(media))).ms)
  return {
    async cold(media) {
      const stranger = await Viewer.arrive(browser)
      const ms = await load(stranger, media)
      await stranger.leave()
      return ms
    },
    warm: (media) => load(regular, media),
    inTab: (start) => measure(regular, start),
    close: () => regular.leave(),
  }
}
