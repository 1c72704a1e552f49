// How it is done today: make the torrent of the uploaded file with `create-torrent`, then open it
// with WebTorrent as it comes (its browser bundle and its service worker), which gets the bytes
// from the same web seed.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from '@playwright/test'
import { CHROMIUM_FLAGS, findChromium } from '../../e2e/harness/chromium.ts'
import { makeTorrent } from '../hashing/create-torrent.ts'
import type { PublishContender } from './contender.ts'
import { type ServedFile, servePages } from './page-server.ts'
import { Viewer, visit } from './viewer.ts'

const DIST = join(import.meta.dirname, '../../node_modules/webtorrent/dist')

const PAGE = `<!doctype html><html lang="en"><meta charset="utf-8"><title>WebTorrent</title>
<video autoplay playsinline controls></video>
<script type="module">
import WebTorrent from '/webtorrent.min.js'
const torrentFile = fetch('/title.torrent').then((response) => response.arrayBuffer())
const registration = await navigator.serviceWorker.register('/sw.min.js')
await navigator.serviceWorker.ready
if (!navigator.serviceWorker.controller) {
  await new Promise((resolve) => {
    navigator.serviceWorker.addEventListener('controllerchange', resolve, { once: true })
  })
}
const client = new WebTorrent({ dht: false, lsd: false, tracker: false })
client.createServer({ controller: registration })
client.add(new Uint8Array(await torrentFile), (torrent) => {
  torrent.files[0].streamTo(document.querySelector('video'))
})
</script></html>`

/** @param path the uploaded file as it lies on the disk of whoever makes the torrent */
export async function webtorrentStock(path: string): Promise<PublishContender> {
  // WebTorrent's web seed requests carry headers that need a CORS preflight; without web security
  // the browser does not ask for one. That spares this contender a round trip.
  const browser = await chromium.launch({
    executablePath: findChromium(),
    args: [...CHROMIUM_FLAGS, '--disable-web-security'],
  })
  let torrent: Uint8Array = new Uint8Array()
  const script = (name: string): ServedFile => {
    return { type: 'text/javascript', body: readFileSync(join(DIST, name)) }
  }
  const pages = await servePages(({ pathname }) => {
    if (pathname === '/') return { type: 'text/html', body: PAGE }
    if (pathname === '/title.torrent') return { type: 'application/x-bittorrent', body: torrent }
    if (pathname === '/webtorrent.min.js') return script('webtorrent.min.js')
    return pathname === '/sw.min.js' ? script('sw.min.js') : null
  })
  return {
    name: 'create-torrent, then WebTorrent',
    async prepare() {
      const stranger = await Viewer.arrive(browser)
      const tab = await stranger.newTab()
      return async (media) => {
        torrent = await makeTorrent(path, { name: media.filename, urlList: [...media.webSeeds] })
        const { at } = await visit(tab, `${pages.url}/`)
        await stranger.leave()
        return at
      }
    },
    async close() {
      await browser.close()
      await pages.close()
    },
  }
}
