// Makes the pictures of every page, light and dark, desktop and phone width, from a running server:
// `node docs/screenshots/make-screenshots.ts` (Node 24, see the README). They land beside this file.
import { join } from 'node:path'
import { type BrowserContext, chromium, type Page } from '@playwright/test'
import { CHROMIUM_FLAGS, findChromium } from '../../e2e/harness/chromium.ts'
import { clip } from '../../e2e/harness/clips.ts'
import { ADMIN, startServer } from '../../e2e/harness/server.ts'

const WIDTHS = {
  desktop: { width: 1280, height: 800 },
  phone: { width: 390, height: 844 },
} as const
const SCHEMES = ['light', 'dark'] as const
const SAMPLE = join(import.meta.dirname, '../../public/sample/slipstream-sample.webm')

const full = await startServer({ SOURCE_ORIGINS: 'https://cdn.example.org/films/' })
const empty = await startServer({ ADMIN_EMAIL: '', ADMIN_PASSWORD: '' })
const browser = await chromium.launch({ executablePath: findChromium(), args: CHROMIUM_FLAGS })
try {
  const sample = await full.upload(SAMPLE, { title: 'Slipstream sample' })
  await full.untilReady(sample.id)
  await full.upload(clip({ seconds: 24, format: 'webm', mbps: 3 }), { title: 'Keynote, day one' })
  const music = clip({ seconds: 24, format: 'mp3', mbps: 1 })
  await full.untilReady((await full.upload(music, { title: 'Podcast 12: the swarm' })).id)
  const setupLink = /http\S+#setup=\S+/.exec(empty.output())?.[0] ?? ''

  for (const [width, viewport] of Object.entries(WIDTHS)) {
    for (const colorScheme of SCHEMES) {
      const open = (context: BrowserContext) => context.newPage()
      const context = await browser.newContext({ viewport, colorScheme })
      const save = async (page: Page, name: string) => {
        await page.waitForLoadState('networkidle').catch(() => {})
        const path = join(import.meta.dirname, `${name}-${width}-${colorScheme}.png`)
        await page.screenshot({ path, animations: 'disabled' })
      }
      const page = await open(context)
      await page.goto(empty.url)
      await save(page, 'empty')
      await page.goto(setupLink)
      await save(page, 'set-up')
      await page.goto(`${full.url}/admin`)
      await save(page, 'sign-in')
      await page.goto(full.url)
      await save(page, 'catalogue')
      await page.goto(`${full.url}/embed/${sample.id}`)
      await page.locator('video').evaluate((video: HTMLVideoElement) => {
        video.currentTime = 8
      })
      await save(page, 'embed')

      // A second viewer of the same title, so that the statistics have peers to show.
      const other = await browser.newContext()
      const seeder = await open(other)
      await seeder.goto(`${full.url}/watch/${sample.id}`)
      await play(seeder)
      const fresh = await browser.newContext({ viewport, colorScheme }) // holds nothing of it yet
      const watching = await open(fresh)
      await watching.goto(`${full.url}/watch/${sample.id}`)
      await play(watching)
      await watching.waitForFunction(
        () =>
          (window as unknown as { slipstream: { stats(): { peers: number } } }).slipstream.stats()
            .peers > 0,
        null,
        { timeout: 20_000 },
      )
      await watching.getByText('Stats for nerds').click()
      await watching.evaluate(() => scrollTo(0, 0))
      await watching.waitForTimeout(2_000) // lets the figures move before the picture is taken
      await save(watching, 'watch')
      await fresh.close()
      await other.close()
      await page.goto(full.url)
      await page.getByRole('button', { name: /sharing/i }).click()
      await page.getByRole('dialog').waitFor()
      await save(page, 'sharing')

      const admin = await open(context)
      await admin.goto(`${full.url}/admin`)
      await admin.getByLabel(/e-?mail/i).fill(ADMIN.email)
      await admin.getByLabel(/^password/i).fill(ADMIN.password)
      await admin.getByRole('button', { name: /sign in/i }).click()
      await admin
        .getByRole('heading', { name: /upload/i })
        .first()
        .waitFor()
      await save(admin, 'admin')
      const elsewhere = admin.getByRole('heading', { name: 'Media that lie elsewhere' })
      await elsewhere.evaluate((heading) => heading.scrollIntoView())
      await save(admin, 'admin-elsewhere')
      await admin.getByRole('button', { name: 'Embed Slipstream sample' }).click()
      await save(admin, 'embed-code')
      await context.close()
    }
  }
} finally {
  await browser.close()
  await full.stop()
  await empty.stop()
}

async function play(page: Page): Promise<void> {
  await page.locator('video').evaluate((video: HTMLVideoElement) => {
    video.muted = true
    return video.play()
  })
}
