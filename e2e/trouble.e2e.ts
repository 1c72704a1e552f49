// What goes wrong on the viewer's side while a title plays: no WebRTC by policy, an old browser, a
// lost connection and "Try again", a swarm that must be left, a title that is deleted meanwhile.
import { type BrowserContext, expect, type Page, test } from '@playwright/test'
import type { PlaybackStats } from '../client/playback/playback.ts'
import { clip } from './harness/clips.ts'
import { startServer, type TestServer } from './harness/server.ts'
import { watch } from './harness/viewer.ts'

let server: TestServer

test.beforeAll(async () => {
  server = await startServer()
})
test.afterAll(() => server.stop())

const film = (seconds: number) => clip({ seconds, format: 'webm', mbps: 3 })

test('where WebRTC is refused by policy it says so and plays to the end over HTTP', async ({
  context,
}) => {
  const media = await server.upload(film(16))
  await server.untilReady(media.id)
  await context.addInitScript(() => {
    window.RTCPeerConnection = class {
      constructor() {
        throw new DOMException('Disabled by policy.', 'NotAllowedError')
      }
    } as unknown as typeof RTCPeerConnection
  })
  const viewer = await watch(context, `${server.url}/watch/${media.id}`)
  await viewer.untilPhase('http')
  await expect(viewer.page.getByText(/allows no connections to other viewers/)).toBeVisible()
  await viewer.seek(10)
  await viewer.untilEnded()
  const stats = await viewer.stats()
  expect(stats).toMatchObject({ phase: 'http', swap: null, peers: 0 })
  expect(stats.bytes).toMatchObject({ peers: 0, wasted: 0 })
})

test('a browser that cannot write bytes as hex or Base64 shares all the same', async ({
  browser,
}) => {
  const media = await server.upload(film(16))
  await server.untilReady(media.id)
  const contexts: BrowserContext[] = []
  const arrive = async () => {
    const context = await browser.newContext()
    contexts.push(context)
    await context.addInitScript(() => {
      for (const name of ['toBase64', 'toHex', 'setFromBase64', 'setFromHex']) {
        Reflect.deleteProperty(Uint8Array.prototype, name)
      }
      for (const name of ['fromBase64', 'fromHex']) Reflect.deleteProperty(Uint8Array, name)
    })
    return watch(context, `${server.url}/watch/${media.id}`)
  }
  const a = await arrive()
  await a.untilPhase('swarm')
  await a.untilFilled()
  const b = await arrive()
  await b.untilPhase('swarm')
  await b.untilFilled()
  await b.seek(13)
  await b.untilEnded()
  expect((await b.stats()).bytes.peers).toBeGreaterThan(media.size / 2)
  for (const context of contexts) await context.close()
})

test.describe('"Try again" after the connection was lost', () => {
  /** Plays in the swarm, loses the server's media, and waits at second 50. */
  async function strand(context: BrowserContext) {
    const media = await server.upload(film(60), { title: 'The stranded one' })
    await server.untilReady(media.id)
    // A tracker that says nothing: leaving the swarm waits for its answer, and so takes a second.
    let announced = false
    await context.routeWebSocket(/\/announce/, (socket) => {
      socket.onMessage(() => {
        announced = true
      })
    })
    const viewer = await watch(context, `${server.url}/`, (page) =>
      page.getByRole('link', { name: media.title, exact: true }).first().click(),
    )
    await viewer.untilPhase('swarm')
    await expect.poll(() => announced).toBe(true)
    let down = true
    const asked: string[] = [] // of this title
    await context.route(/\/media\/[^/]+\/[^/]+$/, (route) => {
      const { pathname } = new URL(route.request().url())
      if (!pathname.startsWith('/media/')) return route.continue()
      if (pathname.includes(media.id)) asked.push(pathname)
      return down ? route.abort('connectionrefused') : route.continue()
    })
    await viewer.seek(50)
    const button = viewer.page.getByRole('button', { name: 'Try again' })
    await button.waitFor({ timeout: 20_000 })
    return {
      media,
      viewer,
      button,
      asked,
      restore: () => {
        down = false
      },
    }
  }

  const untilNotAsked = async (page: Page, asked: string[]) => {
    await page.waitForTimeout(1_000) // requests that were under way
    asked.length = 0
    await page.waitForTimeout(3_000) // longer than a request waits before it is tried again
    expect(asked).toEqual([])
  }

  test('pressed twice it starts over once, at the same second', async ({ context }) => {
    const { viewer, button, restore } = await strand(context)
    const before = (await viewer.recorded()).sources.filter((source) => source !== '').length
    await button.evaluate((element: HTMLElement) => {
      element.click()
      element.click()
    })
    restore() // not sooner, or it may go on by itself before it is pressed
    await viewer.untilPosition(50.5)
    expect((await viewer.video()).currentTime).toBeLessThan(58)
    const { sources } = await viewer.recorded()
    expect(sources.filter((source) => source !== '')).toHaveLength(before + 1)
    await viewer.untilPhase('swarm')
    await expect(button).toHaveCount(0)
    await expect(viewer.page.locator('video')).toHaveCount(1)
  })

  test('pressed while the page is left, it starts nothing', async ({ context }) => {
    const { viewer, button, asked, restore } = await strand(context)
    await button.evaluate((element: HTMLElement) => {
      element.click()
      history.back() // to the catalogue
    })
    await expect(viewer.page).toHaveURL(`${server.url}/`)
    await expect(viewer.page.locator('video')).toHaveCount(0)
    restore()
    await untilNotAsked(viewer.page, asked)
    expect(await viewer.presentSources()).toEqual([])
    expect(await viewer.stats()).toMatchObject({ firstFrameMs: null, pieces: { total: 0 } })
  })

  test('pressed while another title is opened, only that one plays', async ({ context }) => {
    const next = await server.upload(film(16), { title: 'The next one' })
    const { viewer, button, asked, restore } = await strand(context)
    await button.evaluate((element: HTMLElement) => {
      element.click()
      history.back()
    })
    await viewer.page.getByRole('link', { name: next.title, exact: true }).click()
    restore()
    await expect(viewer.page).toHaveURL(`${server.url}/watch/${next.id}`)
    await viewer.untilPosition(1)
    await expect(viewer.page.locator('video')).toHaveCount(1)
    await expect(viewer.page.locator('video')).toHaveAccessibleName(next.title)
    await untilNotAsked(viewer.page, asked)
    expect(await viewer.presentSources()).toEqual([(await viewer.video()).src])
  })
})

test('a swarm that is left keeps what it counted', async ({ browser }) => {
  const media = await server.upload(film(60))
  await server.untilReady(media.id)
  const contextA = await browser.newContext()
  const a = await watch(contextA, `${server.url}/watch/${media.id}`)
  await a.untilPhase('swarm')
  // Enough for B to be fed; all of it would take a third of the clip's length.
  const held = async () => (await a.stats()).pieces.have
  await expect.poll(held, { timeout: 20_000 }).toBeGreaterThan(30)

  const contextB = await browser.newContext()
  const b = await watch(contextB, `${server.url}/watch/${media.id}`)
  await b.untilPhase('swarm')
  await expect.poll(async () => (await b.stats()).bytes.peers).toBeGreaterThan(0)
  await b.page.evaluate(() => {
    const { stats } = Reflect.get(window, 'slipstream') as { stats(): PlaybackStats }
    const seen: PlaybackStats[] = []
    Object.assign(window, { seen })
    setInterval(() => seen.push(stats()), 5)
  })
  // The origin's file is another one from now on: what it sends fails verification, twice.
  await contextB.route(/\/media\/[^/]+\/[^/]+$/, async (route) => {
    if (!new URL(route.request().url()).pathname.startsWith('/media/')) return route.continue()
    const response = await route.fetch()
    const body = await response.body()
    return route.fulfill({ response, body: body.fill(0) })
  })
  await contextA.close()
  await b.seek(40)
  await b.untilPhase('http')
  await expect(b.page.getByText(/sharing with other viewers has failed/)).toBeAttached()
  await b.page.waitForTimeout(500)

  const seen = await b.page.evaluate(() => Reflect.get(window, 'seen') as PlaybackStats[])
  expect(seen.at(0)?.phase).toBe('swarm')
  const counts = ['placeholder', 'origin', 'peers', 'uploaded', 'wasted'] as const
  for (const [i, stats] of seen.entries()) {
    const before = seen[i - 1] ?? stats
    for (const name of counts) {
      expect(stats.bytes[name], name).toBeGreaterThanOrEqual(before.bytes[name])
    }
  }
  expect(seen.at(-1)?.bytes.peers).toBeGreaterThan(0)
  expect(seen.at(-1)?.bytes.wasted).toBeGreaterThan(0)
  expect(seen.at(-1)?.peers).toBe(0)
  await contextB.close()
})

test.describe('a title that is deleted while somebody who holds all of it watches', () => {
  test('says so within seconds and plays on', async ({ context }) => {
    const media = await server.upload(film(16))
    const viewer = await watch(context, `${server.url}/watch/${media.id}`)
    await viewer.untilPhase('swarm')
    await viewer.untilFilled()
    await server.remove(media.id)
    await expect(viewer.page.getByText('This title was deleted')).toBeVisible({ timeout: 5_000 })
    await expect(viewer.page.getByText('What has been loaded plays on.')).toBeVisible()
    await viewer.untilEnded()
    expect((await viewer.video()).error).toBeNull()
  })

  for (const pastime of ['hidden', 'paused'] as const) {
    test(`is not asked after while ${pastime}, and says so when watched again`, async ({
      context,
    }) => {
      await context.addInitScript(() => {
        let visibility: DocumentVisibilityState = 'visible'
        Object.defineProperty(document, 'visibilityState', { get: () => visibility })
        const show = (state: DocumentVisibilityState) => {
          visibility = state
          document.dispatchEvent(new Event('visibilitychange'))
        }
        Object.assign(window, { show })
      })
      const media = await server.upload(film(16))
      await server.untilReady(media.id) // so that events were not followed before the swap
      const viewer = await watch(context, `${server.url}/watch/${media.id}`)
      await viewer.untilPhase('swarm')
      await viewer.untilFilled()
      const turn = (away: boolean) =>
        viewer.page.locator('video').evaluate(
          async (video: HTMLVideoElement, { pastime, away }) => {
            if (pastime === 'hidden') Reflect.get(window, 'show')(away ? 'hidden' : 'visible')
            else if (away) video.pause()
            else await video.play()
          },
          { pastime, away },
        )
      const said = viewer.page.getByText('This title was deleted')
      await turn(true)
      await viewer.page.waitForTimeout(500)
      await server.remove(media.id)
      await viewer.page.waitForTimeout(2_000)
      await expect(said).toHaveCount(0)
      await turn(false)
      await expect(said).toBeVisible({ timeout: 5_000 })
    })
  }
})
