// The main job in a real browser, on real media: press play, placeholder, real torrent, swap, swarm.
import { expect, type Page, test } from '@playwright/test'
import { earlyRequestOf } from '#protocol/early-request.ts'
import { clip } from './harness/clips.ts'
import { hold } from './harness/hold.ts'
import { startServer, type TestServer } from './harness/server.ts'
import { statsOf, watch } from './harness/viewer.ts'

const BUILD_DELAY_MS = 4_000
let server: TestServer

test.beforeAll(async () => {
  server = await startServer({ BUILD_DELAY_MS: String(BUILD_DELAY_MS) })
})
test.afterAll(() => server.stop())

for (const format of ['webm', 'mp4', 'mp4-moov-last'] as const) {
  test(`${format}: the first viewer slips into the swarm and the second is fed by the first`, async ({
    browser,
  }) => {
    const media = await server.upload(clip({ seconds: 16, format, mbps: 3 }))
    const sentBefore = await server.webSeedBytes()

    const contextA = await browser.newContext()
    const a = await watch(contextA, `${server.url}/watch/${media.id}`)
    await a.untilFirstFrame()
    expect((await a.stats()).phase).toBe('placeholder') // it did not wait for the torrent

    await a.untilPhase('swarm')
    await a.untilPosition(BUILD_DELAY_MS / 1000 + 2)
    const swapped = await a.stats()
    expect(swapped.swap?.piecesReused).toBeGreaterThan(0)
    expect((await a.recorded()).sources).toHaveLength(1)
    expect((await a.recorded()).jump).toBeLessThan(0.5)

    // What A fetched is the whole file, once: the origin counted the same bytes.
    await a.untilFilled()
    const filled = await a.stats()
    expect(filled.bytes.placeholder + filled.bytes.origin).toBe(media.size)
    expect(filled.bytes.wasted).toBe(0)
    expect(filled.bytes.peers).toBe(0)
    expect((await server.webSeedBytes()) - sentBefore).toBe(media.size)

    const contextB = await browser.newContext()
    const b = await watch(contextB, `${server.url}/watch/${media.id}`)
    await b.untilPhase('swarm')
    await b.untilEnded()
    const fed = await b.stats()
    expect(fed.bytes.peers).toBeGreaterThan(media.size / 2)
    expect(fed.bytes.wasted).toBe(0)
    expect(fed.pieces.have).toBe(fed.pieces.total)
    expect((await a.stats()).bytes.uploaded).toBeGreaterThan(media.size / 2)

    await a.untilEnded()
    for (const viewer of [a, b]) {
      const events = await viewer.eventsAfterFirstFrame()
      expect(events).not.toContain('waiting')
      expect(events).not.toContain('error')
      expect(events).not.toContain('emptied')
      expect((await viewer.stats()).stalls).toBe(0)
    }
    await contextA.close()
    await contextB.close()
  })
}

test('the first bytes are under way before any script is there, and are not fetched again', async ({
  browser,
}) => {
  const media = await server.upload(clip({ seconds: 16, format: 'webm', mbps: 3 }))
  const sentBefore = await server.webSeedBytes()
  const context = await browser.newContext()
  const letScriptsCome = await hold(context, '**/assets/*.js')
  const opening = watch(context, `${server.url}/watch/${media.id}`)
  await expect.poll(() => server.webSeedBytes()).toBeGreaterThan(sentBefore)
  expect((await server.webSeedBytes()) - sentBefore).toBeLessThan(media.size / 4)
  letScriptsCome()
  const viewer = await opening
  // Playwright holds requests back without an HTTP cache: what the <video> got first is not seen again.
  const fetched = async () => {
    const { bytes } = await viewer.stats()
    return bytes.placeholder + bytes.origin
  }
  await expect.poll(fetched, { timeout: 20_000 }).toBe(media.size)
  expect((await server.webSeedBytes()) - sentBefore).toBe(media.size)
  const { bytes } = await viewer.stats()
  expect(bytes.wasted).toBe(0)
  await context.close()
})

test('seeking forward and back works before and after the swap', async ({ page, context }) => {
  await page.close()
  const media = await server.upload(clip({ seconds: 60, format: 'webm', mbps: 3 }))
  const viewer = await watch(context, `${server.url}/watch/${media.id}`)
  await viewer.untilPosition(0.5)
  for (const phase of ['placeholder', 'swarm'] as const) {
    await viewer.untilPhase(phase)
    for (const target of phase === 'placeholder' ? [40, 5] : [50, 20, 58]) {
      await viewer.seek(target)
      await viewer.untilPosition(target + 0.3, 8_000)
      expect((await viewer.video()).currentTime).toBeLessThan(target + 8)
    }
  }
  const stats = await viewer.stats()
  expect(stats.bytes.wasted).toBe(0)
  expect((await viewer.video()).error).toBeNull()
  expect((await viewer.recorded()).sources).toHaveLength(1)
})

test('a viewer who reloads holds every piece verified and feeds the next one', async ({
  browser,
}) => {
  const media = await server.upload(clip({ seconds: 16, format: 'webm', mbps: 3 }))
  await server.untilReady(media.id)
  const contextA = await browser.newContext()
  const a = await watch(contextA, `${server.url}/watch/${media.id}`)
  await a.untilPhase('swarm')
  await a.untilFilled()
  await expect.poll(() => bytesOnDisk(a.page)).toBeGreaterThanOrEqual(media.size)

  const sentBefore = await server.webSeedBytes()
  await a.page.reload({ waitUntil: 'domcontentloaded' })
  await a.untilPhase('swarm')
  const back = await a.stats()
  expect(back.swap?.piecesReused).toBe(back.pieces.total)
  expect(back.pieces.have).toBe(back.pieces.total)
  expect(back.bytes).toMatchObject({ placeholder: 0, origin: 0, wasted: 0 })
  expect(await server.webSeedBytes()).toBe(sentBefore)

  const contextB = await browser.newContext()
  const b = await watch(contextB, `${server.url}/watch/${media.id}`)
  await b.untilFilled()
  await b.seek(13)
  await b.untilEnded()
  expect((await b.stats()).bytes.peers).toBeGreaterThan(media.size / 2)
  expect((await a.stats()).bytes.uploaded).toBeGreaterThan(media.size / 2)
  await contextA.close()
  await contextB.close()
})

test('statistics are answered on the page of a title that is not there', async ({ page }) => {
  for (const path of ['watch', 'embed']) {
    await page.goto(`${server.url}/${path}/${'0'.repeat(16)}`)
    expect(await statsOf(page)).toMatchObject({
      phase: 'placeholder',
      firstFrameMs: null,
      peers: 0,
    })
  }
})

test('without a service worker it plays over plain HTTP', async ({ browser }) => {
  const media = await server.upload(clip({ seconds: 16, format: 'webm', mbps: 3 }))
  const context = await browser.newContext({ serviceWorkers: 'block' })
  const viewer = await watch(context, `${server.url}/watch/${media.id}`)
  await viewer.untilPosition(3)
  const stats = await viewer.stats()
  expect(stats.phase).toBe('http')
  expect(stats.bytes.origin).toBe(0)
  // What was asked for first, before the browser said that there would be no worker.
  expect(stats.bytes.wasted).toBe(stats.bytes.placeholder)
  const [, last] = earlyRequestOf(media, server.url)?.range.split('-') ?? []
  expect(stats.bytes.wasted).toBeLessThanOrEqual(Number(last) + 1)
  expect(new URL((await viewer.video()).src, server.url).pathname).toMatch(/^\/media\//)
  await context.close()
})

test('without WebRTC it plays to the end over HTTP', async ({ context, page }) => {
  await page.close()
  const media = await server.upload(clip({ seconds: 16, format: 'webm', mbps: 3 }))
  await context.addInitScript(() => {
    Reflect.deleteProperty(window, 'RTCPeerConnection')
  })
  const viewer = await watch(context, `${server.url}/watch/${media.id}`)
  await viewer.seek(10)
  await viewer.untilEnded()
  const stats = await viewer.stats()
  expect(stats.bytes.peers).toBe(0)
  expect(stats.stalls).toBe(0)
})

test('with the tracker down it plays to the end', async ({ context, page }) => {
  await page.close()
  const media = await server.upload(clip({ seconds: 16, format: 'webm', mbps: 3 }))
  await context.routeWebSocket(/\/announce/, (socket) => socket.close())
  const viewer = await watch(context, `${server.url}/watch/${media.id}`)
  await viewer.untilPhase('swarm')
  await viewer.untilEnded()
  const stats = await viewer.stats()
  expect(stats.bytes.placeholder + stats.bytes.origin).toBe(media.size)
  expect(stats.stalls).toBe(0)
})

test('a title that is deleted while somebody watches says so and plays what is there', async ({
  context,
  page,
}) => {
  await page.close()
  const media = await server.upload(clip({ seconds: 60, format: 'webm', mbps: 3 }))
  const viewer = await watch(context, `${server.url}/watch/${media.id}`)
  await viewer.untilPosition(1)
  await server.remove(media.id)
  await expect(viewer.page.getByText(/deleted|removed/i).first()).toBeVisible()
  expect((await viewer.video()).currentTime).toBeGreaterThan(1)
})

/** Of one title's piece file; what was written last is not there yet when the page has it. */
const bytesOnDisk = (page: Page) =>
  page.evaluate(async () => {
    const root = await navigator.storage.getDirectory()
    const titles = await root.getDirectoryHandle('pieces')
    const sizes: number[] = []
    for await (const title of titles.values()) {
      const folder = await titles.getDirectoryHandle(title.name)
      const file = await folder.getFileHandle('data')
      sizes.push((await file.getFile()).size)
    }
    return Math.max(0, ...sizes)
  })
