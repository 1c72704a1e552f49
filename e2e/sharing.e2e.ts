// The viewer's say and the publisher's switches, in real browsers: nothing goes to or comes from
// other viewers unless both want it, and changing one's mind takes effect at once.
import { type BrowserContext, expect, type Page, test } from '@playwright/test'
import { WebSocket } from 'ws'
import type { MediaRecord } from '#protocol/media.ts'
import { clip } from './harness/clips.ts'
import { ADMIN, startServer, type TestServer } from './harness/server.ts'
import { agreed, statsOf, type Viewer, watch } from './harness/viewer.ts'

let server: TestServer
let media: MediaRecord

test.beforeAll(async () => {
  server = await startServer({ P2P_DEFAULT: 'ask' })
  media = await server.upload(clip({ seconds: 16, format: 'webm', mbps: 3 }))
  await server.untilReady(media.id)
})
test.afterAll(() => server.stop())
test.afterEach(async () => {
  await edit({ p2p: { enabled: true, minViewers: 1 } })
})

async function edit(body: object): Promise<Response> {
  return fetch(`${server.url}/api/media/${media.id}`, {
    method: 'PATCH',
    headers: { 'Content-Type': 'application/json', Cookie: await server.signIn() },
    body: JSON.stringify(body),
  })
}

const watchUrl = () => `${server.url}/watch/${media.id}`
const question = (page: Page) => page.getByRole('region', { name: 'Sharing with other viewers' })
const yes = (page: Page) => page.getByRole('button', { name: 'Share and save bandwidth' }).click()
const no = (page: Page) => page.getByRole('button', { name: 'No, server only' }).click()
const openSettings = (page: Page) => page.getByRole('button', { name: 'Sharing settings' }).click()
const sharingSwitch = (page: Page) => page.getByRole('switch', { name: 'Share with other viewers' })

/** Counts the connections that pages of the context open to the tracker, and those open still. */
function countSockets(context: BrowserContext): { opened: number; open: number } {
  const count = { opened: 0, open: 0 }
  context.on('page', (page) =>
    page.on('websocket', (socket) => {
      count.opened += 1
      count.open += 1
      socket.on('close', () => {
        count.open -= 1
      })
    }),
  )
  return count
}

/** What the browser says of the connection; `changeConnection` changes it later. */
async function connected(context: BrowserContext, facts: object): Promise<void> {
  await context.addInitScript((told) => {
    const connection = Object.assign(new EventTarget(), told)
    Object.defineProperty(navigator, 'connection', { value: connection })
  }, facts)
}
const changeConnection = (page: Page, facts: object) =>
  page.evaluate((told) => {
    const { connection } = navigator as unknown as { connection: EventTarget }
    Object.assign(connection, told)
    connection.dispatchEvent(new Event('change'))
  }, facts)

test('before the answer it plays from the server and tells no tracker; "no" holds for good', async ({
  context,
}) => {
  const sockets = countSockets(context)
  const viewer = await watch(context, watchUrl())
  await expect(question(viewer.page)).toContainText('see each other’s internet address')
  await viewer.untilPosition(5)
  expect((await viewer.stats()).phase).toBe('http')
  expect(sockets.opened).toBe(0)
  await no(viewer.page)
  await expect(question(viewer.page)).toHaveCount(0)
  await expect(viewer.page.getByText('Playing from the server, as you chose.')).toBeVisible()
  await viewer.page.reload()
  await viewer.untilPosition(2)
  await expect(viewer.page.getByRole('button', { name: 'Sharing settings' })).toBeVisible()
  await expect(question(viewer.page)).toHaveCount(0)
  await viewer.seek(12)
  await viewer.untilEnded()
  expect(await viewer.stats()).toMatchObject({ phase: 'http', swap: null, stalls: 0 })
  expect(sockets.opened).toBe(0)
})

test('"yes" joins at once and is remembered; the switch really leaves, and comes back', async ({
  browser,
}) => {
  const contextA = await browser.newContext()
  const a = await watch(contextA, watchUrl())
  await yes(a.page)
  await a.untilPhase('swarm')
  await a.page.reload()
  await a.untilPhase('swarm')
  await expect(question(a.page)).toHaveCount(0)

  const contextB = await browser.newContext()
  const sockets = countSockets(contextB)
  const b = await watch(contextB, watchUrl())
  await yes(b.page)
  await a.untilPeers(1, 40_000)
  expect(sockets.open).toBe(1)
  await b.untilFilled()
  await openSettings(b.page)
  await expect(sharingSwitch(b.page)).toBeFocused()
  await b.page.keyboard.press('Space')
  await b.untilPhase('http')
  expect((await b.stats()).peers).toBe(0)
  await a.untilPeers(0, 40_000)
  await expect.poll(() => sockets.open).toBe(0)
  await b.page.waitForTimeout(3_000)
  expect(await a.stats()).toMatchObject({ peers: 0 })

  const before = await b.stats()
  await b.page.keyboard.press('Space')
  await b.untilPhase('swarm')
  await a.untilPeers(1, 40_000)
  const after = await b.stats()
  expect(after.swap?.piecesReused).toBe(after.pieces.total)
  expect(after.bytes).toMatchObject({
    placeholder: before.bytes.placeholder,
    origin: before.bytes.origin,
  })
  expect(after.bytes.peers).toBeGreaterThanOrEqual(before.bytes.peers)
  expect((await b.recorded()).sources).toHaveLength(1)
  await b.page.keyboard.press('Escape')
  await expect(b.page.getByRole('button', { name: 'Sharing settings' })).toBeFocused()
  await contextA.close()
  await contextB.close()
})

test('where storage is refused the answer holds for the page', async ({ context }) => {
  await context.addInitScript(() => {
    for (const name of ['localStorage', 'sessionStorage']) {
      Object.defineProperty(window, name, {
        get() {
          throw new DOMException('no', 'SecurityError')
        },
      })
    }
  })
  const viewer = await watch(context, watchUrl())
  await yes(viewer.page)
  await viewer.untilPhase('swarm')
  await expect(question(viewer.page)).toHaveCount(0)
})

test('another tab of the same browser follows', async ({ context }) => {
  const one = await watch(context, watchUrl())
  const two = await watch(context, watchUrl())
  await yes(one.page)
  await two.untilPhase('swarm')
  await openSettings(two.page)
  await sharingSwitch(two.page).click()
  await one.untilPhase('http')
})

test('embedded it asks and has its settings as well', async ({ context }) => {
  const viewer = await watch(context, `${server.url}/embed/${media.id}`)
  await viewer.untilPosition(2)
  expect((await viewer.stats()).phase).toBe('http')
  await yes(viewer.page)
  await viewer.untilPhase('swarm')
  await openSettings(viewer.page)
  await sharingSwitch(viewer.page).click()
  await viewer.untilPhase('http')
})

test('an embedded player that nobody starts shows its first frame, and meets nobody', async ({
  context,
}) => {
  await agreed(context)
  const sockets = countSockets(context)
  const page = await context.newPage()
  await page.goto(`${server.url}/embed/${media.id}`)
  await expect.poll(async () => (await statsOf(page)).firstFrameMs).not.toBeNull()
  await page.waitForTimeout(3_000)
  const { pieces, phase } = await statsOf(page)
  expect(pieces.have).toBeLessThanOrEqual(4) // of 24
  expect([phase, sockets.opened]).toEqual(['placeholder', 0])
  await page.locator('video').evaluate((video: HTMLVideoElement) => {
    video.muted = true
    return video.play()
  })
  await expect.poll(async () => (await statsOf(page)).phase).toBe('swarm')
  await expect
    .poll(async () => (await statsOf(page)).pieces.have, { timeout: 20_000 })
    .toBe(pieces.total)
})

test.describe('without being asked', () => {
  test.afterEach(() => server.restart({ P2P_DEFAULT: 'ask' }))

  test('P2P_DEFAULT=off shares only with those who switch it on', async ({ context }) => {
    await server.restart({ P2P_DEFAULT: 'off' })
    const sockets = countSockets(context)
    const viewer = await watch(context, watchUrl())
    await viewer.untilPosition(3)
    expect(await viewer.stats()).toMatchObject({ phase: 'http' })
    await expect(question(viewer.page)).toHaveCount(0)
    expect(sockets.opened).toBe(0)
    await openSettings(viewer.page)
    await sharingSwitch(viewer.page).click()
    await viewer.untilPhase('swarm')
  })

  test('P2P_DEFAULT=on shares until it is switched off', async ({ context }) => {
    await server.restart({ P2P_DEFAULT: 'on' })
    const viewer = await watch(context, watchUrl())
    await viewer.untilPhase('swarm')
    await openSettings(viewer.page)
    await sharingSwitch(viewer.page).click()
    await viewer.untilPhase('http')
    await viewer.page.reload()
    await viewer.untilPosition(2)
    expect((await viewer.stats()).phase).toBe('http')
  })
})

for (const facts of [{ saveData: true }, { type: 'cellular' }]) {
  test(`with ${JSON.stringify(facts)} peers send and are sent nothing, until that changes`, async ({
    browser,
  }) => {
    test.setTimeout(240_000) // four viewers, one after the other
    const enter = async (prepare?: (context: BrowserContext) => Promise<void>) => {
      const context = await browser.newContext()
      await agreed(context)
      await prepare?.(context)
      return { context, viewer: await watch(context, watchUrl()) }
    }
    const seeder = await enter()
    await seeder.viewer.untilFilled()
    const saver = await enter((context) => connected(context, facts))
    await saver.viewer.untilFilled()
    expect((await saver.viewer.stats()).bytes.peers).toBeGreaterThan(0)
    await seeder.context.close()

    const unlucky = await enter()
    await unlucky.viewer.untilPeers(1, 40_000)
    await unlucky.viewer.untilFilled()
    expect((await unlucky.viewer.stats()).bytes.peers).toBe(0)
    expect((await saver.viewer.stats()).bytes.uploaded).toBe(0)
    await openSettings(saver.viewer.page)
    await expect(saver.viewer.page.getByText(/nothing is uploaded/)).toBeVisible()
    await unlucky.context.close()
    await saver.viewer.untilPeers(0, 40_000)

    await changeConnection(saver.viewer.page, { saveData: false, type: 'wifi' })
    await expect(saver.viewer.page.getByText(/nothing is uploaded/)).toHaveCount(0)
    const lucky = await enter()
    await expect
      .poll(async () => (await lucky.viewer.stats()).bytes.peers, { timeout: 30_000 })
      .toBeGreaterThan(0)
    expect((await saver.viewer.stats()).bytes.uploaded).toBeGreaterThan(0)
    await lucky.context.close()
    await saver.context.close()
  })
}

test('no more is uploaded in a session than the viewer allows, to the block', async ({
  browser,
}) => {
  const limit = 1_000_000
  const contextA = await browser.newContext()
  await agreed(contextA)
  const a = await watch(contextA, watchUrl())
  await a.untilFilled()
  await openSettings(a.page)
  const field = a.page.getByLabel('In this session')
  await field.fill('lots')
  await field.press('Enter')
  await expect(a.page.getByText(/Enter a number/)).toBeVisible()
  await field.fill('1')
  await field.press('Enter')
  await expect(a.page.getByText(/Enter a number/)).toHaveCount(0)

  const contextB = await browser.newContext()
  await agreed(contextB)
  const b = await watch(contextB, watchUrl())
  await b.untilFilled()
  await b.seek(13)
  await b.untilEnded()
  const { uploaded } = (await a.stats()).bytes
  expect(uploaded).toBeGreaterThan(limit / 2)
  expect(uploaded).toBeLessThan(limit + 32 * 1024)
  expect((await b.stats()).stalls).toBe(0)
  await expect(a.page.getByText('Your limit is reached')).toBeVisible()

  await a.page.reload() // the same session still
  await a.untilFilled()
  await openSettings(a.page)
  await expect(a.page.getByText('Your limit is reached')).toBeVisible()
  await contextB.close()
  const contextC = await browser.newContext()
  await agreed(contextC)
  const c = await watch(contextC, watchUrl())
  await c.untilPeers(1, 40_000)
  await c.untilFilled()
  expect((await a.stats()).bytes.uploaded).toBe(0)
  await contextA.close()
  await contextC.close()
})

test('an upload rate holds, and what peers no longer want is not sent', async ({ browser }) => {
  const rate = 62_500 // half a megabit per second
  const contextA = await browser.newContext()
  await agreed(contextA, { uploadRate: rate })
  const a = await watch(contextA, watchUrl())
  await a.untilFilled()
  const contextB = await browser.newContext()
  await agreed(contextB)
  const b = await watch(contextB, watchUrl())
  const started = Date.now()
  await b.untilEnded()
  const { uploaded } = (await a.stats()).bytes
  expect(uploaded).toBeGreaterThan(100_000)
  expect(uploaded).toBeLessThan((rate * (Date.now() - started)) / 1000 + 64 * 1024)
  await contextA.close()
  await contextB.close()
})

test('the publisher changes sharing of a title, and only in ways that make sense', async () => {
  for (const p2p of [
    true,
    null,
    'off',
    { enabled: 'no' },
    { minViewers: 0 },
    { minViewers: 1.5 },
    { minViewers: 10_001 },
    { minViewers: '3' },
    { maxViewers: 3 },
  ]) {
    const response = await edit({ p2p })
    expect([p2p, response.status]).toEqual([p2p, 400])
    const { error } = (await response.json()) as { error: { code: string; message: string } }
    expect(error.code).toBe('bad_request')
    expect(error.message).toMatch(/^The field p2p\S* (must|cannot) be .*\.$/)
  }
  expect(await server.record(media.id)).toMatchObject({ p2p: { enabled: true, minViewers: 1 } })
  const foreign = await fetch(`${server.url}/api/media/${media.id}`, {
    method: 'PATCH',
    headers: {
      'Content-Type': 'application/json',
      Cookie: await server.signIn(),
      Origin: 'https://evil.example',
    },
    body: JSON.stringify({ p2p: { enabled: false } }),
  })
  expect(foreign.status).toBe(403)
  expect((await edit({ p2p: { minViewers: 4 } })).status).toBe(200)
  expect(await server.record(media.id)).toMatchObject({ p2p: { enabled: true, minViewers: 4 } })
})

test('a title that is not shared: no tracker, no question, and announces are refused', async ({
  context,
}) => {
  const ready = await server.record(media.id)
  const infoHash = ready.state === 'ready' ? ready.infoHash : ''
  const announce = {
    action: 'announce',
    info_hash: Buffer.from(infoHash, 'hex').toString('latin1'),
    peer_id: '-TEST-'.padEnd(20, '0'),
    left: 1,
    offers: [],
  }
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/announce`)
  const answers: Record<string, unknown>[] = []
  socket.on('message', (text) => answers.push(JSON.parse(String(text))))
  await new Promise((resolve) => socket.once('open', resolve))
  socket.send(JSON.stringify(announce))
  await expect.poll(() => answers.length).toBe(1)
  expect(answers[0]).toMatchObject({ incomplete: 1 })

  await edit({ p2p: { enabled: false } })
  await expect.poll(() => answers.length).toBe(2) // told unasked
  socket.send(JSON.stringify(announce))
  await expect.poll(() => answers.length).toBe(3)
  for (const answer of answers.slice(1)) {
    expect(answer['failure reason']).toMatch(/publisher has switched sharing off/)
  }
  socket.close()

  await agreed(context)
  const sockets = countSockets(context)
  const viewer = await watch(context, watchUrl())
  await viewer.untilPosition(4)
  expect(await viewer.stats()).toMatchObject({ phase: 'http', peers: 0 })
  await expect(viewer.page.getByText(/: the publisher has switched sharing off/)).toBeVisible()
  expect(sockets.opened).toBe(0)
})

test('whoever watches parts when the publisher says so, plays on, and meets again', async ({
  browser,
}) => {
  const contexts = [await browser.newContext(), await browser.newContext()]
  const both: Viewer[] = []
  for (const context of contexts) {
    await agreed(context)
    both.push(await watch(context, watchUrl()))
  }
  const [a, b] = both as [Viewer, Viewer]
  for (const viewer of both) await viewer.untilPeers(1, 40_000)
  const setPaused = (viewer: Viewer, paused: boolean) =>
    viewer.page.locator('video').evaluate((element: HTMLVideoElement, pause) => {
      if (pause) element.pause()
      else void element.play()
    }, paused)
  await setPaused(b, true) // it hears no events
  const stalls = () => Promise.all(both.map(async ({ stats }) => (await stats()).stalls))
  const stallsBefore = await stalls()

  await edit({ p2p: { enabled: false } })
  for (const { page, stats, untilPhase } of both) {
    await untilPhase('http')
    expect(await stats()).toMatchObject({ peers: 0, phase: 'http' })
    await expect(page.getByText(/: the publisher has switched sharing off/)).toBeVisible()
  }
  await a.untilPosition((await a.video()).currentTime + 2)
  await edit({ p2p: { enabled: true } })
  await setPaused(b, false)
  for (const viewer of both) await viewer.untilPeers(1, 40_000)

  await edit({ p2p: { minViewers: 5 } })
  const waiting = /the publisher wants 5 viewers before any are connected, there are 2\./
  for (const { page, stats } of both) {
    await expect(page.getByText(waiting)).toBeVisible()
    expect(await stats()).toMatchObject({ peers: 0, phase: 'swarm' })
  }
  await edit({ p2p: { minViewers: 1 } })
  for (const viewer of both) await viewer.untilPeers(1, 40_000)
  expect(await stalls()).toEqual(stallsBefore)
  for (const { recorded } of both) expect((await recorded()).sources).toHaveLength(1)
  for (const context of contexts) await context.close()
})

test('why there are no peers is said: the tracker refuses, or is out of reach', async ({
  context,
}) => {
  await agreed(context)
  let tracker: 'gone' | 'refuses' | 'works' = 'gone'
  let hangUp = () => {}
  await context.routeWebSocket(/\/announce$/, (socket) => {
    hangUp = () => void socket.close()
    if (tracker === 'gone') hangUp()
    else if (tracker === 'works') socket.connectToServer()
    else socket.onMessage(() => socket.send('{"failure reason":"it is full"}'))
  })
  const { page } = await watch(context, watchUrl())
  await expect(page.getByText(/: no connection to the tracker, .* trying again/)).toBeVisible()
  await page.getByText('Stats for nerds').click()
  await expect(page.getByText('no connection, trying again', { exact: true })).toBeVisible()
  tracker = 'refuses'
  await expect(page.getByText('The tracker refused: it is full.')).toBeVisible()
  tracker = 'works'
  hangUp()
  await expect(page.getByText(/nobody else is watching|ready to be shared/)).toBeVisible()
  await expect(page.getByText('knows nobody else', { exact: true })).toBeVisible()
})

test('a viewer chooses in the catalogue, by keyboard, before watching anything', async ({
  page,
  context,
}) => {
  await page.goto(server.url)
  const button = page.getByRole('button', { name: 'Sharing settings' })
  await button.press('Enter')
  const dialog = page.getByRole('dialog', { name: 'Sharing settings' })
  await expect(sharingSwitch(page)).toBeFocused()
  await expect(sharingSwitch(page)).not.toBeChecked()
  await page.keyboard.press('Space')
  await expect(dialog.getByText(/see each other’s internet address/)).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(dialog).toHaveCount(0)
  await expect(button).toBeFocused()
  const viewer = await watch(context, watchUrl())
  await viewer.untilPhase('swarm')
  await expect(question(viewer.page)).toHaveCount(0)
})

test('a viewer deletes the stored video data while it plays, and is told when a part stays', async ({
  context,
}) => {
  await agreed(context)
  const viewer = await watch(context, watchUrl())
  const { page } = viewer
  await viewer.untilFilled()
  await openSettings(page)
  const settings = page.getByRole('region', { name: 'Sharing settings' })
  await expect(settings.getByText(/Stored on this device, .*: \d.* MB of video data/)).toBeVisible()
  const remove = settings.getByRole('button', { name: 'Delete stored video data' })
  await remove.press('Enter')
  await expect(settings.getByRole('status').last()).toHaveText(/MB of video data were deleted/)
  await expect(settings.getByText('No video data is stored on this device.')).toBeVisible()
  await expect(remove).toBeFocused()
  await viewer.untilPosition((await viewer.video()).currentTime + 1)

  const frozen = await context.newPage()
  await frozen.goto(server.url)
  await frozen.evaluate(async () => {
    const root = await navigator.storage.getDirectory()
    const titles = await root.getDirectoryHandle('pieces', { create: true })
    const title = await titles.getDirectoryHandle('frozen-1', { create: true })
    const file = await (await title.getFileHandle('data', { create: true })).createWritable()
    await file.write(new Uint8Array(2_000_000))
    await file.close()
    const locked = new Promise<void>((resolve) => {
      void navigator.locks.request('slipstream-pieces-frozen-1', () => {
        resolve()
        return new Promise(() => {})
      })
    })
    await locked
  })
  await page.bringToFront()
  await expect(settings.getByText(/: 2 MB of video data/)).toBeVisible()
  await remove.press('Enter')
  await expect(settings.getByRole('alert')).toContainText('in use by another tab')
})

test('below the minimum nobody is connected; with the last one everybody is, soon', async ({
  browser,
}) => {
  await edit({ p2p: { minViewers: 3 } })
  const contexts: BrowserContext[] = []
  const enter = async () => {
    const context = await browser.newContext()
    contexts.push(context)
    await agreed(context)
    return watch(context, watchUrl())
  }
  const viewers = [await enter(), await enter()]
  for (const viewer of viewers) await viewer.untilPhase('swarm')
  await viewers[0]?.page.waitForTimeout(5_000)
  for (const viewer of viewers) expect((await viewer.stats()).peers).toBe(0)
  viewers.push(await enter())
  for (const viewer of viewers) await viewer.untilPeers(2, 40_000)
  for (const context of contexts) await context.close()
})

test('an administrator sets both by keyboard alone', async ({ page }) => {
  await page.goto(`${server.url}/admin`)
  await page.getByLabel('E-mail address').fill(ADMIN.email)
  await page.getByLabel('Password', { exact: true }).fill(ADMIN.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('button', { name: `Edit ${media.title}` }).press('Enter')
  const dialog = page.getByRole('dialog', { name: 'Edit title' })
  const count = dialog.getByLabel('Only from so many viewers on')
  await expect(dialog.getByLabel('Title', { exact: true })).toBeFocused()
  await count.fill('')
  await expect(dialog.getByText(/Enter a whole number/)).toBeVisible()
  await expect(dialog.getByRole('button', { name: 'Save' })).toBeDisabled()
  await count.fill('5')
  await count.press('Enter')
  await expect(page.getByText(/shared from 5 viewers on/)).toBeVisible()
  expect(await server.record(media.id)).toMatchObject({ p2p: { enabled: true, minViewers: 5 } })

  await page.getByRole('button', { name: `Edit ${media.title}` }).press('Enter')
  await dialog.getByRole('switch', { name: /share this title/ }).press('Space')
  await expect(count).toBeDisabled()
  await dialog.getByRole('button', { name: 'Save' }).press('Enter')
  await expect(page.getByText(/not shared among viewers/)).toBeVisible()
  expect(await server.record(media.id)).toMatchObject({ p2p: { enabled: false, minViewers: 5 } })
})
