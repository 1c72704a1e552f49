// `<video src>` with the web seed's URL on a page that has nothing else: no script, no style. It is
// as fast as playback over HTTP can be.
import type { Browser } from '@playwright/test'
import type { MediaRecord } from '#protocol/media.ts'
import type { StartContender } from './contender.ts'
import { escapeAttribute, servePages } from './page-server.ts'
import { click, Viewer, visit } from './viewer.ts'

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
 */
export async function plainVideo(browser: Browser, earlier: MediaRecord): Promise<StartContender> {
  const pages = await servePages((url) => {
    const src = url.searchParams.get('src') ?? ''
    if (url.pathname === '/loading') return { type: 'text/html', body: loadingPage(src) }
    return url.pathname === '/click' ? { type: 'text/html', body: clickPage(src) } : null
  })
  const address = (path: string, { webSeeds }: MediaRecord) =>
    `${pages.url}${path}?src=${encodeURIComponent(webSeeds[0] ?? '')}`
  const regular = await Viewer.arrive(browser)
  const firstVisit = await regular.newTab()
  await visit(firstVisit, address('/loading', earlier))
  await firstVisit.close()

  const load = async (viewer: Viewer, media: MediaRecord) => {
    const tab = await viewer.newTab()
    const { ms } = await visit(tab, address('/loading', media))
    await tab.close()
    return ms
  }
  return {
    name: 'plain <video src>',
    async cold(media) {
      const stranger = await Viewer.arrive(browser)
      const ms = await load(stranger, media)
      await stranger.leave()
      return ms
    },
    warm: (media) => load(regular, media),
    async inPage(media) {
      const tab = await regular.newTab()
      await tab.goto(address('/click', media))
      const { ms } = await click(tab, tab.getByRole('button'))
      await tab.close()
      return ms
    },
    async close() {
      await regular.leave()
      await pages.close()
    },
  }
}
