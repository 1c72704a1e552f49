// From a press in the catalogue to a title that plays, sound included.
import { expect, type Page, test } from '@playwright/test'
import type { MediaRecord } from '#protocol/media.ts'
import { clip } from './harness/clips.ts'
import { startServer, type TestServer } from './harness/server.ts'
import { watch } from './harness/viewer.ts'

let server: TestServer
let film: MediaRecord
let other: MediaRecord

test.beforeAll(async () => {
  server = await startServer({ BUILD_DELAY_MS: '3000' })
  const path = clip({ seconds: 24, format: 'webm', mbps: 3 })
  film = await server.upload(path, { title: 'The film' })
  other = await server.upload(path, { title: 'The other one' })
})
test.afterAll(() => server.stop())

const card = (page: Page, { title }: MediaRecord) =>
  page.getByRole('link', { name: title, exact: true })

test('an MP3 plays from a press in the catalogue, and a second listener is fed by the first', async ({
  browser,
}) => {
  const path = clip({ seconds: 60, format: 'mp3', mbps: 1 })
  const media = await server.upload(path, { title: 'The tune' })
  const contextA = await browser.newContext()
  const a = await watch(contextA, server.url, (page) => card(page, media).click())
  await a.untilPosition(1)
  await expect(a.page).toHaveURL(`${server.url}/watch/${media.id}`)
  expect((await a.stats()).phase).toBe('placeholder')
  await a.untilPhase('swarm')
  await expect
    .poll(async () => (await a.stats()).pieces.have, { timeout: 40_000 })
    .toBe((await a.stats()).pieces.total)
  const filled = await a.stats()
  expect(filled.bytes.placeholder + filled.bytes.origin).toBe(media.size)

  const contextB = await browser.newContext()
  const b = await watch(contextB, `${server.url}/watch/${media.id}`)
  await b.untilPosition(1)
  await b.untilPhase('swarm')
  await b.seek(30)
  await b.untilEnded()
  // A piece is ten seconds of sound: the start, and the place that was sought, take half of what is
  // played over HTTP; what follows comes from the first listener.
  expect((await b.stats()).bytes.peers).toBeGreaterThan(media.size / 3)
  for (const listener of [a, b]) {
    const stats = await listener.stats()
    expect(stats.bytes.wasted).toBe(0)
    expect((await listener.recorded()).sources).toHaveLength(1)
  }
  await contextA.close()
  await contextB.close()
})

test('playback starts with the press, its page follows, and the <video> stays the same', async ({
  context,
}) => {
  await context.addInitScript(() => {
    const { pushState } = history
    history.pushState = function (...given) {
      const video = document.querySelector('video')
      Object.assign(window, { sourceAtNavigation: video?.getAttribute('src') ?? null })
      pushState.apply(this, given)
    }
  })
  const viewer = await watch(context, server.url, (page) => card(page, film).click())
  await viewer.untilPosition(1)
  await expect(viewer.page).toHaveURL(`${server.url}/watch/${film.id}`)
  await expect(viewer.page.getByRole('heading', { name: film.title })).toBeVisible()
  await expect(viewer.page.locator('video')).toHaveCount(1)
  const { sources } = await viewer.recorded()
  expect(sources).toHaveLength(1)
  const sourceAtNavigation = await viewer.page.evaluate(() =>
    Reflect.get(window, 'sourceAtNavigation'),
  )
  expect(sourceAtNavigation).toBe(sources[0])
  expect(await viewer.eventsAfterFirstFrame()).not.toContain('emptied')
})

for (const gapMs of [0, 20]) {
  test(`of two titles pressed ${gapMs} ms apart the second plays`, async ({ context }) => {
    const requested: string[] = []
    const viewer = await watch(context, server.url, async (page) => {
      page.on('request', (request) => requested.push(new URL(request.url()).pathname))
      const [first, second] = [card(page, film), card(page, other)]
      await second.waitFor()
      await first.evaluate(
        (one: HTMLElement, { two, gap }) => {
          one.click()
          if (gap === 0) two?.click()
          else setTimeout(() => two?.click(), gap)
        },
        { two: (await second.elementHandle()) as unknown as HTMLElement, gap: gapMs },
      )
      await page.waitForURL(`${server.url}/watch/*`)
    })
    await viewer.untilPosition(2)
    await expect(viewer.page).toHaveURL(`${server.url}/watch/${other.id}`)
    await expect(viewer.page.locator('video')).toHaveCount(1)
    await expect(viewer.page.locator('video')).toHaveAccessibleName(other.title)
    expect((await viewer.video()).src).toContain(other.id)
    expect((await viewer.stats()).bytes.placeholder).toBeGreaterThan(0)

    requested.length = 0
    await viewer.untilPosition(4)
    expect(requested.filter((path) => path.includes(film.id))).toEqual([])
  })
}

test('a title pressed twice opens once: one step back is the catalogue', async ({ context }) => {
  const viewer = await watch(context, server.url, async (page) => {
    await card(page, film).dblclick()
    await page.waitForURL(`${server.url}/watch/*`)
  })
  await viewer.untilPosition(1)
  await viewer.page.goBack()
  await expect(card(viewer.page, film)).toBeVisible()
  await expect(viewer.page).toHaveURL(`${server.url}/`)
  await expect(viewer.page.locator('video')).toHaveCount(0)
})

test('whoever presses a title and then goes elsewhere stays there', async ({ page }) => {
  await page.goto(server.url)
  await card(page, film).waitFor()
  const admin = page.getByRole('link', { name: 'Admin' })
  await card(page, film).evaluate(
    (title: HTMLElement, other) => {
      title.click()
      other?.click()
    },
    (await admin.elementHandle()) as unknown as HTMLElement,
  )
  await expect(page).toHaveURL(`${server.url}/admin`)
  await expect(page.locator('video')).toHaveCount(0, { timeout: 3_000 })
  await page.waitForTimeout(1_000) // longer than a page waits for the first frame
  await expect(page).toHaveURL(`${server.url}/admin`)
})

test('whoever comes back from a title at once hears no more of it', async ({ context }) => {
  const viewer = await watch(context, server.url, (page) => card(page, film).click())
  await viewer.page.getByRole('heading', { name: film.title }).waitFor()
  await viewer.untilPosition(0.2)
  await viewer.page.goBack()
  await expect(card(viewer.page, film)).toBeVisible()
  const firstFrame = async () => (await viewer.stats()).firstFrameMs
  await expect.poll(firstFrame, { timeout: 1_000 }).toBeNull() // there is no session any more
})
