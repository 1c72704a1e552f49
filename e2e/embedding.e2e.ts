// The player on a company's own site, which is another one than the server's: by its element, by a
// plain frame, without JavaScript, and where it is not allowed. Long, since all of it goes by one server,
// one site and one set of helpers for the element, which the first picture needs as well.
import { expect, type FrameLocator, type Page, test } from '@playwright/test'
import type { MediaRecord } from '#protocol/media.ts'
import type { SlipstreamPlayerElement } from '../public/embed.d.ts'
import { clip } from './harness/clips.ts'
import { type CompanySite, startCompanySite } from './harness/company-site.ts'
import { hold } from './harness/hold.ts'
import { startServer, type TestServer } from './harness/server.ts'

let server: TestServer
let site: CompanySite
let film: MediaRecord
let other: MediaRecord

test.beforeAll(async () => {
  server = await startServer()
  film = await server.upload(clip({ seconds: 24, format: 'webm', mbps: 3 }), { title: 'A film' })
  other = await server.upload(clip({ seconds: 24, format: 'mp3', mbps: 1 }), { title: 'A song' })
  const script = `<script async type="module" src="${server.url}/embed.js"></script>`
  const fallback = `<video src="${film.webSeeds[0]}" controls preload="none"></video>`
  site = await startCompanySite(
    {
      '/': `${script}<slipstream-player id="player" media="${film.id}">${fallback}</slipstream-player>`,
      '/bare': script,
      '/later': `<slipstream-player media="${film.id}">${fallback}</slipstream-player>`,
      '/frame': `<iframe src="${server.url}/embed/${film.id}" width="640" height="360"></iframe>`,
      '/forger': `<script nonce="company">
        function forge(target, data, transfer) { target.postMessage(data, '*', transfer) }
      </script>`,
    },
    server.url,
  )
})
test.afterAll(async () => {
  await site.close()
  await server.stop()
})

const player = (page: Page) => page.locator('slipstream-player')
const frameOf = (page: Page): FrameLocator => page.frameLocator('slipstream-player iframe')
const on = <Result>(page: Page, act: (element: SlipstreamPlayerElement) => Result) =>
  player(page).evaluate(act as (element: Element) => Result)

/** Notes the names of the element's events from now on. */
async function listen(page: Page): Promise<() => Promise<string[]>> {
  await player(page).evaluate((element) => {
    const seen: string[] = []
    Object.assign(window, { seen })
    const names =
      'loadedmetadata durationchange play playing pause waiting timeupdate seeking seeked volumechange ratechange ended error stats'
    for (const name of names.split(' ')) element.addEventListener(name, () => seen.push(name))
  })
  return () => page.evaluate(() => Reflect.get(window, 'seen') as string[])
}

/** Adds a player to a page that has the script. */
async function add(page: Page, attributes: Record<string, string>, html = ''): Promise<void> {
  await page.evaluate(
    ([all, children]) => {
      const element = document.createElement('slipstream-player')
      for (const [name, value] of Object.entries(all)) element.setAttribute(name, value)
      element.innerHTML = children
      document.body.append(element)
    },
    [attributes, html] as const,
  )
}

async function put(path: string, method: string, body: unknown, headers = {}): Promise<Response> {
  return fetch(server.url + path, {
    method,
    headers: { Cookie: await server.signIn(), 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
}

test('the element is used like a <video>', async ({ page }) => {
  await page.goto(`${site.url}/later`)
  await expect(page.locator('slipstream-player > video')).toBeVisible()
  const seen = await listen(page)
  await page.addScriptTag({ type: 'module', url: `${server.url}/embed.js` })
  await expect.poll(() => on(page, (one) => one.readyState)).toBeGreaterThan(0)
  await expect(page.locator('slipstream-player > video')).toBeHidden()
  expect(
    await on(page, (one) => [
      one.paused,
      one.videoWidth,
      one.videoHeight,
      Math.round(one.duration),
    ]),
  ).toEqual([true, 640, 360, 24])
  await expect(page.locator('slipstream-player iframe')).toHaveAttribute('title', 'A film')

  await on(page, (one) => {
    one.muted = true
    return one.play()
  })
  expect(await on(page, (one) => one.paused)).toBe(false)
  await expect.poll(() => on(page, (one) => one.currentTime)).toBeGreaterThan(0.5)
  expect(
    await frameOf(page)
      .locator('video')
      .evaluate((one: HTMLVideoElement) => one.muted),
  ).toBe(true)
  const stats = await on(page, (one) => one.stats())
  expect(stats.firstFrameMs).toBeGreaterThan(0)
  expect(stats.pieces.total).toBeGreaterThan(0)
  expect(await on(page, (one) => one.buffered.end(0))).toBeGreaterThan(0.5)

  const set = await on(page, (one) => {
    one.volume = 0.25
    one.playbackRate = 2
    one.currentTime = 20
    return [one.volume, one.playbackRate, Math.floor(one.currentTime)]
  })
  expect(set).toEqual([0.25, 2, 20]) // at once, though the frame has not heard of it
  await expect.poll(() => on(page, (one) => one.ended)).toBe(true)
  await on(page, (one) => {
    one.currentTime = 3
    return one.play()
  })
  await on(page, (one) => one.pause())
  await expect.poll(() => on(page, (one) => one.paused)).toBe(true)
  const names = await seen()
  for (const name of [
    'loadedmetadata',
    'durationchange',
    'play',
    'playing',
    'timeupdate',
    'stats',
  ]) {
    expect(names).toContain(name)
  }
  for (const name of ['volumechange', 'ratechange', 'seeking', 'seeked', 'ended', 'pause']) {
    expect(names).toContain(name)
  }
  expect(names).not.toContain('error')
  expect(await on(page, (one) => one.error)).toBeNull()
  const wrong = await on(page, (one) => {
    try {
      one.volume = 3
    } catch (error) {
      return (error as DOMException).name
    }
  })
  expect(wrong).toBe('IndexSizeError')
})

test('what is set and called before the player is there is done once it is', async ({ page }) => {
  await page.goto(`${site.url}/later`)
  await player(page).evaluate((element) => {
    Object.assign(element, { muted: true, currentTime: 12, loop: true }) // not upgraded yet
  })
  await page.addScriptTag({ type: 'module', url: `${server.url}/embed.js` })
  await page.evaluate(() => customElements.whenDefined('slipstream-player'))
  expect(await on(page, (one) => [one.muted, one.currentTime, one.loop])).toEqual([true, 12, true])
  await on(page, (one) => one.play())
  await expect.poll(() => on(page, (one) => one.currentTime)).toBeGreaterThan(12.3)
  const video = frameOf(page).locator('video')
  expect(await video.evaluate((one: HTMLVideoElement) => [one.muted, one.loop])).toEqual([
    true,
    true,
  ])
  // What the company's page wants is not what the viewer chose.
  const remembered = await video.evaluate(() => localStorage.getItem('slipstream-player'))
  expect(remembered ?? '"muted":false').toContain('"muted":false')
})

test('several players on one page, one of them removed, put in again and given another title', async ({
  page,
}) => {
  await page.goto(`${site.url}/bare`)
  await add(page, { id: 'one', media: film.id, muted: '', autoplay: '' })
  await add(page, { id: 'two', media: other.id, muted: '', width: '400', height: '200' })
  const state = (id: string) =>
    page.evaluate((name) => {
      const element = document.getElementById(name) as SlipstreamPlayerElement
      return { position: element.currentTime, paused: element.paused, ready: element.readyState }
    }, id)
  await expect.poll(async () => (await state('one')).position).toBeGreaterThan(0.5)
  await expect.poll(async () => (await state('two')).ready).toBeGreaterThan(0)
  expect(await state('two')).toMatchObject({ paused: true, position: 0 })
  expect(await page.locator('#two').boundingBox()).toMatchObject({ width: 400, height: 200 })

  await page.evaluate(() => {
    const one = document.getElementById('one') as SlipstreamPlayerElement
    Object.assign(window, { one })
    one.remove()
  })
  expect(page.frames()).toHaveLength(2)
  await page.evaluate(() => {
    const one = Reflect.get(window, 'one') as SlipstreamPlayerElement
    document.body.append(one)
  })
  await expect
    .poll(async () => (await state('one')).position, { timeout: 15_000 })
    .toBeGreaterThan(0.2)
  const outcome = await page.evaluate(async (id) => {
    const one = Reflect.get(window, 'one') as SlipstreamPlayerElement
    const asked = one.stats().then(
      () => 'answered',
      (error: DOMException) => error.name,
    )
    one.media = id
    const { paused, readyState } = one
    return [await asked, paused, readyState]
  }, other.id)
  expect(outcome).toEqual(['AbortError', true, 0])
  await expect.poll(async () => (await state('one')).position).toBeGreaterThan(0.2)
  await expect(page.locator('#one iframe')).toHaveAttribute('title', 'A song')
})

test('with preload="none" nothing is loaded before somebody presses play', async ({ page }) => {
  const requested: string[] = []
  page.on('request', (request) => requested.push(new URL(request.url()).pathname))
  await page.goto(`${site.url}/bare`)
  await add(page, { media: film.id, preload: 'none', muted: '', 'aria-label': 'Our film' })
  await page.getByRole('button', { name: 'Play: Our film' }).waitFor()
  expect(requested.filter((path) => path.startsWith('/embed/'))).toEqual([])
  await page.getByRole('button', { name: 'Play: Our film' }).click()
  await expect.poll(() => on(page, (one) => one.currentTime)).toBeGreaterThan(0.3)
})

test.describe('with a <video> within that may load', () => {
  const early = (page: Page) => page.locator('slipstream-player > video')
  const video = () => `<video src="${film.webSeeds[0]}" preload="metadata" muted controls></video>`
  const ofVideo = <Result>(page: Page, act: (one: HTMLVideoElement) => Result) =>
    early(page).evaluate(act as (element: Element) => Result)
  /** Opens a page whose player comes no sooner than `letIn` is called. */
  const openHeld = async (page: Page, path: string) => {
    const letIn = await hold(page, '**/embed/*')
    await page.goto(site.url + path)
    return letIn
  }
  /**
   * A page with a player and without the script, whose video is begun before the script comes.
   * @returns where it is, in seconds, or was a moment ago
   */
  const beginBefore = async (page: Page) => {
    await ofVideo(page, (one) => {
      one.preload = 'auto'
      one.muted = true
      one.currentTime = 6
      one.focus()
      return one.play()
    })
    await expect.poll(() => ofVideo(page, (one) => one.currentTime)).toBeGreaterThan(6.3)
    const place = await ofVideo(page, (one) => one.currentTime)
    await page.addScriptTag({ type: 'module', url: `${server.url}/embed.js` })
    return place
  }

  /** The still picture over the frame. */
  const picture = (page: Page) => page.locator('slipstream-player canvas')
  const isLoading = (page: Page) =>
    ofVideo(page, (one) => one.networkState === one.NETWORK_LOADING || one.readyState > 0)

  test('its picture is shown until the player has one, and it loads no more than that', async ({
    page,
  }) => {
    const letIn = await openHeld(page, '/bare')
    const readable = video().replace('<video', '<video crossorigin')
    await add(page, { media: film.id }, `${readable}<p>No</p>`)
    await expect(picture(page)).toBeVisible()
    const colours = await picture(page).evaluate((one: HTMLCanvasElement) => {
      const { data } = one.getContext('2d')?.getImageData(0, 0, one.width, one.height) ?? {}
      return [one.width, one.height, new Set(new Uint32Array(data?.buffer ?? [])).size]
    })
    expect(colours.slice(0, 2)).toEqual([640, 360])
    expect(colours[2]).toBeGreaterThan(100)
    expect(await isLoading(page)).toBe(false)
    await expect(page.locator('slipstream-player > p')).toBeHidden()
    letIn()
    await expect(picture(page)).toBeHidden()
    expect(await isLoading(page)).toBe(false)
    expect(await on(page, (one) => [one.readyState >= 2, one.currentTime, one.paused])).toEqual([
      true,
      0,
      true,
    ])
  })

  test('a picture that the page has for it is shown, and nothing is loaded for it', async ({
    page,
  }) => {
    await openHeld(page, '/bare')
    const requests: string[] = []
    page.on('request', (request) => requests.push(request.url()))
    await add(page, { media: film.id }, video().replace('<video', `<video poster="/poster.png"`))
    await expect(early(page)).toBeVisible()
    await expect.poll(() => requests.some((url) => url.endsWith('/poster.png'))).toBe(true)
    expect(await isLoading(page)).toBe(false)
    expect(requests.filter((url) => url === film.webSeeds[0])).toEqual([])
  })

  test('the player waits for it, for a moment', async ({ page }) => {
    const letCome = await hold(page, '**/slow.webm')
    await page.goto(`${site.url}/bare`)
    const slow = video().replace(film.webSeeds[0] as string, `${server.url}/slow.webm`)
    const waited = () =>
      page.evaluate(async () => {
        const from = performance.now()
        const frame = () =>
          document.querySelector('slipstream-player')?.shadowRoot?.querySelector('iframe')
        while (!frame()) await new Promise((resolve) => setTimeout(resolve, 10))
        return performance.now() - from
      })
    const [ms] = await Promise.all([waited(), add(page, { media: film.id, muted: '' }, slow)])
    expect(ms).toBeGreaterThanOrEqual(250)
    expect(ms).toBeLessThan(1000)
    await on(page, (one) => one.play())
    await expect.poll(() => on(page, (one) => one.currentTime)).toBeGreaterThan(0.3)
    expect(await isLoading(page)).toBe(false)
    letCome()
  })

  test('it covers nothing that the player has to say, nor what somebody goes to by key', async ({
    page,
  }) => {
    // The page's own <video> gets the film, the player does not.
    await page.route(`${film.webSeeds[0]?.split('?')[0]}*`, (route) =>
      route.request().frame() === page.mainFrame() ? route.continue() : undefined,
    )
    await page.goto(`${site.url}/bare`)
    await add(page, { media: film.id }, video())
    await expect(picture(page)).toBeVisible()
    await expect(page.locator('slipstream-player iframe')).toBeAttached()
    await expect(async () => {
      await page.keyboard.press('Tab')
      await expect(picture(page)).toBeHidden({ timeout: 500 })
    }).toPass({ timeout: 4_000 }) // sooner than it would end by itself
    await player(page).evaluate((one) => one.remove())
    await add(page, { media: film.id }, video())
    await expect(picture(page)).toBeVisible()
    await expect(picture(page)).toBeHidden({ timeout: 15_000 })
  })

  test('a focus that has gone elsewhere is left there', async ({ page }) => {
    await hold(page, '**/slow.webm')
    await page.goto(`${site.url}/bare`)
    const slow = video().replace(film.webSeeds[0] as string, `${server.url}/slow.webm`)
    await page.evaluate(
      ([id, html]) => {
        document.body.innerHTML = '<input />'
        const element = document.createElement('slipstream-player')
        element.setAttribute('media', id)
        element.innerHTML = html
        element.querySelector('video')?.toggleAttribute('controls', true)
        document.body.append(element)
        element.querySelector('video')?.focus()
        document.querySelector('input')?.focus()
      },
      [film.id, slow] as const,
    )
    await expect(page.locator('slipstream-player iframe')).toBeAttached()
    expect(await page.evaluate(() => document.activeElement?.localName)).toBe('input')
  })

  test('a picture of the page stays, and nothing is loaded, also when the script comes late', async ({
    page,
  }) => {
    await openHeld(page, '/later')
    await ofVideo(page, (one) => {
      one.poster = '/poster.png'
      one.preload = 'auto'
    })
    await expect.poll(() => ofVideo(page, (one) => one.readyState)).toBeGreaterThanOrEqual(2)
    await page.addScriptTag({ type: 'module', url: `${server.url}/embed.js` })
    await expect.poll(() => isLoading(page)).toBe(false)
    await expect(early(page)).toBeVisible()
    await expect(picture(page)).toHaveCount(0)
  })

  test('where the player has its own, or is loaded by a press, it loads none', async ({ page }) => {
    await page.goto(`${site.url}/bare`)
    for (const attributes of [{ preload: 'none' }, { poster: '/poster.png' }]) {
      await add(page, { media: film.id, ...attributes }, video())
      await expect(early(page)).toBeHidden()
      expect(await isLoading(page)).toBe(false)
      await player(page).evaluate((one) => one.remove())
    }
  })

  test('whoever presses it starts the player', async ({ page }) => {
    const letIn = await openHeld(page, '/bare')
    await add(page, { media: film.id, muted: '' }, video())
    await picture(page).click()
    letIn()
    await expect.poll(() => on(page, (one) => one.currentTime)).toBeGreaterThan(0.3)
    await expect(picture(page)).toBeHidden()
    expect(await ofVideo(page, (one) => one.paused)).toBe(true)
  })

  test('who has begun to watch it goes on in the player, at the same place', async ({ page }) => {
    const letIn = await openHeld(page, '/later')
    const place = await beginBefore(page)
    await expect(picture(page)).toBeVisible()
    expect(await page.evaluate(() => document.activeElement?.localName)).toBe('slipstream-player')
    const seen = await listen(page)
    letIn()
    await expect.poll(() => on(page, (one) => one.currentTime)).toBeGreaterThan(place + 0.3)
    expect(await on(page, (one) => one.currentTime)).toBeLessThan(place + 5)
    await expect(picture(page)).toBeHidden()
    expect(await seen()).not.toContain('error')
  })

  test('it plays on when there is no player', async ({ page }) => {
    await page.route('**/embed/*', (route) => route.abort())
    await page.goto(`${site.url}/later`)
    await beginBefore(page)
    await expect.poll(() => on(page, (one) => one.error?.code)).toBe('no_player')
    await expect(early(page)).toBeVisible()
    await expect.poll(() => ofVideo(page, (one) => one.currentTime)).toBeGreaterThan(6.8)
    expect(await ofVideo(page, (one) => one.controls)).toBe(true)
  })

  test('one that the parser finds later is shown too, and plays nothing beside the player', async ({
    page,
  }) => {
    const letIn = await openHeld(page, '/bare')
    await add(page, { media: film.id, autoplay: '', muted: '' })
    await expect(page.locator('slipstream-player iframe')).toBeAttached()
    await player(page).evaluate((element, html) => {
      element.innerHTML = html.replace('preload="metadata"', 'autoplay')
    }, video())
    await expect(picture(page)).toBeVisible()
    expect(await ofVideo(page, (one) => one.paused)).toBe(true)
    letIn()
    await expect.poll(() => on(page, (one) => one.currentTime)).toBeGreaterThan(0.3)
    await expect(picture(page)).toBeHidden()
    expect(await ofVideo(page, (one) => one.paused)).toBe(true)
  })

  test('another title does not keep its picture', async ({ page }) => {
    await openHeld(page, '/bare')
    await add(page, { media: film.id }, video())
    await expect(picture(page)).toBeVisible()
    await player(page).evaluate((element, id) => element.setAttribute('media', id), other.id)
    await expect(picture(page)).toBeHidden()
  })
})

test('forged messages connect nobody and change nothing', async ({ page }) => {
  await page.goto(site.url)
  await on(page, (one) => {
    one.muted = true
    return one.play()
  })
  const before = await on(page, (one) => one.volume)
  await page.evaluate(async () => {
    const sibling = document.createElement('iframe')
    sibling.src = '/forger'
    document.body.append(sibling)
    await new Promise((resolve) => sibling.addEventListener('load', resolve))
    const forge = Reflect.get(sibling.contentWindow as Window, 'forge')
    const element = document.querySelector('slipstream-player')
    const frame = element?.shadowRoot?.querySelector('iframe')?.contentWindow
    const { port1, port2 } = new MessageChannel()
    const heard: unknown[] = []
    port1.onmessage = ({ data }) => heard.push(data)
    // A neighbour would like to be connected, and to have the element connect to it.
    forge(frame, 'slipstream-embed-connect', [port2])
    port1.postMessage({ type: 'set', id: 1, settings: { volume: 0 } })
    forge(window, 'slipstream-embed-ready')
    window.postMessage('slipstream-embed-ready', '*')
    window.postMessage({ type: 'state', event: 'ended', state: {} }, '*')
    frame?.postMessage({ type: 'pause', id: 1 }, '*')
    frame?.postMessage('slipstream-embed-connect', '*') // without a port
    await new Promise((resolve) => setTimeout(resolve, 500))
    Object.assign(window, { heard })
  })
  expect(await page.evaluate(() => Reflect.get(window, 'heard'))).toEqual([])
  expect(await on(page, (one) => [one.volume, one.paused, one.ended])).toEqual([
    before,
    false,
    false,
  ])
  await on(page, (one) => one.pause()) // still connected
  await expect.poll(() => on(page, (one) => one.paused)).toBe(true)
})

test('a plain frame obeys the page around it, and passes over what is no command', async ({
  page,
}) => {
  await page.goto(`${site.url}/frame`)
  const video = page.frameLocator('iframe').locator('video')
  await video.waitFor()
  const heard = await page.evaluate(async () => {
    const frame = document.querySelector('iframe')?.contentWindow
    const { port1, port2 } = new MessageChannel()
    const types: string[] = []
    port1.onmessage = ({ data }) => types.push(data.type)
    frame?.postMessage('slipstream-embed-connect', '*', [port2])
    const junk = [null, 7, 'play', {}, { type: 'eval', id: 1 }, { type: 'play' }, []]
    const wrong = { type: 'set', id: 1, settings: { volume: 9, muted: 'yes' } }
    for (const one of [...junk, wrong]) port1.postMessage(one)
    port1.postMessage({ type: 'set', id: 1, settings: { muted: true, volume: 0.5 } })
    await new Promise((resolve) => setTimeout(resolve, 500))
    return types.filter((type) => type !== 'stats')
  })
  expect(heard[0]).toBe('connected')
  expect(new Set(heard)).toEqual(new Set(['connected', 'state']))
  const state = await video.evaluate((one: HTMLVideoElement) => [one.muted, one.volume, one.paused])
  expect(state).toEqual([true, 0.5, true])
})

test('the address of a frame says how it is to be played', async ({ page }) => {
  await page.goto(`${server.url}/embed/${film.id}?autoplay&muted&loop&t=9&controls=0`)
  const video = page.locator('video')
  const state = () =>
    video.evaluate((one: HTMLVideoElement) => ({
      muted: one.muted,
      loop: one.loop,
      position: one.currentTime,
    }))
  await expect.poll(async () => (await state()).position).toBeGreaterThan(9.2)
  expect(await state()).toMatchObject({ muted: true, loop: true })
  const shown = page.getByRole('region', { name: 'Player: A film' })
  await expect(shown.getByRole('button', { name: 'Sharing settings' })).toBeAttached()
  await expect(shown.getByRole('button', { name: 'play' })).toHaveCount(0)
})

test('a site that is not allowed gets an error, and what it has instead is shown', async ({
  page,
}) => {
  const fallback = page.locator('slipstream-player > video')
  const open = async () => {
    await page.goto(site.url)
    return listen(page)
  }
  const allow = async (path: string, method: string, embedSites: string[] | null) => {
    expect((await put(path, method, { embedSites })).status).toBe(200)
  }
  const policy = async () =>
    /frame-ancestors [^;]*/.exec(
      (await fetch(`${server.url}/embed/${film.id}`)).headers.get('content-security-policy') ?? '',
    )?.[0]
  await allow('/api/settings', 'PUT', ['https://partner.example'])
  try {
    expect(await policy()).toBe("frame-ancestors 'self' https://partner.example")
    const seen = await open()
    await expect(fallback).toBeVisible()
    expect(await seen()).toEqual(['error'])
    const error = await on(page, (one) => one.error)
    expect(error?.code).toBe('no_player')
    expect(error?.message).toContain('may embed the title')

    // The title's own list counts more than that for all.
    await allow(`/api/media/${film.id}`, 'PATCH', [site.url])
    expect(await policy()).toBe(`frame-ancestors 'self' ${site.url}`)
    await open()
    await expect.poll(() => on(page, (one) => one.readyState)).toBeGreaterThan(0)
    await expect(fallback).toBeHidden()
    await allow(`/api/media/${film.id}`, 'PATCH', [])
    expect(await policy()).toBe("frame-ancestors 'self'")
  } finally {
    await allow('/api/settings', 'PUT', null)
    await allow(`/api/media/${film.id}`, 'PATCH', null)
  }
  expect(await policy()).toBe('frame-ancestors *')
})

test('a title by its URL plays; one that is not to be had says why', async ({ page }) => {
  await page.goto(`${site.url}/bare`)
  await add(page, { src: film.webSeeds[0] as string, muted: '', autoplay: '' })
  await expect.poll(() => on(page, (one) => one.currentTime)).toBeGreaterThan(0.3)

  for (const [query, status, code] of [
    ['url=https%3A%2F%2Felsewhere.example%2Ffilm.mp4', 403, 'source_not_allowed'],
    ['url=nothing', 400, 'bad_request'],
    ['', 404, 'not_found'],
  ] as const) {
    const response = await fetch(`${server.url}/embed?${query}`)
    expect([response.status, response.headers.get('content-type')]).toEqual([
      status,
      'text/html; charset=utf-8',
    ])
    expect(await response.text()).toContain(`"failure":{"code":"${code}"`)
  }
  await page.goto(`${site.url}/bare`)
  await add(page, { src: 'https://elsewhere.example/film.mp4' })
  await expect(frameOf(page).getByRole('alert')).toContainText('elsewhere.example are not allowed')
  await expect.poll(() => on(page, (one) => one.error?.code)).toBe('source_not_allowed')
  await page.evaluate((html) => {
    const element = document.querySelector('slipstream-player')
    if (element) element.innerHTML = html
  }, '<p>Ask us for the film.</p>')
  await on(page, (one) => {
    one.src = 'https://elsewhere.example/another.mp4'
  })
  await expect(page.getByText('Ask us for the film.')).toBeVisible()
})

test('play() that the browser refuses is refused with the same name', async ({ page }) => {
  // Headless Chromium lets everything play, whatever its flags say: this is how others refuse.
  await page.addInitScript(() => {
    const { play } = HTMLMediaElement.prototype
    HTMLMediaElement.prototype.play = async function () {
      if (this.muted) return play.call(this)
      throw new DOMException('play() failed because nobody pressed anything.', 'NotAllowedError')
    }
  })
  await page.goto(`${site.url}/bare`)
  await add(page, { media: film.id })
  const attempt = () =>
    on(page, (one) =>
      one.play().then(
        () => 'plays',
        ({ name, message }: DOMException) => `${name}: ${message}`,
      ),
    )
  expect(await attempt()).toBe('NotAllowedError: play() failed because nobody pressed anything.')
  expect(await on(page, (one) => one.paused)).toBe(true)
  await on(page, (one) => {
    one.muted = true
  })
  expect(await attempt()).toBe('plays')
})

test('without JavaScript there is a plain <video> with the source everywhere', async ({
  browser,
}) => {
  const context = await browser.newContext({ javaScriptEnabled: false })
  const page = await context.newPage()
  for (const url of [
    site.url,
    `${server.url}/embed/${film.id}`,
    `${server.url}/watch/${film.id}`,
  ]) {
    await page.goto(url)
    const video = page.locator('video')
    await expect(video).toBeVisible()
    await expect(video).toHaveAttribute('src', film.webSeeds[0] as string)
  }
  await expect(page.getByRole('heading', { name: 'A film' })).toBeVisible()
  await context.close()
})

test('oEmbed, tags for previews and the script are there for programs of any site', async () => {
  const watch = `${server.url}/watch/${film.id}`
  const oembed = async (query: string) => {
    const response = await fetch(`${server.url}/oembed?${query}`)
    return { status: response.status, headers: response.headers, body: await response.json() }
  }
  const page = await (await fetch(watch)).text()
  const link = /application\/json\+oembed"[^>]* href="([^"]+)"/.exec(page)?.[1] ?? ''
  const discovered = await fetch(link.replaceAll('&#38;', '&'))
  expect(discovered.headers.get('access-control-allow-origin')).toBe('*')
  expect(await discovered.json()).toMatchObject({
    version: '1.0',
    type: 'video',
    title: 'A film',
    width: 640,
    height: 360,
    html: expect.stringContaining(`<iframe src="${server.url}/embed/${film.id}"`),
  })
  const query = `url=${encodeURIComponent(watch)}`
  expect((await oembed(`${query}&maxwidth=320&maxheight=90`)).body).toMatchObject({
    width: 160,
    height: 90,
  })
  expect((await oembed(`${query}&format=xml`)).status).toBe(501)
  expect((await oembed(`${query}&maxwidth=wide`)).status).toBe(400)
  for (const url of [
    '',
    'x',
    watch.replace(film.id, '0'.repeat(16)),
    `${site.url}/watch/${film.id}`,
  ]) {
    expect((await oembed(`url=${encodeURIComponent(url)}`)).status, url).toBe(404)
  }
  await put(`/api/media/${film.id}`, 'PATCH', { embedSites: [] })
  expect((await oembed(query)).status).toBe(403)
  await put(`/api/media/${film.id}`, 'PATCH', { embedSites: null, title: '"A" <film>' })
  const renamed = await (await fetch(watch)).text()
  expect(renamed).toContain('<meta property="og:title" content="&#34;A&#34; &#60;film&#62;" />')
  expect(renamed).toContain(
    `<meta name="twitter:player" content="${server.url}/embed/${film.id}" />`,
  )
  expect(renamed).not.toContain('<film>')
  await put(`/api/media/${film.id}`, 'PATCH', { title: 'A film' })

  for (const file of ['embed.js', 'embed.d.ts']) {
    const { status, headers } = await fetch(`${server.url}/${file}`)
    expect(status).toBe(200)
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(headers.get('cross-origin-resource-policy')).toBe('cross-origin')
    expect(headers.get('cache-control')).toBe('public, max-age=300, stale-while-revalidate=604800')
    expect(headers.get('etag')).not.toBeNull()
    expect(headers.get('content-type')).toMatch(/^text\/(javascript|plain); charset=utf-8/i)
  }
  const compressed = await fetch(`${server.url}/embed.js`, { headers: { 'Accept-Encoding': 'br' } })
  expect(Number(compressed.headers.get('content-length'))).toBeLessThan(7_000)
})

test('the settings are for who is signed in, and for nobody else', async () => {
  const settings = `${server.url}/api/settings`
  expect((await fetch(settings)).status).toBe(401)
  const headers = { Cookie: await server.signIn() }
  expect(await (await fetch(settings, { headers })).json()).toEqual({ embedSites: null })
  expect((await fetch(settings, { method: 'PUT' })).status).toBe(401)
  for (const body of [
    {},
    { embedSites: 'all' },
    { embedSites: ['*'] },
    { embedSites: ["a' b"] },
    [],
  ]) {
    const answer = await put('/api/settings', 'PUT', body)
    expect([answer.status, (await answer.json()).error.code]).toEqual([400, 'bad_request'])
  }
  const foreign = await put('/api/settings', 'PUT', { embedSites: [] }, { Origin: site.url })
  expect(foreign.status).toBe(403)
  expect(await (await fetch(settings, { headers })).json()).toEqual({ embedSites: null })
})
