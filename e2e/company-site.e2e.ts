// docs/examples/company-site as its visitors see it: the company's page, its CDN and Slipstream on three
// origins, and films that Slipstream has never seen. The CDN counts every byte.
import { statSync } from 'node:fs'
import { AxeBuilder } from '@axe-core/playwright'
import { type Browser, type BrowserContext, expect, type Page, test } from '@playwright/test'
import type { MediaId } from '#protocol/ids.ts'
import { type Company, startCompany } from '../docs/examples/company-site/company.ts'
import type { SlipstreamPlayerElement } from '../public/embed.d.ts'
import { clip } from './harness/clips.ts'
import { hold } from './harness/hold.ts'

const launch = () => clip({ seconds: 80, format: 'webm', mbps: 4 })
const short = () => clip({ seconds: 16, format: 'webm', mbps: 3 })
const longer = () => clip({ seconds: 24, format: 'webm', mbps: 3 })

let company: Company
let contexts: BrowserContext[] = []

test.beforeAll(async () => {
  company = await startCompany({
    films: { 'launch.webm': launch() },
    edit: (html, { searchParams }) =>
      searchParams.has('counted') ? html.replace('preload="metadata"', 'preload="none"') : html,
  })
})
test.afterAll(() => company.close())
test.afterEach(async () => {
  await Promise.all(contexts.map((context) => context.close()))
  contexts = []
})

type FilmName = 'launch' | 'workshop'

/**
 * Opens the company's page as somebody who was never there.
 * @param film the one that this is about; the first plays by itself, if the visitor likes motion
 * @param query `?counted`: nothing of a film is loaded beside its player
 */
async function visit(browser: Browser, film: FilmName, query = ''): Promise<Page> {
  const context = await browser.newContext({
    reducedMotion: film === 'launch' ? 'no-preference' : 'reduce',
  })
  contexts.push(context)
  const page = await context.newPage()
  await page.goto(company.website.url + query)
  return page
}

function on<Result>(
  page: Page,
  film: FilmName,
  act: (player: SlipstreamPlayerElement) => Result,
): Promise<Awaited<Result>> {
  return page.locator(`#${film}-film`).evaluate(act as (element: Element) => Result) as Promise<
    Awaited<Result>
  >
}

const statsOf = (page: Page) => on(page, 'launch', (player) => player.stats())

async function untilPlaying(page: Page, film: FilmName, seconds = 0.5): Promise<void> {
  await expect
    .poll(() => on(page, film, (player) => player.currentTime), { timeout: 15_000 })
    .toBeGreaterThan(seconds)
}

async function press(page: Page, film: FilmName): Promise<void> {
  await on(page, film, (player) => {
    player.muted = true
    return player.play()
  })
}

async function idOf(name: string): Promise<MediaId> {
  const query = new URLSearchParams({ url: company.film(name) })
  const answer = await fetch(`${company.slipstream.url}/api/resolve?${query}`)
  return ((await answer.json()) as { id: MediaId }).id
}

test('a film never seen before plays, is swapped, and further visitors bring it to each other', async ({
  browser,
}) => {
  const { size } = statSync(launch())
  const visitor = () => visit(browser, 'launch', '/?counted')
  const first = await visitor()
  await untilPlaying(first, 'launch')
  await expect.poll(async () => (await statsOf(first)).phase, { timeout: 30_000 }).toBe('swarm')
  const afterSwap = await statsOf(first)
  expect(afterSwap.swap?.piecesReused).toBeGreaterThan(0)
  expect(afterSwap.stalls).toBe(0)

  const visitors = [first, await visitor(), await visitor()]
  await Promise.all(visitors.map((page) => untilPlaying(page, 'launch')))
  for (const page of visitors) {
    const isFilled = async () => {
      const { have, total } = (await statsOf(page)).pieces
      return total > 0 && have === total
    }
    await expect.poll(isFilled, { timeout: 60_000 }).toBe(true)
  }
  const all = await Promise.all(visitors.map(statsOf))
  for (const { bytes } of all) {
    const { placeholder, origin, peers, wasted } = bytes
    expect(placeholder + origin + peers - wasted).toBe(size)
    expect(wasted).toBeLessThan(size / 50)
  }
  for (const { bytes } of all.slice(1)) expect(bytes.peers).toBeGreaterThan(size / 2)

  // What the pages say came over HTTP is what the CDN sent to visitors, to the byte. To Slipstream it
  // sent the film once, and before that a few parts in which the build looked up what the film is.
  const overHttp = all.reduce((sum, { bytes }) => sum + bytes.placeholder + bytes.origin, 0)
  const sent = company.cdn.sent('launch.webm')
  expect(sent.toVisitors).toBe(overHttp)
  expect(sent.toVisitors).toBeLessThan(2 * size)
  expect(sent.toSlipstream).toBeGreaterThanOrEqual(size)
  expect(sent.toSlipstream).toBeLessThan(1.1 * size)
})

test('the film has its first picture before there is a player, and loads no more for that', async ({
  browser,
}) => {
  const context = await browser.newContext()
  contexts.push(context)
  const page = await context.newPage()
  const letIn = await hold(page, '**/embed?*')
  await page.goto(company.website.url, { waitUntil: 'commit' })
  const film = page.locator('#launch-film')
  await expect(film.locator('canvas')).toBeVisible()
  expect(await film.locator('video').evaluate((one: HTMLVideoElement) => one.readyState)).toBe(0)
  letIn()
  await untilPlaying(page, 'launch')
  await expect(film.locator('canvas')).toBeHidden()
})

test('one film loads nothing before it is played, another is a plain frame that is opened', async ({
  browser,
}) => {
  company.cdn.offer('workshop.webm', short())
  company.cdn.offer('varnish.webm', short())
  const page = await visit(browser, 'workshop')
  const workshop = page.locator('#workshop-film')
  await expect(workshop.locator('iframe')).toHaveCount(0)
  await expect(async () => {
    // The page moves while the film above it gets its shape, and a press may miss.
    const button = workshop.getByRole('button', { name: 'Play: Ninety seconds in the workshop' })
    if ((await workshop.locator('iframe').count()) === 0) await button.click({ timeout: 1000 })
    await expect(workshop.locator('iframe')).toHaveCount(1, { timeout: 1000 })
  }).toPass({ timeout: 20_000 })
  await untilPlaying(page, 'workshop')

  const frame = page.frameLocator('#varnish-film')
  expect(page.frames().filter((one) => one.url().includes('varnish'))).toEqual([])
  const varnish = page.locator('#varnish-film')
  await expect(async () => {
    if (!(await varnish.isVisible())) await page.getByText('Watch the film: varnish').click()
    await expect(varnish).toBeVisible({ timeout: 1000 })
  }).toPass({ timeout: 20_000 })
  await varnish.scrollIntoViewIfNeeded() // it is loaded once it is nearly seen
  const video = frame.locator('video')
  await video.evaluate((element: HTMLVideoElement) => {
    element.muted = true
    void element.play() // may have no source yet
  })
  await expect
    .poll(() => video.evaluate((element: HTMLVideoElement) => element.currentTime))
    .toBeGreaterThan(0.5)
})

test('the page fits a phone, in light and dark, and everybody can use it', async ({ browser }) => {
  for (const colorScheme of ['light', 'dark'] as const) {
    const page = await visit(browser, 'workshop')
    await page.setViewportSize({ width: 360, height: 740 })
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    await expect.poll(() => on(page, 'launch', (player) => player.readyState)).toBeGreaterThan(0)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360)
    const axe = new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'])
    const { violations } = await axe.exclude('iframe').analyze()
    expect(violations).toEqual([])
  }
})

test('without JavaScript every film is there in a plain <video>', async ({ browser }) => {
  const context = await browser.newContext({ javaScriptEnabled: false })
  contexts.push(context)
  const page = await context.newPage()
  await page.goto(company.website.url)
  const sources = page.locator('slipstream-player > video')
  await expect(sources).toHaveCount(2)
  await expect(sources.first()).toHaveAttribute('src', company.film('launch.webm'))
  // Only a page of its own is without scripts in every respect here, not a frame of another site.
  await page.goto((await page.locator('#varnish-film').getAttribute('src')) ?? '')
  await expect(page.locator('video')).toHaveAttribute('src', company.film('varnish.webm'))
})

test('who opens the page after a film has changed at its source plays the new one', async ({
  browser,
}) => {
  company.cdn.offer('workshop.webm', short())
  const before = await visit(browser, 'workshop')
  await press(before, 'workshop')
  await untilPlaying(before, 'workshop')
  const id = await idOf('workshop.webm')
  const { revision } = await company.slipstream.record(id)

  company.cdn.offer('workshop.webm', longer())
  const between = await visit(browser, 'workshop')
  await press(between, 'workshop').catch(() => undefined) // refused: the old film is gone
  await expect
    .poll(async () => (await company.slipstream.record(id)).revision, { timeout: 15_000 })
    .toBe(revision + 1)
  const after = await visit(browser, 'workshop')
  await press(after, 'workshop')
  await untilPlaying(after, 'workshop')
  expect(Math.round(await on(after, 'workshop', (player) => player.duration))).toBe(24)
})

test('a film that the CDN hides from other sites plays through Slipstream', async ({ browser }) => {
  company.cdn.offer('hidden.webm', short(), { cors: false })
  const page = await visit(browser, 'workshop')
  await on(page, 'workshop', (player) => {
    player.src = player.src.replace('workshop', 'hidden')
  })
  await press(page, 'workshop')
  await untilPlaying(page, 'workshop')
  const { webSeeds } = await company.slipstream.record(await idOf('hidden.webm'))
  expect(webSeeds.map((url) => new URL(url).origin)).toEqual([company.slipstream.url])
  const { bytes } = await on(page, 'workshop', (player) => player.stats())
  expect(bytes.placeholder + bytes.origin).toBeGreaterThan(0)
  expect(company.cdn.sent('hidden.webm').toVisitors).toBe(0)
})
