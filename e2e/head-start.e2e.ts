// The server itself sends the first bytes of a title to the <video> (docs/decisions/0023). What may go
// wrong with that; that the bytes are counted and kept is shown by the other tests.
import { type BrowserContext, expect, test } from '@playwright/test'
import { headEndOf } from '#protocol/early-request.ts'
import type { MediaRecord } from '#protocol/media.ts'
import { clip } from './harness/clips.ts'
import { startServer, type TestServer } from './harness/server.ts'
import { startUnrulyOrigin, type UnrulyOrigin } from './harness/unruly-origin.ts'
import { statsOf, watch } from './harness/viewer.ts'

let server: TestServer
let film: MediaRecord
let other: MediaRecord

test.beforeAll(async () => {
  server = await startServer()
  const path = clip({ seconds: 16, format: 'webm', mbps: 3 })
  film = await server.upload(path, { title: 'The film' })
  other = await server.upload(path, { title: 'The other one' })
})
test.afterAll(() => server.stop())

test('the <video> asks the server once, for the head; all else comes through its page', async ({
  context,
}) => {
  const asked: string[] = []
  context.on('request', (request) => {
    const isOfServer = request.serviceWorker() === null && request.method() === 'GET'
    const { searchParams } = new URL(request.url())
    if (isOfServer && searchParams.has('head')) asked.push(request.headers()['range'] ?? '')
  })
  const sentBefore = await server.webSeedBytes()
  const viewer = await watch(context, `${server.url}/watch/${film.id}`)
  await viewer.untilFilled()
  await viewer.untilPosition(6)
  await viewer.seek(0) // again from its start, which the page has
  await viewer.untilPosition(1)
  const { bytes, stalls } = await viewer.stats()
  expect(bytes.placeholder + bytes.origin).toBe(film.size)
  expect((await server.webSeedBytes()) - sentBefore).toBe(film.size)
  expect([bytes.wasted, stalls]).toEqual([0, 0])
  expect(asked[0]).toBe('bytes=0-')
})

test('whoever comes to others fetches the head of a short film and has all the rest from them', async ({
  browser,
}) => {
  const contexts = [await browser.newContext(), await browser.newContext()]
  const [first, second] = contexts as [BrowserContext, BrowserContext]
  const there = await watch(first, `${server.url}/watch/${film.id}`)
  await there.untilFilled()
  await there.untilPhase('swarm')
  const viewer = await watch(second, `${server.url}/watch/${film.id}`)
  await viewer.untilFilled()
  await viewer.untilPosition(4)
  const { bytes, stalls } = await viewer.stats()
  expect(bytes.placeholder + bytes.origin).toBe(headEndOf(film, 0))
  expect(bytes.peers).toBe(film.size - headEndOf(film, 0))
  expect(stalls).toBe(0)
  for (const context of contexts) await context.close()
})

test('when the server cannot give it, the page fetches it', async ({ context }) => {
  let refused = 0
  await context.route(/\/stream\/.*[?]head/, async (route) => {
    refused += 1
    await route.fulfill({ status: 503 })
  })
  const viewer = await watch(context, `${server.url}/watch/${film.id}`)
  await viewer.untilPosition(3)
  await viewer.untilFilled()
  const { bytes } = await viewer.stats()
  expect(bytes.placeholder + bytes.origin).toBe(film.size)
  expect(bytes.wasted).toBe(0)
  expect(refused).toBeGreaterThan(0)
  await expect(viewer.page.getByRole('alert')).toHaveCount(0)
})

test('whoever presses one title and at once another sees and loads that one alone', async ({
  context,
  page,
}) => {
  await page.goto(`${server.url}/watch/${film.id}`)
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null)
  await page.evaluate(() => localStorage.clear()) // nothing is kept, nothing was left
  await page.close()
  const viewer = await watch(context, server.url, async (tab) => {
    await tab.waitForFunction(() => navigator.serviceWorker.controller !== null)
    await tab.getByRole('link', { name: other.title, exact: true }).waitFor()
    await tab.evaluate(
      (ids) => {
        for (const id of ids) document.querySelector<HTMLElement>(`a[href*="${id}"]`)?.click()
      },
      [film.id, other.id],
    )
    await tab.waitForURL(`${server.url}/watch/${other.id}`)
  })
  await viewer.untilPosition(2)
  expect((await viewer.presentSources()).filter((src) => src.includes(film.id))).toEqual([])
  await expect(viewer.page.locator('video')).toHaveCount(1)
  expect((await viewer.stats()).bytes.wasted).toBe(0)
})

test('without motion the first frame is there, and nothing more than it needs', async ({
  browser,
}) => {
  const context = await browser.newContext({ reducedMotion: 'reduce' })
  const sentBefore = await server.webSeedBytes()
  const page = await context.newPage()
  await page.goto(`${server.url}/watch/${other.id}`)
  await page.waitForTimeout(5000)
  const state = await page.locator('video').evaluate((video: HTMLVideoElement) => ({
    hasFrame: video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA,
    paused: video.paused,
  }))
  expect(state).toEqual({ hasFrame: true, paused: true })
  expect((await statsOf(page)).firstFrameMs).toBeLessThan(3000)
  expect((await server.webSeedBytes()) - sentBefore).toBeLessThan(other.size / 3)
  await context.close()
})

test.describe('on a slow line the picture waits', () => {
  let line: UnrulyOrigin
  test.beforeEach(async () => {
    line = await startUnrulyOrigin(server.url)
    let answers = 0
    let mendedAt = 0
    line.misbehave((_request, _response, serve) => {
      answers += 1
      if (answers === 1) mendedAt = Date.now() + 8000
      setTimeout(serve, answers === 1 ? 1000 : Math.max(0, mendedAt - Date.now()))
    })
  })
  test.afterEach(() => line.close())

  test('whoever presses, and then plays on', async ({ context }) => {
    const viewer = await watch(context, `${line.url}/watch/${other.id}`)
    await viewer.untilFirstFrame()
    const gathering = viewer.page.locator('.player-gathering')
    await expect(gathering).toHaveText(/Getting ready/)
    await viewer.page.locator('video').evaluate((video: HTMLVideoElement) => {
      video.play().catch(() => {})
    })
    await viewer.page.waitForTimeout(500) // in which it would play
    await expect(gathering).toBeVisible()
    const { currentTime, paused } = await viewer.video()
    expect([currentTime, paused]).toEqual([0, false])
    await viewer.untilPosition(3)
    await expect(gathering).toHaveCount(0)
    expect((await viewer.stats()).stalls).toBe(0)
    expect((await viewer.recorded()).sources).toHaveLength(1)
  })

  test('and does not play for whoever pauses it meanwhile', async ({ context }) => {
    const viewer = await watch(context, `${line.url}/watch/${other.id}`)
    await viewer.untilFirstFrame()
    const gathering = viewer.page.locator('.player-gathering')
    await expect(gathering).toBeVisible()
    await viewer.page.getByRole('button', { name: 'pause', exact: true }).click()
    await expect(gathering).toHaveCount(0)
    const speed = () =>
      viewer.page.locator('video').evaluate((video: HTMLVideoElement) => video.playbackRate)
    await expect.poll(speed, { timeout: 15_000 }).toBe(1)
    await viewer.page.waitForTimeout(500) // in which it would play
    expect(await viewer.video()).toMatchObject({ currentTime: 0, paused: true })
    await viewer.page.getByRole('button', { name: 'play', exact: true }).click()
    await viewer.untilPosition(2)
  })
})

test('on a fast line whose first answer was late it plays soon, with few bytes too', async ({
  context,
}) => {
  const light = await server.upload(clip({ seconds: 60, format: 'webm', mbps: 0.3 }))
  const line = await startUnrulyOrigin(server.url)
  try {
    for (const { id } of [light, other]) {
      let answers = 0
      line.misbehave((_request, _response, serve) => {
        answers += 1
        setTimeout(serve, answers === 1 ? 1000 : 0)
      })
      const viewer = await watch(context, `${line.url}/watch/${id}`)
      await viewer.untilPosition(1, 5000)
      expect((await viewer.recorded()).sources).toHaveLength(1)
      await viewer.page.close()
    }
  } finally {
    await line.close()
  }
})
