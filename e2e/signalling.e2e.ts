// How viewers find each other: soon, again after the tracker was gone, and whatever client they use.
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, type Page, test } from '@playwright/test'
import { clip } from './harness/clips.ts'
import { startServer, type TestServer } from './harness/server.ts'
import { type Viewer, watch } from './harness/viewer.ts'

/** Generous for a busy machine; WebTorrent's own client would take 10 s to 5 minutes. */
const SECONDS_AFTER_RETURN = 20

let server: TestServer
let title: { readonly url: string; readonly torrent: string }

test.beforeAll(async () => {
  server = await startServer()
  const media = await server.upload(clip({ seconds: 60, format: 'webm', mbps: 3 }))
  await server.untilReady(media.id)
  title = {
    url: `${server.url}/watch/${media.id}`,
    torrent: `${server.url}/api/media/${media.id}/torrent`,
  }
})
test.afterAll(() => server.stop())

test('three viewers are connected to each other, and open no more connections than that', async ({
  browser,
}) => {
  const contexts = await Promise.all([1, 2, 3].map(() => browser.newContext()))
  for (const context of contexts) await context.addInitScript(countConnections)
  const viewers = await Promise.all(contexts.map((context) => watch(context, title.url)))
  for (const viewer of viewers) await viewer.untilPeers(2)
  // Offers that nobody answered are given up, and their connections given back.
  for (const { page } of viewers) {
    await expect.poll(() => openConnections(page), { timeout: 40_000 }).toBe(2)
  }
  await Promise.all(contexts.map((context) => context.close()))
})

test('when the tracker comes back, a newcomer meets those who were there within seconds', async ({
  browser,
}) => {
  const contexts = await Promise.all([1, 2, 3].map(() => browser.newContext()))
  const [here, there, late] = contexts as [
    (typeof contexts)[0],
    (typeof contexts)[0],
    (typeof contexts)[0],
  ]
  const a = await watch(here, title.url)
  const b = await watch(there, title.url)
  await a.untilPeers(1)
  await server.kill()
  await a.page.waitForTimeout(4000)
  expect((await a.stats()).peers).toBe(1) // those who know each other go on
  await server.restart()
  const returned = Date.now()
  const c = await watch(late, title.url)
  await c.untilPeers(2)
  expect((Date.now() - returned) / 1000).toBeLessThan(SECONDS_AFTER_RETURN)
  await b.untilPeers(2)
  await Promise.all(contexts.map((context) => context.close()))
})

for (const first of ['viewer', 'other client'] as const) {
  test(`a ${first} and then the other kind meet and exchange pieces`, async ({ browser }) => {
    const context = await browser.newContext()
    const foreign = await browser.newContext({ bypassCSP: true })
    let viewer: Viewer | null = null
    if (first === 'viewer') {
      viewer = await watch(context, title.url)
      await viewer.untilPhase('swarm')
      await viewer.page.waitForTimeout(1000) // announced
    }
    const page = await foreign.newPage()
    await startWebTorrent(page)
    if (!viewer) {
      await page.waitForTimeout(2000) // announced
      viewer = await watch(context, title.url)
    }
    await viewer.untilPeers(1)
    const downloaded = () => page.evaluate(() => (window as unknown as ForeignPage).downloaded())
    await expect.poll(downloaded, { timeout: 20_000 }).toBeGreaterThan(256 * 1024)
    await foreign.close()
    await viewer.untilPeers(0)
    await context.close()
  })
}

interface ForeignPage {
  downloaded(): number
}

/** WebTorrent as it comes, with its own tracker client and no web seeds. */
async function startWebTorrent(page: Page): Promise<void> {
  const bundle = fileURLToPath(import.meta.resolve('webtorrent/dist/webtorrent.min.js'))
  const body = await readFile(bundle)
  await page.route('**/webtorrent.js', (route) =>
    route.fulfill({ body, contentType: 'text/javascript' }),
  )
  await page.goto(`${server.url}/healthz`)
  await page.evaluate(async (torrentUrl) => {
    const { default: WebTorrent } = await import('/webtorrent.js' as string)
    const metainfo = new Uint8Array(await (await fetch(torrentUrl)).arrayBuffer())
    const client = new WebTorrent({ webSeeds: false, tracker: { rtcConfig: { iceServers: [] } } })
    const torrent = client.add(metainfo, { storeOpts: {} })
    Object.assign(window, { downloaded: () => torrent.downloaded })
  }, title.torrent)
}

/** Runs in the page before anything else. */
function countConnections(): void {
  const open = new Set<RTCPeerConnection>()
  Object.assign(window, {
    openConnections: () => [...open].filter((one) => one.connectionState !== 'closed').length,
  })
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      super(configuration)
      open.add(this)
    }
  }
}

const openConnections = (page: Page) =>
  page.evaluate(() => (window as unknown as { openConnections(): number }).openConnections())
