import { chromium } from '@playwright/test'
import { CHROMIUM_FLAGS, findChromium } from './harness/chromium.ts'
import { clip } from './harness/clips.ts'
import { startCompanySite } from './harness/company-site.ts'
import { startServer } from './harness/server.ts'
const server = await startServer({ P2P_DEFAULT: 'ask' })
const film = await server.upload(clip({ seconds: 24, format: 'webm', mbps: 3 }), { title: 'A film' })
await server.untilReady(film.id)
const song = await server.upload(clip({ seconds: 24, format: 'mp3', mbps: 1 }), { title: 'A song' })
const s = `<meta name=viewport content="width=device-width"><script type="module" src="${server.url}/embed.js"></script><h1>Our company</h1>`
const site = await startCompanySite({
  '/a': `${s}<slipstream-player media="${film.id}"></slipstream-player><p>Text below</p>`,
  '/b': `${s}<slipstream-player media="${film.id}" controls="false"></slipstream-player><p>Text below</p>`,
  '/c': `${s}<slipstream-player media="${film.id}" preload="none" aria-label="x"></slipstream-player><p>Text</p><slipstream-player src="https://nowhere.example/x.mp4"></slipstream-player>`,
  '/d': `${s}<slipstream-player media="${song.id}"></slipstream-player><slipstream-player server="ftp://x" media="x"></slipstream-player>`,
}, server.url)
const browser = await chromium.launch({ executablePath: findChromium(), args: CHROMIUM_FLAGS })
for (const [w, viewport] of Object.entries({ desktop: { width: 1100, height: 800 }, phone: { width: 390, height: 700 } }))
  for (const colorScheme of ['light', 'dark'] as const) {
    const context = await browser.newContext({ viewport, colorScheme })
    const page = await context.newPage()
    const shot = (n: string) => page.screenshot({ path: `/tmp/shots/${n}-${w}-${colorScheme}.png` })
    for (const p of ['a', 'b', 'c', 'd']) {
      if (colorScheme === 'dark' && p !== 'a') continue
      await page.goto(`${site.url}/${p}`)
      await page.waitForTimeout(2500)
      await shot(p)
    }
    await page.goto(`${site.url}/a`)
    await page.waitForTimeout(1500)
    await page.locator('slipstream-player').evaluate((e: any) => { e.muted = true; return e.play() })
    await page.waitForTimeout(1500)
    await shot('playing')
    await page.frameLocator('slipstream-player iframe').getByRole('button', { name: 'Sharing settings' }).click()
    await page.waitForTimeout(500)
    await shot('settings')
    await context.close()
  }
const context = await browser.newContext({ javaScriptEnabled: false })
const page = await context.newPage()
for (const p of ['watch', 'embed']) {
  await page.goto(`${server.url}/${p}/${film.id}`)
  await page.waitForTimeout(500)
  await page.screenshot({ path: `/tmp/shots/nojs-${p}.png` })
}
await browser.close(); await site.close(); await server.stop()
