// nginx and Caddy in front, with the configuration files that docs/proxies.md hands out: on a host of
// their own and below a path of a larger site, everything passes, over https and HTTP/2.
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { connect as connectHttp2 } from 'node:http2'
import { request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, chromium, expect, type Page, test } from '@playwright/test'
import { Agent, type Dispatcher, request } from 'undici'
import type { MediaRecord } from '#protocol/media.ts'
import { type Cdn, startCdn } from '../docs/examples/company-site/cdn.ts'
import { CHROMIUM_FLAGS, findChromium } from './harness/chromium.ts'
import { clip } from './harness/clips.ts'
import {
  type Certificate,
  type FrontProxy,
  makeCertificate,
  startCaddy,
  startNginx,
} from './harness/proxies.ts'
import { ADMIN, startServer, type TestServer } from './harness/server.ts'
import { watch } from './harness/viewer.ts'

/** An answer that a proxy holds back comes much later, with the end of the whole, or never. */
const PROMPT_MS = 1_500
const CLIP = { seconds: 16, format: 'webm', mbps: 3 } as const
const TRUST = { TRUST_PROXY: 'loopback' }
/** Films there are read by this server, which keeps them; pages of other sites may not read them. */
const elsewhere = () => ({
  SOURCE_ORIGINS: `${cdn.url}/films/`,
  SOURCE_KEEP: 'always',
  ALLOW_PRIVATE_SOURCES: '1',
})

let folder: string
let cdn: Cdn
let server: TestServer
let media: MediaRecord
let bytes: Buffer
let certificate: Certificate
let agent: Agent
let browser: Browser
const proxies: Partial<Record<FrontProxy['name'], FrontProxy>> = {}

test.beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipstream-proxies-'))
  certificate = await makeCertificate(folder)
  agent = new Agent({ connect: { ca: certificate.pem } })
  cdn = await startCdn({})
  server = await startServer(TRUST)
  media = await server.upload(clip(CLIP), { filename: 'A film, "really" #1.webm' })
  await server.untilReady(media.id)
  bytes = await readFile(clip(CLIP))
  const proxied = { port: Number(new URL(server.url).port), dataDir: server.dataDir }
  proxies.nginx = await startNginx(proxied, certificate)
  proxies.Caddy = await startCaddy(proxied, certificate)
  browser = await chromium.launch({
    executablePath: findChromium(),
    // As if an authority had signed it: no service worker comes over a certificate with an error.
    args: [...CHROMIUM_FLAGS, `--ignore-certificate-errors-spki-list=${certificate.fingerprint}`],
  })
})
test.afterAll(async () => {
  await browser?.close()
  await agent?.destroy()
  await Promise.all(Object.values(proxies).map((proxy) => proxy.stop()))
  await server?.stop()
  await cdn?.close()
  await rm(folder, { recursive: true, force: true })
})

for (const name of ['nginx', 'Caddy'] as const) {
  for (const site of ['root', 'below'] as const) {
    test.describe(`behind ${name}, ${site === 'root' ? 'on a host of its own' : 'below a path'},`, () => {
      let address: string
      let base: string

      test.beforeAll(async () => {
        address = proxies[name]?.[site] as string
        base = new URL(address).pathname.replace(/\/$/, '')
        await server.restart({
          ...TRUST,
          ...elsewhere(),
          PUBLIC_URL: address,
          ...(name === 'nginx' ? { WEB_SEED_ACCEL: '/slipstream-blobs/' } : {}),
        })
      })

      const call = (
        path: string,
        headers: Record<string, string> = {},
        method: Dispatcher.HttpMethod = 'GET',
      ) =>
        request(path.startsWith('https:') ? path : address + path, {
          method,
          headers,
          dispatcher: agent,
        })

      test('ranges and conditions of the web seed are those of the contract', async () => {
        const sentBefore = await server.webSeedBytes()
        const [seed] = (await json<MediaRecord>(call(`/api/media/${media.id}`))).webSeeds
        expect(seed).toMatch(new RegExp(`^${address}/media/${media.id}/`))
        const get = async (headers: Record<string, string> = {}) => {
          const response = await call(seed as string, headers)
          const body = Buffer.from(await response.body.arrayBuffer())
          const repeated = Object.entries(response.headers).filter(([, value]) =>
            Array.isArray(value),
          )
          expect(repeated, JSON.stringify(headers)).toEqual([])
          return { status: response.statusCode, headers: response.headers, body }
        }
        const size = media.size
        const whole = await get()
        expect(whole.status).toBe(200)
        expect(whole.body.equals(bytes)).toBe(true)
        const etag = `"${media.id}-1"`
        const modified = new Date(media.createdAt).toUTCString()
        const always = {
          etag,
          'last-modified': modified,
          'content-type': media.type,
          'cache-control': 'public, max-age=31536000, immutable',
          'accept-ranges': 'bytes',
          'access-control-allow-origin': '*',
          'access-control-expose-headers': expect.stringContaining('Content-Range'),
          'cross-origin-resource-policy': 'cross-origin',
          'x-content-type-options': 'nosniff',
        }
        expect(whole.headers).toMatchObject({ ...always, 'content-length': String(size) })

        const later = new Date(media.createdAt + 3600_000).toUTCString()
        const earlier = new Date(media.createdAt - 3600_000).toUTCString()
        for (const [range, start, end] of [
          ['bytes=0-0', 0, 1],
          ['bytes=1000-1048575', 1000, 1_048_576],
          [`bytes=${size - 10}-`, size - 10, size],
          ['bytes=-100', size - 100, size],
          [`bytes=-${size + 5}`, 0, size],
          [`bytes=${size - 1}-${size + 50}`, size - 1, size],
        ] as const) {
          for (const condition of [
            {},
            { 'If-Range': etag },
            { 'If-Range': modified },
            { 'If-Match': etag },
          ]) {
            const part = await get({ Range: range, ...(condition as Record<string, string>) })
            const shown = JSON.stringify([range, condition])
            expect(part.status, shown).toBe(206)
            expect(part.headers, shown).toMatchObject({
              ...always,
              'content-range': `bytes ${start}-${end - 1}/${size}`,
              'content-length': String(end - start),
            })
            expect(part.body.equals(bytes.subarray(start, end)), shown).toBe(true)
          }
        }
        const asWhole: Record<string, string>[] = [
          { Range: 'bytes=0-1,5-6' },
          { Range: `bytes=0-1,${size}-` },
          { Range: 'bytes=0-1,x' },
          { Range: 'items=0-1' },
          { Range: 'bytes=0-9', 'If-Range': '"other"' },
          { Range: 'bytes=0-9', 'If-Range': `W/${etag}` },
          { Range: 'bytes=0-9', 'If-Range': later },
          { 'If-None-Match': '"other"' },
          { 'If-Modified-Since': earlier },
          { 'If-Unmodified-Since': modified },
        ]
        for (const headers of asWhole) {
          const answer = await get(headers)
          expect(answer.status, JSON.stringify(headers)).toBe(200)
          expect(answer.body.length, JSON.stringify(headers)).toBe(size)
        }
        for (const range of [`bytes=${size}-`, 'bytes=9-1', 'bytes=-0', 'bytes=x']) {
          const refused = await get({ Range: range })
          expect(refused.status, range).toBe(416)
          expect(refused.headers['content-range']).toBe(`bytes */${size}`)
          expect(JSON.parse(refused.body.toString()).error.code).toBe('range_not_satisfiable')
        }
        const unchanged: Record<string, string>[] = [
          { 'If-None-Match': etag },
          { 'If-None-Match': `W/${etag}` },
          { 'If-Modified-Since': modified },
        ]
        for (const headers of unchanged) {
          const answer = await get(headers)
          expect(answer.status, JSON.stringify(headers)).toBe(304)
          expect(answer.body).toHaveLength(0)
          expect(answer.headers['etag']).toBe(etag)
        }
        for (const headers of [{ 'If-Match': '"other"' }, { 'If-Unmodified-Since': earlier }]) {
          expect((await get(headers as Record<string, string>)).status).toBe(412)
        }
        const head = await call(seed as string, { Range: 'bytes=0-9' }, 'HEAD')
        await head.body.dump()
        expect(head.statusCode).toBe(200)
        expect(head.headers).toMatchObject({ ...always, 'content-length': String(size) })
        const preflight = await call(
          seed as string,
          {
            Origin: 'https://elsewhere.example',
            'Access-Control-Request-Method': 'GET',
            'Access-Control-Request-Headers': 'range',
          },
          'OPTIONS',
        )
        expect(preflight.statusCode).toBe(204)
        expect(preflight.headers['access-control-allow-origin']).toBe('*')
        expect(preflight.headers['access-control-allow-headers']).toMatch(/\brange\b/i)
        // Whose bytes they were: only what nginx leaves to the server is counted there.
        const sent = (await server.webSeedBytes()) - sentBefore
        const atLeast = size * asWhole.length // by us in any case
        if (name === 'Caddy') expect(sent).toBeGreaterThan(atLeast + 4 * size)
        else expect(sent).toBeLessThan(atLeast + 2 * size)
        if (name === 'nginx') {
          // What it remembers it answers although the server cannot be asked.
          process.kill(server.pid, 'SIGSTOP')
          try {
            const part = await get({ Range: 'bytes=5-9', 'If-Range': etag })
            expect(part.status).toBe(206)
            expect(part.body.equals(bytes.subarray(5, 10))).toBe(true)
          } finally {
            process.kill(server.pid, 'SIGCONT')
          }
        }
        // Nobody else asks by the name of nginx.
        const asked = await call(seed as string, { 'X-Slipstream-Ask': 'file' })
        await asked.body.dump()
        expect(asked.statusCode).toBe(name === 'nginx' ? 200 : 403)
        const inside = await call(`/slipstream-blobs/${media.id}/1`)
        expect(inside.statusCode).toBe(404)
        await inside.body.dump()
      })

      test('a film that lies elsewhere passes, first from its source and then from the copy', async () => {
        const film = `${name}-${site}.webm`
        cdn.offer(film, clip(CLIP), { cors: false })
        const query = new URLSearchParams({ url: `${cdn.url}/films/${film}` })
        const { id } = await json<{ id: MediaRecord['id'] }>(call(`/api/resolve?${query}`))
        const [seed] = (await json<MediaRecord>(call(`/api/media/${id}`))).webSeeds
        expect(seed).toMatch(new RegExp(`^${address}/media/${id}/`))
        const passes = async (): Promise<number> => {
          const before = cdn.sent(film).toSlipstream
          const part = await call(seed as string, { Range: 'bytes=1000-50999' })
          expect(part.statusCode).toBe(206)
          expect(part.headers['content-range']).toBe(`bytes 1000-50999/${bytes.length}`)
          const body = Buffer.from(await part.body.arrayBuffer())
          expect(body.equals(bytes.subarray(1000, 51_000))).toBe(true)
          return cdn.sent(film).toSlipstream - before
        }
        expect(await passes()).toBeGreaterThan(0)
        await server.untilReady(id)
        await expect.poll(async () => (await server.record(id)).source?.kept).toBe(true)
        expect(await passes()).toBe(0)
        const whole = await call(seed as string)
        expect(Buffer.from(await whole.body.arrayBuffer()).equals(bytes)).toBe(true)
      })

      test('every address has the proxy in it, and the measurements are not for everybody', async () => {
        const torrent = await (await call(`/api/media/${media.id}/torrent`)).body.text()
        expect(torrent).toContain(`${address}/announce`)
        expect(torrent).toContain(`${address.replace('https', 'wss')}/announce`)
        expect(torrent).toContain(`${address}/media/${media.id}/`)
        const page = await call(`/watch/${media.id}`)
        expect(page.headers['content-security-policy']).toContain("base-uri 'self'")
        expect(await page.body.text()).toContain(`<base href="${base}/" />`)
        const metrics = await call('/metrics')
        expect(metrics.statusCode).toBe(404)
        expect(await metrics.body.text()).not.toContain('slipstream_web_seed')
        if (base !== '') {
          const bare = await call(address)
          await bare.body.dump()
          expect([301, 302, 308]).toContain(bare.statusCode)
          expect(new URL(String(bare.headers['location']), address).pathname).toBe(`${base}/`)
        }
        const session = connectHttp2(new URL(address).origin, { ca: certificate.pem })
        try {
          const status = await new Promise((resolve, reject) => {
            session.on('error', reject)
            const stream = session.request({ ':path': `${base}/healthz` })
            stream.on('response', (headers) => resolve(headers[':status'])).resume()
            stream.on('error', reject).end()
          })
          expect(session.alpnProtocol).toBe('h2')
          expect(status).toBe(200)
        } finally {
          session.close()
        }
      })

      test('a sign-in stays encrypted, an upload passes as it is sent and resumes, events come at once', async () => {
        const origin = new URL(address).origin
        const signedIn = await request(`${address}/api/session`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json', Origin: origin },
          body: JSON.stringify(ADMIN),
          dispatcher: agent,
        })
        await signedIn.body.dump()
        expect(signedIn.statusCode).toBe(200)
        const setCookie = String(signedIn.headers['set-cookie'])
        expect(setCookie).toContain('; Secure')
        expect(setCookie).toContain(`; Path=${base || '/'};`)
        const headers = {
          Cookie: setCookie.split(';', 1)[0] as string,
          Origin: origin,
          'Tus-Resumable': '1.0.0',
        }

        const path = clip(CLIP)
        const { size } = await stat(path)
        const created = await call(
          '/api/uploads',
          {
            ...headers,
            'Upload-Length': String(size),
            'Upload-Metadata': `filename ${Buffer.from('through a proxy.webm').toString('base64')}`,
          },
          'POST',
        )
        await created.body.dump()
        expect(created.statusCode).toBe(201)
        const location = new URL(String(created.headers['location']), `${address}/api/uploads`).href
        expect(location).toMatch(new RegExp(`^${address}/api/uploads/`))
        const offset = async () => {
          const answer = await call(location, headers, 'HEAD')
          await answer.body.dump()
          return Number(answer.headers['upload-offset'])
        }
        // Half of the file, of a request that never ends: it has arrived when it was passed on at once.
        const half = httpsRequest(location, {
          method: 'PATCH',
          ca: certificate.pem,
          headers: {
            ...headers,
            'Content-Type': 'application/offset+octet-stream',
            'Upload-Offset': '0',
            'Content-Length': size,
          },
        })
        half.on('error', () => {}) // it is cut off
        half.write(bytes.subarray(0, size / 2))
        await new Promise((resolve) => setTimeout(resolve, 300))
        half.destroy()
        await expect.poll(offset).toBeGreaterThan(size / 4)
        const from = await offset()
        const patched = await request(location, {
          method: 'PATCH',
          headers: {
            ...headers,
            'Content-Type': 'application/offset+octet-stream',
            'Upload-Offset': String(from),
          },
          body: bytes.subarray(from),
          dispatcher: agent,
        })
        await patched.body.dump()
        expect(patched.statusCode).toBe(204)
        const id = String(patched.headers['slipstream-media'])
        const record = await json<MediaRecord>(call(`/api/media/${id}`))
        expect(record).toMatchObject({ size, filename: 'through a proxy.webm' })

        const asked = performance.now()
        const events = await call(`/api/media/${id}/events`, { Accept: 'text/event-stream' })
        const arrivals = events.body.setEncoding('utf8')[Symbol.asyncIterator]()
        await untilText(arrivals, /event: ?p2p/)
        expect(performance.now() - asked).toBeLessThan(PROMPT_MS)
        const edited = performance.now()
        const edit = await request(`${address}/api/media/${id}`, {
          method: 'PATCH',
          headers: { ...headers, 'Content-Type': 'application/json' },
          body: JSON.stringify({ p2p: { minViewers: 7 } }),
          dispatcher: agent,
        })
        await edit.body.dump()
        expect(edit.statusCode).toBe(200)
        await untilText(arrivals, /"minViewers":7/)
        expect(performance.now() - edited).toBeLessThan(PROMPT_MS)
        events.body.destroy()

        const [seed] = record.webSeeds
        const part = await call(seed as string, { Range: 'bytes=0-9' })
        expect(Buffer.from(await part.body.arrayBuffer()).equals(bytes.subarray(0, 10))).toBe(true)
        await server.remove(record.id)
        const gone = await call(seed as string, { Range: 'bytes=0-9' })
        expect(gone.statusCode).toBe(404)
        expect(await gone.body.json()).toMatchObject({ error: { code: 'not_found' } })
      })

      test('two viewers play through their service workers, meet and share', async () => {
        const contextA = await browser.newContext()
        const contextB = await browser.newContext()
        try {
          const trouble: string[] = []
          const sockets: string[] = []
          const listen = (page: Page) => {
            page.on('response', (response) => {
              const { origin, pathname } = new URL(response.url())
              const isOurs = origin === new URL(address).origin
              const strays = isOurs && !pathname.startsWith(`${base}/`)
              if (strays || response.status() >= 400) trouble.push(response.url())
            })
            page.on('pageerror', (error) => trouble.push(error.message))
            page.on('websocket', (socket) => sockets.push(socket.url()))
          }
          contextA.on('page', listen)
          contextB.on('page', listen)
          // From the catalogue, as most come.
          const a = await watch(contextA, `${address}/`, async (page) => {
            await page.getByRole('link', { name: media.title }).click()
            await page.waitForURL(`${address}/watch/${media.id}`)
          })
          await a.untilFirstFrame(10_000)
          expect((await a.video()).src).toMatch(new RegExp(`^${base}/media/[^/]+/stream/`))
          await a.untilPhase('swarm')
          await a.untilFilled()
          const worker = () =>
            a.page.evaluate(() => navigator.serviceWorker.controller?.scriptURL ?? null)
          expect(await worker()).toBe(`${address}/service-worker.js`)
          await a.page.getByRole('link', { name: 'Skip to the content' }).focus()
          await a.page.keyboard.press('Enter')
          expect(a.page.url()).toBe(`${address}/watch/${media.id}#main`)

          const b = await watch(contextB, `${address}/watch/${media.id}`)
          await b.untilPeers(1)
          await b.untilFilled()
          expect((await b.video()).src).toMatch(new RegExp(`^${base}/media/[^/]+/stream/`))
          const { bytes: received, stalls } = await b.stats()
          expect(received.peers).toBeGreaterThan(media.size / 4)
          expect(received.wasted).toBe(0)
          expect(stalls).toBe(0)
          expect(new Set(sockets)).toEqual(new Set([`${address.replace('https', 'wss')}/announce`]))

          await b.page.getByRole('link', { name: 'Admin' }).click()
          await expect(b.page).toHaveURL(`${address}/admin`)
          await expect(b.page.getByRole('button', { name: 'Sign in' })).toBeVisible()
          await b.page.reload()
          await expect(b.page.getByRole('button', { name: 'Sign in' })).toBeVisible()
          expect(trouble).toEqual([])
        } finally {
          await contextA.close()
          await contextB.close()
        }
      })
    })
  }
}

async function json<Shape>(answer: Promise<Dispatcher.ResponseData>): Promise<Shape> {
  return (await (await answer).body.json()) as Shape
}

/** Reads on until the text of the pattern was there. */
async function untilText(arrivals: AsyncIterator<string>, pattern: RegExp): Promise<void> {
  for (let text = ''; !pattern.test(text); ) {
    const { value, done } = await arrivals.next()
    if (done) throw new Error(`the answer ended without ${pattern}: ${text}`)
    text += value
  }
}
