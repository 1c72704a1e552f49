// A publisher's way: first account, uploads that survive pauses, lost connections and reloads, the
// list of titles, and what happens to files that are no media.
import { writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { type BrowserContext, expect, type Page, test } from '@playwright/test'
import { openAdmin } from './harness/admin.ts'
import { clip } from './harness/clips.ts'
import { ADMIN, startServer, type TestServer } from './harness/server.ts'

const CLIP = clip({ seconds: 60, format: 'webm', mbps: 3 })
const NAME = basename(CLIP)
let server: TestServer

test.afterEach(() => server.stop())

/** Makes uploads slow enough to be interrupted. */
async function slowUploads(context: BrowserContext, page: Page, bytesPerSecond: number) {
  const devtools = await context.newCDPSession(page)
  await devtools.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: 0,
    downloadThroughput: -1,
    uploadThroughput: bytesPerSecond,
  })
}

const choose = async (page: Page, ...paths: string[]) => {
  const chooser = page.waitForEvent('filechooser')
  await page.getByRole('button', { name: 'Choose files' }).click()
  await (await chooser).setFiles(paths)
}
const row = (page: Page) => page.getByRole('list', { name: 'Uploads' }).getByRole('listitem')

test('from the set-up link to a title that plays', async ({ page }) => {
  server = await startServer({ ADMIN_EMAIL: '', ADMIN_PASSWORD: '' })
  const link = /http\S+#setup=\S+/.exec(server.output())?.[0] ?? ''
  await page.goto(`${server.url}/`)
  await page.getByText('Nothing to watch yet').waitFor()

  await page.goto(link)
  await page.getByLabel('E-mail address').fill('first@example.org')
  await page.getByLabel('Password', { exact: true }).fill('short')
  await page.getByRole('button', { name: 'Create account' }).click()
  await expect(page.getByText(/at least 8 characters/i).first()).toBeVisible()
  await page.getByLabel('Password', { exact: true }).fill('long enough for anybody')
  await page.getByRole('button', { name: 'Create account' }).click()
  await page.getByRole('heading', { name: 'Upload', exact: true }).waitFor()

  await choose(page, CLIP, clip({ seconds: 16, format: 'mp4', mbps: 3 }))
  await expect(page.getByText('Delete')).toHaveCount(2, { timeout: 20_000 })

  await page.goto(`${server.url}/`)
  await page
    .getByRole('link', { name: new RegExp(NAME.replace('.webm', '')) })
    .first()
    .click()
  const video = page.locator('video')
  await expect(video).toHaveCount(1)
  await video.evaluate((element: HTMLVideoElement) => {
    element.muted = true
    return element.play()
  })
  await expect
    .poll(() => video.evaluate((element: HTMLVideoElement) => element.currentTime))
    .toBeGreaterThan(1)

  await page.goto(link) // used up: it opens the admin page and creates nothing
  await page.getByRole('heading', { name: 'Upload', exact: true }).waitFor()
  await expect(page.getByRole('button', { name: 'Create account' })).toHaveCount(0)
})

test('the sample clip is offered, added and played', async ({ page }) => {
  server = await startServer()
  await page.goto(`${server.url}/`)
  await page.getByRole('link', { name: 'Add the sample clip' }).click()
  await page.getByLabel('E-mail address').fill(ADMIN.email)
  await page.getByLabel('Password', { exact: true }).fill(ADMIN.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('link', { name: /watch/i }).first().click({ timeout: 20_000 })
  await expect(page.locator('video')).toHaveCount(1)
})

test('an upload pauses, resumes, and outlives a lost connection and a reload', async ({
  page,
  context,
}) => {
  server = await startServer()
  await openAdmin(page, server)
  await slowUploads(context, page, 3_000_000)
  await choose(page, CLIP)
  await page.getByRole('button', { name: `Pause ${NAME}` }).click()
  await expect(row(page)).toContainText(/paused/i)
  await page.getByRole('button', { name: `Resume ${NAME}` }).click()
  await expect(row(page)).toContainText(/left/i)

  await server.kill()
  await expect(row(page)).toContainText(/again|connection|retry/i)
  await server.restart()
  await expect(row(page)).toContainText(/left/i, { timeout: 20_000 })

  page.on('dialog', (dialog) => dialog.accept())
  await page.reload()
  await page.getByRole('heading', { name: 'Upload', exact: true }).waitFor()
  const again = page.waitForEvent('filechooser')
  await page.getByRole('button', { name: `Choose ${NAME} again` }).click()
  await (await again).setFiles(CLIP)
  await slowUploads(context, page, -1)
  await expect(row(page)).toContainText(/100|done|ready|finished|stored/i, { timeout: 30_000 })
  await expect(page.getByRole('button', { name: 'Delete' })).toHaveCount(1)
})

test('what is no media is refused with a reason, and the others go on', async ({ page }) => {
  server = await startServer()
  await openAdmin(page, server)
  const fake = test.info().outputPath('holiday.mp4')
  await writeFile(fake, 'this is a text, whatever its name says '.repeat(500))
  await choose(page, fake, CLIP)
  await expect(page.getByText(/not.*(video|audio|media)|text/i).first()).toBeVisible()
  await expect(page.getByRole('button', { name: 'Delete' })).toHaveCount(1, { timeout: 20_000 })
})

test('a title is edited, built and deleted after a question', async ({ page }) => {
  server = await startServer({ BUILD_DELAY_MS: '1500' })
  await server.upload(CLIP, { title: 'Old name' })
  await openAdmin(page, server)
  await page.getByRole('button', { name: /edit/i }).click()
  await page.getByLabel('Title', { exact: true }).fill('Neuer Name 🎬')
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByText('Neuer Name 🎬')).toBeVisible()
  await page.getByRole('button', { name: /build/i }).click()
  await expect(page.getByText('Shared', { exact: true })).toBeVisible({ timeout: 20_000 })

  await page.getByRole('button', { name: /delete/i }).click()
  const question = page.getByRole('dialog')
  await expect(question).toContainText('Neuer Name 🎬')
  await question.getByRole('button', { name: 'Keep it' }).click()
  await expect(page.getByText('Neuer Name 🎬')).toBeVisible()
  await page.getByRole('button', { name: /delete/i }).click()
  await question.getByRole('button', { name: 'Delete' }).click()
  await expect(page.getByText('Neuer Name 🎬')).toHaveCount(0)
})

test('wrong words do not sign in, and signing out ends the session', async ({ page }) => {
  server = await startServer()
  await page.goto(`${server.url}/admin`)
  await page.getByLabel('E-mail address').fill(ADMIN.email)
  await page.getByLabel('Password', { exact: true }).fill('wrong')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByRole('alert')).toContainText(/do not belong together/)
  await openAdmin(page, server)
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('button', { name: 'Sign in' }).waitFor()
  await page.reload()
  await page.getByRole('button', { name: 'Sign in' }).waitFor()
})
