// Web seeds that answer wrongly, late or not at all: a real server behind a real proxy that
// misbehaves. Playback goes on, or the page says in a sentence why it does not.
import { expect, type Page, test } from '@playwright/test'
import type { MediaRecord } from '#protocol/media.ts'
import { clip } from './harness/clips.ts'
import { startServer, type TestServer } from './harness/server.ts'
import {
  type MediaAnswer,
  rangeOf,
  startUnrulyOrigin,
  type UnrulyOrigin,
} from './harness/unruly-origin.ts'
import { type Viewer, watch } from './harness/viewer.ts'

let server: TestServer
let origin: UnrulyOrigin
let media: MediaRecord

test.beforeAll(async () => {
  server = await startServer()
  origin = await startUnrulyOrigin(server.url)
  const uploaded = await server.upload(clip({ seconds: 24, format: 'webm', mbps: 3 }))
  media = await server.untilReady(uploaded.id)
})
test.afterAll(async () => {
  await origin.close()
  await server.stop()
})
test.afterEach(() => origin.misbehave(null))

/** Seconds of the clip that no test has fetched when its trouble begins. */
const AHEAD = 16

const interrupted = (page: Page) =>
  page.getByText(/connection to the server is interrupted/i).first()

const fetched = async (viewer: Viewer) => {
  const { bytes } = await viewer.stats()
  return bytes.placeholder + bytes.origin
}

/** Misbehaves for so many requests, then no more. */
function forRequests(count: number, answer: MediaAnswer): { readonly met: () => number } {
  let met = 0
  origin.misbehave((request, response, serve) => {
    if (met >= count) return serve()
    met += 1
    answer(request, response, serve)
  })
  return { met: () => met }
}

const head = (request: Parameters<MediaAnswer>[0], shift = 0) => {
  const { start, end } = rangeOf(request)
  return {
    'Content-Range': `bytes ${start + shift}-${end - 1 + shift}/${media.size}`,
    'Content-Length': end - start,
  }
}

const WRONG_ANSWERS: Record<string, MediaAnswer> = {
  'a 200 with the whole file': (_request, response) => {
    response.writeHead(200, { 'Content-Length': media.size })
    // Little by little: what is more than was asked for at once shows by that alone.
    const timer = setInterval(() => response.write(Buffer.alloc(16_384, 1)), 5)
    response.on('close', () => clearInterval(timer))
  },
  'another Content-Range': (request, response) => {
    const { start, end } = rangeOf(request)
    response.writeHead(206, head(request, 1000)).end(Buffer.alloc(end - start, 1))
  },
}

for (const [what, answer] of Object.entries(WRONG_ANSWERS)) {
  test(`${what} is not taken for the range, and asked for again`, async ({ context }) => {
    const viewer = await watch(context, `${origin.url}/watch/${media.id}`)
    await viewer.untilPosition(1)
    const { met } = forRequests(1, answer)
    await viewer.seek(AHEAD)
    await viewer.untilEnded(20_000)
    expect(met()).toBe(1)
    expect((await viewer.video()).error).toBeNull()
    expect((await viewer.stats()).bytes.wasted).toBe(0)
    expect((await viewer.stats()).phase).toBe('swarm') // the wrong bytes went nowhere
  })
}

test('a body that ends early is taken up where it ended, and no byte is fetched twice', async ({
  context,
}) => {
  const viewer = await watch(context, `${origin.url}/watch/${media.id}`)
  await viewer.untilPosition(1)
  const { met } = forRequests(3, (request, response) => {
    const { start, end } = rangeOf(request)
    // Right as far as it goes, and shorter than announced.
    void fetch(`${server.url}${request.url}`, {
      headers: { range: `bytes=${start}-${Math.min(end, start + 40_000) - 1}` },
    }).then(async (part) => {
      response.writeHead(206, head(request))
      const bytes = Buffer.from(await part.arrayBuffer())
      response.write(bytes, () => setTimeout(() => response.destroy(), 50))
    })
  })
  await viewer.seek(AHEAD)
  await viewer.untilEnded(20_000)
  expect(met()).toBe(3)
  expect((await viewer.stats()).bytes.wasted).toBe(0)
  expect(await fetched(viewer)).toBeLessThanOrEqual(media.size)
})

test('503 with Retry-After is said, waited for as long as asked, and then it plays on', async ({
  context,
}) => {
  const viewer = await watch(context, `${origin.url}/watch/${media.id}`)
  await viewer.untilPosition(1)
  const refused = new Map<string, number>() // range → when
  const waited: number[] = []
  let busy = true
  origin.misbehave(({ headers: { range = '' } }, response, serve) => {
    const at = refused.get(range)
    if (at !== undefined) waited.push(performance.now() - at)
    refused.set(range, performance.now())
    if (busy) response.writeHead(503, { 'Retry-After': '3' }).end()
    else serve()
  })
  await viewer.seek(AHEAD)
  await expect(interrupted(viewer.page)).toBeVisible({ timeout: 10_000 })
  busy = false
  await viewer.untilPosition(AHEAD + 1)
  expect(Math.min(...waited)).toBeGreaterThan(2_950)
  await expect(interrupted(viewer.page)).toHaveCount(0)
  expect((await viewer.stats()).bytes.wasted).toBe(0)
})

test('a server that hangs is given up within seconds, it is said, and then it plays on', async ({
  context,
}) => {
  const viewer = await watch(context, `${origin.url}/watch/${media.id}`)
  await viewer.untilPosition(1)
  let hangs = true
  origin.misbehave((_request, _response, serve) => {
    if (!hangs) serve()
  })
  await viewer.seek(AHEAD)
  await expect(interrupted(viewer.page)).toBeVisible({ timeout: 8_000 })
  hangs = false
  await viewer.untilPosition(AHEAD + 1, 14_000)
  await expect(interrupted(viewer.page)).toHaveCount(0)
  expect((await viewer.video()).error).toBeNull()
})

test('a server that hangs in the middle of a body is asked for the rest', async ({ context }) => {
  const viewer = await watch(context, `${origin.url}/watch/${media.id}`)
  await viewer.untilPosition(1)
  const { met } = forRequests(1, (request, response) => {
    const { start } = rangeOf(request)
    void fetch(`${server.url}${request.url}`, {
      headers: { range: `bytes=${start}-${start + 9_999}` },
    }).then(async (part) => {
      response.writeHead(206, head(request))
      response.write(Buffer.from(await part.arrayBuffer())) // and never a byte more
    })
  })
  await viewer.seek(AHEAD)
  await viewer.untilPosition(AHEAD + 1, 14_000)
  expect(met()).toBe(1)
  expect((await viewer.stats()).bytes.wasted).toBe(0)
  expect(await fetched(viewer)).toBeLessThanOrEqual(media.size)
})
