// `<video src>` with the web seed's URL on a page that has nothing else: no script, no style. It is
// as fast as playback over HTTP can be.
import type { Browser } from '@playwright/test'
import type { MediaRecord } from '#protocol/media.ts'
import type { StartContender } from './contender.ts'
import type { Distance } from './distance.ts'
import { escapeAttribute, servePages } from './page-server.ts'
import { click } from './viewer.ts'
import { startVisits } from './visits.ts'

const html = (body: string) =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>Plain</title>${body}</html>`
const loadingPage = (src: string) =>
  html(`<video autoplay playsinline controls src="${escapeAttribute(src)}"></video>`)
const clickPage = (src: string) =>
  html(
    '<video autoplay playsinline controls></video>' +
      `<button onclick="document.querySelector('video').src = this.value" ` +
      `value="${escapeAttribute(src)}">Play</button>`,
  )

/**
 * @param earlier a title that the warm viewer has seen before
 * @param distance to the pages and to the server, if any
 */
export async function plainVideo(
  browser: Browser,
  earlier: MediaRecord,
  distance: Distance | null,
): Promise<StartContender> {
  const pages = await servePages((url) => {
    const src = url.searchParams.get('src') ?? ''
    if (url.pathname === '/loading') return { type: 'text/html', body: loadingPage(src) }
    return url.pathname === '/click' ? { type: 'text/html', body: clickPage(src) } : null
  })
  const pagesUrl = (await distance?.from(pages.url)) ?? pages.url
  const server = new URL(earlier.webSeeds[0] ?? '').origin
  const serverUrl = (await distance?.from(server)) ?? server
  const address = (path: string, { webSeeds }: MediaRecord) => {
    const { pathname, search } = new URL(webSeeds[0] ?? '')
    return `${pagesUrl}${path}?src=${encodeURIComponent(serverUrl + pathname + search)}`
  }
  const visits = await startVisits({
    browser,
    address: (media) => address('/loading', media),
    earlier,
  })
  return {
    ...visits,
    name: 'plain <video src>',
    inPage: (media) =>
      visits.inTab(async (tab) => {
        await tab.goto(address('/click', media))
        return (await click(tab, tab.getByRole('button'))).ms
      }),
    async close() {
      await visits.close()
      await pages.close()
    },
  }
}
