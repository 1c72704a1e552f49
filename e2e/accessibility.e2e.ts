// What pages are to those who see little, hear little or use the keyboard: every page is checked by
// axe for WCAG 2.1 A and AA, in light and dark, on a desk and on a phone; and what appears in the
// player says so, and gives the focus back when it goes.
import { AxeBuilder } from '@axe-core/playwright'
import { type BrowserContext, expect, type Locator, type Page, test } from '@playwright/test'
import type { MediaRecord } from '#protocol/media.ts'
import { clip } from './harness/clips.ts'
import { ADMIN, startServer, type TestServer } from './harness/server.ts'
import { type Viewer, watch } from './harness/viewer.ts'

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']
const DESK = { width: 1280, height: 900 }
const PHONE = { width: 390, height: 844 }

let server: TestServer
let media: MediaRecord

test.beforeAll(async () => {
  server = await startServer({ P2P_DEFAULT: 'ask' })
  media = await server.upload(clip({ seconds: 60, format: 'webm', mbps: 3 }), { title: 'A film' })
  await server.upload(clip({ seconds: 16, format: 'mp3', mbps: 3 }), { title: 'A song' })
  await server.untilReady(media.id)
})
test.afterAll(() => server.stop())

// A colour that is still changing is none that could be judged.
test.use({ contextOptions: { reducedMotion: 'reduce' } })

/** Fails with every violation that the page has in any of its looks, and where. */
async function expectAccessible(page: Page): Promise<void> {
  const found: string[] = []
  for (const viewport of [DESK, PHONE]) {
    await page.setViewportSize(viewport)
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      await page.waitForTimeout(100) // laid out and painted anew
      const { violations } = await new AxeBuilder({ page }).withTags(TAGS).analyze()
      for (const { id, nodes } of violations) {
        const where = nodes.map(({ target, failureSummary }) => `${target}: ${failureSummary}`)
        found.push(`${id}, ${colorScheme}, ${viewport.width} px: ${where.join('\n')}`)
      }
    }
  }
  expect(found).toEqual([])
}

const player = (page: Page) => page.getByRole('region', { name: 'Player: A film' })
const question = (page: Page) => page.getByRole('region', { name: 'Sharing with other viewers' })

async function play(context: BrowserContext, path = `/watch/${media.id}`): Promise<Viewer> {
  const viewer = await watch(context, server.url + path)
  await viewer.untilPosition(1)
  await expect(player(viewer.page)).toBeVisible()
  return viewer
}

const pause = (page: Page) =>
  page.locator('video').evaluate((element: HTMLVideoElement) => element.pause())

test('the catalogue, empty and filled, and its dialog have no faults', async ({ page }) => {
  const empty = await startServer()
  await page.goto(empty.url)
  await page.getByText('Nothing to watch yet').waitFor()
  await expectAccessible(page)
  await empty.stop()
  await page.goto(server.url)
  await page.getByRole('link', { name: 'A film' }).waitFor()
  await expectAccessible(page)
  await page.getByRole('button', { name: 'Sharing settings' }).click()
  await page.getByRole('dialog').waitFor()
  await expectAccessible(page)
  await page.goto(`${server.url}/nowhere`)
  await page.getByText('There is no such page').waitFor()
  await expectAccessible(page)
})

test('the watch page has no faults, with the question and without it', async ({ context }) => {
  const { page } = await play(context)
  await pause(page) // its controls stay
  await expect(question(page)).toBeVisible()
  await page.getByText('Stats for nerds').click()
  await expectAccessible(page)
  await page.getByRole('button', { name: 'Share and save bandwidth' }).click()
  await page.getByRole('button', { name: 'Sharing settings' }).click()
  await page.getByRole('textbox', { name: 'Upload at most' }).fill('much')
  await page.keyboard.press('Enter')
  await expect(player(page).getByRole('alert')).toBeVisible()
  await expectAccessible(page)
  await page.getByRole('button', { name: 'Download' }).click()
  await page.getByRole('menuitem').first().waitFor()
  await expectAccessible(page)
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Embed', exact: true }).click()
  await page.getByRole('dialog', { name: 'Embed “A film”' }).waitFor()
  await expectAccessible(page)
})

test('the dialog of the keys, and a note over the picture, have no faults', async ({ context }) => {
  const first = await play(context)
  await first.seek(30)
  await first.untilPosition(31)
  await first.page.close()
  const { page } = await play(context)
  await pause(page)
  await expect(page.getByRole('button', { name: 'From the beginning' })).toBeVisible()
  await expectAccessible(page)
  await page.keyboard.press('?')
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor()
  await expectAccessible(page)
})

test('a title that cannot be played has no faults in what it says', async ({ context }) => {
  await context.addInitScript(() => {
    const { canPlayType } = HTMLMediaElement.prototype
    HTMLMediaElement.prototype.canPlayType = function (type) {
      return /codecs="(vp8|opus)/.test(type) ? '' : canPlayType.call(this, type)
    }
  })
  const { page } = await watch(context, `${server.url}/watch/${media.id}`)
  await expect(player(page).getByRole('alert')).toContainText('cannot play it')
  await expectAccessible(page)
})

test('the embedded player has no faults', async ({ context }) => {
  const { page } = await play(context, `/embed/${media.id}`)
  await pause(page)
  await expect(question(page)).toBeVisible()
  await expectAccessible(page)
  await page.getByRole('button', { name: 'Sharing settings' }).click()
  await expectAccessible(page)
})

test('the admin page has no faults, from sign-in to an upload under way', async ({
  context,
  page,
}) => {
  await page.goto(`${server.url}/admin`)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByLabel('E-mail address')).toHaveAccessibleDescription(/./)
  await expectAccessible(page)
  await page.getByLabel('E-mail address').fill(ADMIN.email)
  await page.getByLabel('Password', { exact: true }).fill(ADMIN.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('button', { name: 'Edit A film' }).waitFor()
  await expectAccessible(page)

  for (const what of ['Edit', 'Embed', 'Delete']) {
    await page.getByRole('button', { name: `${what} A film` }).click()
    await page.getByRole('dialog').waitFor()
    await expectAccessible(page)
    await page.keyboard.press('Escape')
    await expect(page.getByRole('dialog')).toHaveCount(0)
  }

  const devtools = await context.newCDPSession(page)
  await devtools.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: 0,
    downloadThroughput: -1,
    uploadThroughput: 200_000,
  })
  const chooser = page.waitForEvent('filechooser')
  await page.getByRole('button', { name: 'Choose files' }).click()
  await (await chooser).setFiles(clip({ seconds: 60, format: 'webm', mbps: 3 }))
  await expect(page.getByRole('progressbar')).toBeVisible()
  await expectAccessible(page)
  await page.getByRole('button', { name: /^Pause / }).click()
  await expect(page.getByText(/· paused/)).toBeVisible()
  await expectAccessible(page)
})

/** Where the keyboard is, by its name. */
const focused = (page: Page) =>
  page.evaluate(() => {
    const { activeElement } = document
    return activeElement?.getAttribute('aria-label') ?? activeElement?.localName
  })

/** Screen readers read what changes in a live region, not one that is new with its words. */
async function expectRead(viewer: Viewer, words: RegExp): Promise<Locator> {
  const announced = player(viewer.page).getByRole('status').filter({ hasText: words })
  await expect(announced).toHaveCount(1)
  const unread = await viewer.page.evaluate(() => (window as unknown as Unread).unread)
  expect(unread.filter((text) => words.test(text))).toEqual([])
  return announced
}

interface Unread {
  /** Words of the live regions that were added to the page with them. */
  readonly unread: string[]
}

function recordUnread(): void {
  const unread: string[] = []
  Object.assign(window, { unread })
  new MutationObserver((records) => {
    for (const added of records.flatMap((record) => [...record.addedNodes])) {
      if (!(added instanceof Element)) continue
      for (const region of [added, ...added.querySelectorAll('*')]) {
        if (region.role === 'status' && region.textContent) unread.push(region.textContent)
      }
    }
  }).observe(document, { childList: true, subtree: true })
}

async function pressByKey(button: Locator): Promise<void> {
  await button.focus()
  await button.press('Enter')
  await expect(button).toHaveCount(0)
}

test('the question is announced, and leaves the focus in the player', async ({ context }) => {
  await context.addInitScript(recordUnread)
  const viewer = await play(context)
  const { page } = viewer
  const announced = await expectRead(viewer, /asks whether to share/)
  await pressByKey(page.getByRole('button', { name: 'No, server only' }))
  expect(await focused(page)).toMatch(/play|pause/i)
  await expect(announced).toHaveCount(0)
})

test('the note of where it goes on is announced, stays as long as it has the focus, and leaves that in the player', async ({
  context,
}) => {
  const first = await play(context)
  await first.seek(20)
  await first.untilPosition(21)
  await first.page.close()
  await context.addInitScript(recordUnread)
  const second = await play(context)
  const { page } = second
  const announced = await expectRead(second, /goes on at 0:2/i)
  const button = page.getByRole('button', { name: 'From the beginning' })
  const bars = player(page).locator('media-control-bar').first()
  for (const viewport of [DESK, PHONE]) {
    await page.setViewportSize(viewport)
    const { y = 0, height = 0 } = (await button.boundingBox()) ?? {}
    expect(y + height).toBeLessThan((await bars.boundingBox())?.y ?? 0) // lies on nothing else
  }
  await button.focus()
  await page.waitForTimeout(13_000) // it goes by itself after 12 s
  await expect(button).toBeFocused()
  await pressByKey(button)
  expect(await focused(page)).toMatch(/play|pause/i)
  await expect(announced).toHaveCount(0)
})

test('"Try again" leaves the focus in the player when it is through', async ({ context }) => {
  const viewer = await play(context)
  const { page } = viewer
  let isDown = true
  await context.route(/\/media\/[^/]+\/[^/]+$/, (route) => {
    if (!new URL(route.request().url()).pathname.startsWith('/media/')) return route.continue()
    return isDown ? route.abort('connectionrefused') : route.continue()
  })
  await viewer.seek(50)
  const button = page.getByRole('button', { name: 'Try again' })
  await button.waitFor({ timeout: 20_000 })
  isDown = false
  await pressByKey(button)
  expect(await focused(page)).toMatch(/play|pause/i)
})
