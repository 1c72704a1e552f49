// What happens to the viewer's own machine: the tab falls asleep and is woken, the network is gone
// for a while, the clock jumps. Playback goes on, and peers of such a viewer do not suffer.
import { chromium, expect, test } from '@playwright/test'
import type { MediaRecord } from '#protocol/media.ts'
import { CHROMIUM_FLAGS, findChromium } from './harness/chromium.ts'
import { clip } from './harness/clips.ts'
import { startServer, type TestServer } from './harness/server.ts'
import { startUnrulyOrigin } from './harness/unruly-origin.ts'
import { agreed, watch } from './harness/viewer.ts'

let server: TestServer
let media: MediaRecord

test.beforeAll(async () => {
  server = await startServer()
  const uploaded = await server.upload(clip({ seconds: 24, format: 'webm', mbps: 3 }))
  media = await server.untilReady(uploaded.id)
})
test.afterAll(() => server.stop())

const OUTAGE_MS = 20_000

/**
 * A viewer in a browser whose pages can be frozen as a device freezes them when it is laid aside:
 * not one thread of them runs.
 * @param sharing what it has chosen besides to share
 */
async function watchOnADevice(url: string, sharing = {}) {
  const browser = await chromium.launch({ executablePath: findChromium(), args: CHROMIUM_FLAGS })
  const devTools = await browser.newBrowserCDPSession()
  const context = await browser.newContext()
  await agreed(context, sharing)
  const viewer = await watch(context, url)
  const { processInfo } = await devTools.send('SystemInfo.getProcessInfo')
  const pages = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id)
  expect(pages.length).toBeGreaterThan(0)
  const signal = (name: 'SIGSTOP' | 'SIGCONT') => {
    for (const pid of pages) process.kill(pid, name)
  }
  return {
    ...viewer,
    sleep: () => signal('SIGSTOP'),
    wake: () => signal('SIGCONT'),
    close: () => browser.close(),
  }
}

test('a tab that falls asleep leaves its peers playing, and plays on when it is woken', async ({
  context,
}) => {
  // Fast enough for the film, too slow to have sent it all before it sleeps.
  const a = await watchOnADevice(`${server.url}/watch/${media.id}`, { uploadRate: 500_000 })
  await a.untilFilled(30_000)
  const before = (await a.video()).currentTime
  const b = await watch(context, `${server.url}/watch/${media.id}`)
  await b.untilPeers(1)
  a.sleep() // what it has been asked for, it does not send
  const { have, total } = (await b.stats()).pieces
  expect(have).toBeLessThan(total / 2)
  await b.untilPosition(9)
  expect((await b.stats()).stalls).toBe(0)
  a.wake()
  await a.untilPosition(before + 1)
  expect((await a.video()).error).toBeNull()
  await b.untilFilled(30_000)
  await b.seek(21)
  await b.untilEnded(20_000)
  expect((await b.stats()).peers).toBe(1) // it was forgiven
  await a.close()
})

test('a tab woken in the middle of loading fetches the rest', async () => {
  const viewer = await watchOnADevice(`${server.url}/watch/${media.id}`)
  await viewer.untilPosition(0.5)
  viewer.sleep()
  await new Promise((resolve) => setTimeout(resolve, 6_000)) // longer than a silent server is given
  viewer.wake()
  await viewer.untilPosition(3)
  await viewer.untilFilled(30_000)
  await viewer.seek(21)
  await viewer.untilEnded(20_000)
  const { bytes } = await viewer.stats()
  expect(bytes.placeholder + bytes.origin).toBe(media.size)
  expect(bytes.wasted).toBe(0)
  await viewer.close()
})

test('the network gone for 20 s is said, and playback goes on when it is back', async ({
  browser,
}) => {
  test.slow()
  // As fast as the film and half again, so that little is held when the network goes.
  const origin = await startUnrulyOrigin(server.url, (1.5 * media.size) / 24)
  const context = await browser.newContext()
  await context.addInitScript(() => {
    const open = new Set<RTCPeerConnection>()
    window.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(configuration?: RTCConfiguration) {
        super(configuration)
        open.add(this)
      }
    }
    Object.assign(window, {
      closeWires: () => {
        for (const connection of open) connection.close()
      },
    })
  })
  const viewer = await watch(context, `${origin.url}/watch/${media.id}`)
  await viewer.untilPosition(2)
  const gone = performance.now()
  origin.cut()
  await context.setOffline(true)
  await viewer.page.evaluate(() => Reflect.get(window, 'closeWires')())
  const said = viewer.page.getByText(/connection to the server is interrupted/i).first()
  await expect(said).toBeVisible({ timeout: OUTAGE_MS - 2_000 })
  await viewer.page.waitForTimeout(OUTAGE_MS - (performance.now() - gone))
  const stoodAt = (await viewer.video()).currentTime
  await context.setOffline(false)
  origin.mend()
  await viewer.untilPosition(stoodAt + 2, 15_000)
  await expect(said).toHaveCount(0)
  expect((await viewer.video()).error).toBeNull()
  expect((await viewer.stats()).stalls).toBe(1)
  expect((await viewer.recorded()).sources).toHaveLength(1) // nobody pressed "Try again"

  // It is among the others again as well.
  const other = await browser.newContext()
  const newcomer = await watch(other, `${server.url}/watch/${media.id}`)
  await newcomer.untilPeers(1)
  await other.close()
  await context.close()
  await origin.close()
})

test('a clock that jumps a day ahead and two days back changes nothing', async ({ browser }) => {
  const [contextA, contextB] = [await browser.newContext(), await browser.newContext()]
  for (const context of [contextA, contextB]) {
    await context.addInitScript(() => {
      const RealDate = Date
      let jump = 0
      window.Date = class extends RealDate {
        constructor(...values: ConstructorParameters<typeof Date>) {
          if ((values as unknown[]).length === 0) super(RealDate.now() + jump)
          else super(...values)
        }
        static override now() {
          return RealDate.now() + jump
        }
      } as typeof Date
      Object.assign(window, {
        setClock: (ms: number) => {
          jump = ms
        },
      })
    })
  }
  const a = await watch(contextA, `${server.url}/watch/${media.id}`)
  await a.untilFilled(30_000)
  const b = await watch(contextB, `${server.url}/watch/${media.id}`)
  await b.untilPeers(1)
  const DAY_MS = 24 * 3600 * 1000
  const setClocks = (ms: number) =>
    Promise.all(
      [a, b].map(({ page }) => page.evaluate((to) => Reflect.get(window, 'setClock')(to), ms)),
    )
  await setClocks(DAY_MS)
  await b.untilPosition(4)
  await setClocks(-DAY_MS)
  await b.untilPosition(8)
  await b.seek(21)
  await b.untilEnded(20_000)
  await b.untilFilled(30_000)
  const stats = await b.stats()
  expect(stats).toMatchObject({ stalls: 0, peers: 1 })
  expect(stats.stalledMs).toBe(0)
  expect(stats.bytes.wasted).toBe(0)
  expect(stats.bytes.peers).toBeGreaterThan(media.size / 2)
  await contextA.close()
  await contextB.close()
})
