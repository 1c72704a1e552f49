// The player's comforts and the picture under it, in a real browser: keys, what is remembered, who
// sent which piece, and what is said when the browser lacks a decoder.
import { type BrowserContext, expect, type Locator, type Page, test } from '@playwright/test'
import type { MediaRecord } from '#protocol/media.ts'
import { clip } from './harness/clips.ts'
import { ADMIN, startServer, type TestServer } from './harness/server.ts'
import { type Viewer, watch } from './harness/viewer.ts'

let server: TestServer
let media: MediaRecord

test.beforeAll(async () => {
  server = await startServer()
  media = await server.upload(clip({ seconds: 60, format: 'webm', mbps: 3 }), { title: 'A film' })
  await server.untilReady(media.id)
})
test.afterAll(() => server.stop())

const watchUrl = () => `${server.url}/watch/${media.id}`

/** Playing, with the interface there. */
async function play(context: BrowserContext, url = watchUrl()): Promise<Viewer> {
  const viewer = await watch(context, url)
  await viewer.untilPosition(1)
  await expect(player(viewer.page)).toBeVisible()
  return viewer
}

const player = (page: Page) => page.getByRole('region', { name: 'Player: A film' })
const picture = (page: Page) =>
  page.getByRole('region', { name: 'Where the title comes from' }).getByRole('img')
const help = (page: Page) => page.getByRole('dialog', { name: 'Keyboard shortcuts' })
const video = (page: Page) =>
  page.locator('video').evaluate((element: HTMLVideoElement) => ({
    volume: element.volume,
    muted: element.muted,
    rate: element.playbackRate,
    position: element.currentTime,
    paused: element.paused,
  }))

test('keys play, seek, and change sound and speed, wherever the focus is', async ({ context }) => {
  const { page } = await play(context)
  await page.keyboard.press('k')
  await expect.poll(async () => (await video(page)).paused).toBe(true)
  await page.keyboard.press('5')
  await expect.poll(async () => (await video(page)).position).toBeGreaterThan(29)
  const half = (await video(page)).position
  await page.keyboard.press('l')
  await expect.poll(async () => (await video(page)).position).toBeCloseTo(half + 10, 1)
  await page.keyboard.press('ArrowLeft')
  await expect.poll(async () => (await video(page)).position).toBeCloseTo(half + 5, 1)
  await page.keyboard.press('J')
  await expect.poll(async () => (await video(page)).position).toBeCloseTo(half - 5, 1)
  await page.keyboard.press('m')
  await expect.poll(async () => (await video(page)).muted).toBe(false)
  await page.keyboard.press('>')
  await page.keyboard.press('>')
  await page.keyboard.press('<')
  await expect.poll(async () => (await video(page)).rate).toBe(1.25)
  await expect(player(page).getByText('Speed 1.25×')).toBeVisible()
  await page.keyboard.press('Space')
  await expect.poll(async () => (await video(page)).paused).toBe(false)
  await page.keyboard.press('f')
  const fullScreen = () => page.evaluate(() => document.fullscreenElement?.ariaLabel)
  await expect.poll(fullScreen).toBe('Player: A film') // with all that it may have to say
  await page.keyboard.press('f')
  await expect.poll(() => page.evaluate(() => document.fullscreenElement !== null)).toBe(false)
})

test('keys are left to the control that uses them, and the volume to the player', async ({
  context,
}) => {
  const { page } = await play(context)
  await page.keyboard.press('k')
  await page.keyboard.press('0')
  await page.keyboard.press('ArrowDown') // scrolls
  expect((await video(page)).volume).toBe(1)
  await page.getByRole('button', { name: 'Sharing settings' }).click()
  const field = page.getByRole('textbox', { name: 'Upload at most' })
  await field.pressSequentially('5 k')
  await expect(field).toHaveValue('5 k')
  expect(await video(page)).toMatchObject({ position: 0, paused: true })
  const mute = player(page).getByRole('button', { name: /mute/i })
  const { muted } = await video(page)
  await mute.focus()
  await page.keyboard.press('Space') // presses the button, and no more
  await expect.poll(async () => (await video(page)).muted).toBe(!muted)
  expect((await video(page)).paused).toBe(true)
  await page.keyboard.press('ArrowDown') // the focus is in the player
  await expect.poll(async () => (await video(page)).volume).toBe(0.95)
})

test('keys can be kept to the player, and stay so', async ({ context }) => {
  const { page } = await play(context)
  await page.keyboard.press('k')
  await expect.poll(async () => (await video(page)).paused).toBe(true)
  await page.keyboard.press('?')
  await help(page).getByRole('checkbox', { name: 'Keys work on the whole page' }).uncheck()
  await page.keyboard.press('Escape')
  const stays = async () => {
    for (const key of ['k', '5', 'j', 'm', '>', 'f', 'c', '?', 'Space']) {
      await page.locator('main').focus()
      await page.keyboard.press(key)
    }
    expect(await page.evaluate(() => document.fullscreenElement)).toBeNull()
    await expect(help(page)).toHaveCount(0)
  }
  const before = await video(page)
  await stays()
  expect(await video(page)).toEqual(before)
  await player(page).getByRole('button', { name: /mute/i }).focus()
  await page.keyboard.press('5')
  await expect.poll(async () => (await video(page)).position).toBeGreaterThan(29)

  await page.reload()
  await expect.poll(async () => (await video(page)).position).toBeGreaterThan(29)
  await player(page).waitFor()
  const { muted } = await video(page)
  await stays()
  expect(await video(page)).toMatchObject({ muted, rate: 1 })
})

test('the help opens by key and by button, keeps the focus and closes by Escape', async ({
  context,
}) => {
  const { page } = await play(context)
  await page.keyboard.press('?')
  await expect(help(page)).toBeVisible()
  await expect(help(page)).toContainText('Back or ahead 10 seconds')
  const { paused } = await video(page)
  await page.keyboard.press('k') // not while the help is open
  expect((await video(page)).paused).toBe(paused)
  for (let i = 0; i < 3; i += 1) {
    await page.keyboard.press('Tab')
    const isInside = () =>
      page.evaluate(() => {
        const { activeElement } = document
        return activeElement === document.body || activeElement?.closest('dialog') !== null
      })
    expect(await isInside()).toBe(true)
  }
  await page.keyboard.press('Escape')
  await expect(help(page)).toHaveCount(0)
  const button = page.getByRole('button', { name: 'Keyboard shortcuts' })
  await button.focus()
  await page.keyboard.press('Enter')
  await expect(help(page)).toBeVisible()
  await help(page).getByRole('button', { name: 'Close' }).click()
  await expect(help(page)).toHaveCount(0)
  await expect(button).toBeFocused()
})

test('sound, speed and place are there again on the next visit', async ({ context }) => {
  const first = await play(context)
  await first.page.locator('video').evaluate((element: HTMLVideoElement) => {
    element.volume = 0.3
    element.playbackRate = 1.5
    element.currentTime = 30
  })
  await first.untilPosition(31)
  await first.page.close()

  const second = await play(context)
  expect(await video(second.page)).toMatchObject({ volume: 0.3, rate: 1.5 })
  expect((await video(second.page)).position).toBeGreaterThan(29)
  await expect(player(second.page).getByText(/^Goes on at 0:3\d$/)).toBeVisible()
  await second.page.getByRole('button', { name: 'From the beginning' }).click()
  await expect.poll(async () => (await video(second.page)).position).toBeLessThan(20)
  await expect(second.page.getByText('Goes on at')).toHaveCount(0)
  await second.seek(59)
  await second.untilEnded()
  await second.page.close()

  const third = await play(context)
  expect((await video(third.page)).position).toBeLessThan(29) // it was seen to its end
  await expect(third.page.getByText('Goes on at')).toHaveCount(0)
})

test('where the browser refuses storage, all works and nothing is remembered', async ({
  context,
}) => {
  await context.addInitScript(() => {
    Object.defineProperty(window, 'localStorage', {
      get() {
        throw new DOMException('denied', 'SecurityError')
      },
    })
  })
  const { page } = await play(context)
  await page.keyboard.press('>')
  await expect.poll(async () => (await video(page)).rate).toBe(1.25)
  await page.reload()
  await expect.poll(async () => (await video(page)).position).toBeGreaterThan(1)
  expect((await video(page)).rate).toBe(1)
})

test('the picture tells who brought the pieces, in words as well, and names no address', async ({
  browser,
}) => {
  const contextA = await browser.newContext()
  const a = await play(contextA)
  await a.untilPhase('swarm')
  await expect(picture(a.page)).toHaveAccessibleName(
    /\d+ of \d+ pieces are here: \d+ from the server/,
  )
  await expect(picture(a.page)).toHaveAccessibleName(/ can be shared\.$/)

  const contextB = await browser.newContext()
  const b = await play(contextB)
  await b.untilPhase('swarm')
  await expect(picture(b.page)).toHaveAccessibleName(/ from other viewers/, { timeout: 20_000 })
  const senders = b.page.getByRole('list', { name: 'Who sent how much' })
  await expect(senders.getByText(/^Server · \d+ %$/)).toBeVisible()
  await expect(senders.getByText(/^Peer 1 · \d+ %$/)).toBeVisible()
  await expect(senders).not.toContainText(/\d\.\d/)

  await b.page.getByText('Stats for nerds').click()
  const offload = b.page.locator('dt', { hasText: 'Offload' }).locator('xpath=following::dd[1]')
  await expect(offload).toHaveText(/^\d+ %$/)
  await b.page.reload()
  await expect(picture(b.page)).toHaveAccessibleName(/ from an earlier visit/)
  await contextA.close()
  await contextB.close()
})

test('where no torrent is asked for, the record is not asked for again and again', async ({
  browser,
}) => {
  const { id } = await server.upload(clip({ seconds: 16, format: 'webm', mbps: 3 }))
  const context = await browser.newContext({ serviceWorkers: 'block' })
  let asked = 0
  context.on('request', (request) => {
    if (new URL(request.url()).pathname === `/api/media/${id}`) asked += 1
  })
  const viewer = await watch(context, `${server.url}/watch/${id}`)
  await viewer.untilPosition(7)
  await expect(viewer.page.getByText('allows the page no service worker')).toBeVisible()
  expect(asked).toBeLessThanOrEqual(1)
  await context.close()
})

test('the system is told what is playing', async ({ context }) => {
  const { page } = await play(context)
  const title = () => page.evaluate(() => navigator.mediaSession.metadata?.title)
  await expect.poll(title).toBe('A film')
})

test('a title that the browser has no decoder for is said so, and not a byte of it is fetched', async ({
  context,
}) => {
  await context.addInitScript(() => {
    const { canPlayType } = HTMLMediaElement.prototype
    HTMLMediaElement.prototype.canPlayType = function (type) {
      return /codecs="(vp8|opus)/.test(type) ? '' : canPlayType.call(this, type)
    }
  })
  const sentBefore = await server.webSeedBytes()
  const { page } = await watch(context, watchUrl())
  const alert = player(page).getByRole('alert')
  await expect(alert).toContainText('This browser cannot play it')
  await expect(alert).toContainText('VP8 and Opus')
  expect(await server.webSeedBytes()).toBe(sentBefore)
})

const VTT = 'WEBVTT\n\n00:00.000 --> 00:59.000\nGood evening\n'

async function sendTrack(
  id: string,
  body: string | Uint8Array<ArrayBuffer>,
  { query = 'language=en&label=English', type = 'text/vtt', cookie = '' } = {},
): Promise<Response> {
  return fetch(`${server.url}/api/media/${id}/tracks?${query}`, {
    method: 'POST',
    headers: { 'Content-Type': type, Cookie: cookie || (await server.signIn()) },
    body,
  })
}

test('subtitles are checked, listed, served to every site, and go with the title', async () => {
  const { id } = await server.upload(clip({ seconds: 16, format: 'webm', mbps: 3 }))
  const refusals: [status: number, answer: Promise<Response>][] = [
    [401, sendTrack(id, VTT, { cookie: 'none=1' })],
    [400, sendTrack(id, VTT, { query: 'language=English&label=x' })],
    [400, sendTrack(id, VTT, { query: 'language=en' })],
    [400, sendTrack(id, VTT, { query: 'language=en&language=de&label=x' })],
    [415, sendTrack(id, VTT, { type: 'text/plain' })],
    [415, sendTrack(id, '1\n00:00:01,000 --> 00:00:02,000\nSubRip\n')],
    [415, sendTrack(id, Uint8Array.of(0xff, 0xfe, 0, 1))],
    [413, sendTrack(id, VTT + 'x'.repeat(1024 * 1024))],
    [404, sendTrack('0123456789abcdef', VTT)],
  ]
  for (const [status, answer] of refusals) {
    const response = await answer
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ error: { message: expect.any(String) } })
  }
  expect((await server.record(id)).tracks).toEqual([])

  expect((await sendTrack(id, VTT)).status).toBe(201)
  expect((await sendTrack(id, VTT, { query: 'language=de&label=Deutsch' })).status).toBe(201)
  const { tracks } = await server.record(id)
  expect(tracks).toMatchObject([
    { language: 'en', label: 'English' },
    { language: 'de', label: 'Deutsch' },
  ])
  const url = tracks[0]?.url ?? ''
  const file = await fetch(url)
  expect(file.headers.get('content-type')).toBe('text/vtt; charset=utf-8')
  expect(file.headers.get('access-control-allow-origin')).toBe('*')
  expect(await file.text()).toBe(VTT)
  const removal = await fetch(url.replace('.vtt', ''), {
    method: 'DELETE',
    headers: { Cookie: await server.signIn() },
  })
  expect(removal.status).toBe(200)
  expect((await server.record(id)).tracks).toHaveLength(1)
  expect((await fetch(url)).status).toBe(404)
  const other = tracks[1]?.url ?? ''
  expect((await fetch(other)).status).toBe(200)
  await server.remove(id)
  expect((await fetch(other)).status).toBe(404)
})

test('a publisher adds subtitles on the admin page, and a viewer switches them on by key', async ({
  context,
}) => {
  const page = await context.newPage()
  await page.goto(`${server.url}/admin`)
  await page.getByLabel('E-mail address').fill(ADMIN.email)
  await page.getByLabel('Password', { exact: true }).fill(ADMIN.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('button', { name: 'Edit A film' }).click()
  const dialog = page.getByRole('dialog', { name: 'Edit title' })
  const choose = (text: string) =>
    dialog.locator('input[type=file]').setInputFiles({
      name: 'film.vtt',
      mimeType: 'text/vtt',
      buffer: Buffer.from(text),
    })
  await choose('no subtitles')
  await dialog.getByLabel('Language code').fill('en')
  await dialog.getByLabel('Name in the menu').fill('English')
  await dialog.getByRole('button', { name: 'Add subtitles' }).click()
  await expect(dialog.getByRole('alert')).toContainText('not WebVTT')
  await choose(VTT)
  await dialog.getByRole('button', { name: 'Add subtitles' }).click()
  await expect(dialog.getByText('English (en)')).toBeVisible()
  await expect(dialog.getByRole('alert')).toHaveCount(0)

  const viewer = await play(context)
  const bottomOf = async (locator: Locator) => {
    const { y = 0, height = 0 } = (await locator.boundingBox()) ?? {}
    return y + height
  }
  const bars = await bottomOf(player(viewer.page).getByRole('button', { name: /fullscreen/i }))
  expect((await bottomOf(viewer.page.locator('video'))) - bars).toBeLessThan(20)
  const shown = () =>
    viewer.page
      .locator('video')
      .evaluate((element: HTMLVideoElement) =>
        [...element.textTracks].map(({ mode, activeCues }) => [mode, activeCues?.length ?? 0]),
      )
  expect(await shown()).not.toContainEqual(['showing', 1])
  await viewer.page.keyboard.press('c')
  await expect.poll(shown).toEqual([['showing', 1]])
  await viewer.page.keyboard.press('c')
  await expect.poll(shown).not.toContainEqual(['showing', 1])
  await viewer.page.mouse.move(300, 300)
  await player(viewer.page)
    .getByRole('button', { name: /captions/i })
    .click()
  await player(viewer.page).getByRole('menuitemradio', { name: 'English' }).click()
  await expect.poll(shown).toEqual([['showing', 1]])

  await page.bringToFront()
  await dialog.getByRole('button', { name: 'Remove the subtitles English' }).click()
  await expect(dialog.getByText('English (en)')).toHaveCount(0)
  expect((await server.record(media.id)).tracks).toEqual([])
})
