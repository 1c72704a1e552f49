// How functions are run in a page that Puppeteer drives.
import type { Page } from 'puppeteer-core'
import type { PageAccess } from './viewer.ts'

export function puppeteerAccess(page: Page): PageAccess {
  return {
    run: (inPage) => page.evaluate(inPage) as Promise<never>,
    async onVideo(inPage, argument = 0) {
      const video = await page.waitForSelector('video')
      if (video === null) throw new Error(`there is no <video> on ${page.url()}`)
      try {
        return (await video.evaluate(inPage, argument)) as never
      } finally {
        await video.dispose()
      }
    },
  }
}
