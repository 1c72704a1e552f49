// Every row of the HTTP contract, and bad input of every kind, against a running server.
import { readdir, writeFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect, test } from '@playwright/test'
import bencode from 'bencode'
import type { MediaRecord } from '#protocol/media.ts'
import { clip } from './harness/clips.ts'
import { ADMIN, startServer, type TestServer } from './harness/server.ts'

const UNKNOWN = '0123456789abcdef'
let server: TestServer
let media: MediaRecord
let cookie: string

test.beforeAll(async () => {
  server = await startServer({ BUILD_DELAY_MS: '1500', MAX_UPLOAD_BYTES: String(64 * 1024 * 1024) })
  cookie = await server.signIn()
  media = await server.upload(clip({ seconds: 16, format: 'webm', mbps: 3 }), { title: 'First' })
})
test.afterAll(() => server.stop())

const call = (path: string, init?: RequestInit) => fetch(`${server.url}${path}`, init)
const json = async (path: string, init?: RequestInit) => {
  const response = await call(path, init)
  return { status: response.status, body: await response.json() }
}
const signedIn = (method: string, body?: object): RequestInit => ({
  method,
  headers: { Cookie: cookie, 'Content-Type': 'application/json' },
  ...(body && { body: JSON.stringify(body) }),
})

/** The wire size and headers of an answer as they are, not as `fetch` unpacks them. */
function raw(path: string, headers: Record<string, string> = {}) {
  return new Promise<{ status: number; headers: Record<string, unknown>; body: Buffer }>(
    (resolve, reject) => {
      httpRequest(`${server.url}${path}`, { headers }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks),
          }),
        )
      })
        .on('error', reject)
        .end()
    },
  )
}

test('the catalogue, a record, a search and their refusals', async () => {
  const page = await json('/api/media')
  expect(page.body.items.map((item: MediaRecord) => item.id)).toContain(media.id)
  expect((await json('/api/media?q=FIRST')).body.items).toHaveLength(1)
  expect((await json('/api/media?q=nothing')).body).toEqual({ items: [], nextCursor: null })
  expect((await json('/api/media?cursor=bogus')).status).toBe(400)
  expect((await json('/api/media?q=a&q=b')).status).toBe(400)
  expect((await json(`/api/media/${media.id}`)).body).toMatchObject({
    id: media.id,
    title: 'First',
    size: media.size,
    duration: expect.closeTo(16, 0),
    webSeeds: [expect.stringContaining(`/media/${media.id}/`)],
  })
  for (const id of [UNKNOWN, 'x', '..%2f..', "'%20or%201=1", '%00', 'A'.repeat(5_000)]) {
    const { status, body } = await json(`/api/media/${id}`)
    expect(status).toBe(404)
    expect(body.error.code).toBe('not_found')
  }
})

test('placeholder, progress, real torrent: asked by many, built once, pushed to who listens', async () => {
  const stored = await json(`/api/media/${media.id}`)
  expect(stored.body.state).toBe('stored')
  const placeholders = await Promise.all(
    Array.from({ length: 10 }, () =>
      raw(`/api/media/${media.id}/torrent`, { 'Accept-Encoding': 'gzip' }),
    ),
  )
  for (const { status, headers, body } of placeholders) {
    expect(status).toBe(200)
    expect(headers['slipstream-torrent']).toBe('placeholder')
    expect(headers['cache-control']).toBe('no-store')
    expect(headers['content-type']).toBe('application/x-bittorrent')
    expect(body.length).toBeLessThan(1_000)
    const metainfo = bencode.decode(gunzipSync(body))
    expect(metainfo.info.placeholder).toBe(1)
    expect(metainfo.announce).toBeUndefined()
  }
  const early = await call(`/api/media/${media.id}/torrent?kind=real`)
  expect(early.status).toBe(503)
  expect(Number(early.headers.get('retry-after'))).toBeGreaterThan(0)
  expect((await early.json()).error.code).toBe('torrent_not_ready')

  const events = await readEvents(`/api/media/${media.id}/events`, 'torrent')
  expect(events[0]?.event).toBe('progress')
  const last = events.at(-1)
  expect(last?.data).toEqual({ kind: 'real', infoHash: expect.stringMatching(/^[0-9a-f]{40}$/) })
  const late = await readEvents(`/api/media/${media.id}/events`, 'torrent')
  expect(late.map(({ event }) => event)).toEqual(['torrent'])
  const resumed = await readEvents(`/api/media/${media.id}/events`, 'torrent', events[0]?.id)
  expect(resumed.at(-1)?.data).toEqual(last?.data)

  const real = await call(`/api/media/${media.id}/torrent`)
  expect(real.headers.get('slipstream-torrent')).toBe('real')
  expect(real.headers.get('etag')).toBe(`"${last?.data.infoHash}"`)
  const again = await call(`/api/media/${media.id}/torrent`, {
    headers: { 'If-None-Match': `"${last?.data.infoHash}"` },
  })
  expect(again.status).toBe(304)
  const download = await call(`/api/media/${media.id}/torrent?kind=real`)
  expect(download.headers.get('content-disposition')).toMatch(/^attachment; filename/)
  expect(await json(`/api/media/${media.id}`)).toMatchObject({
    body: { state: 'ready', infoHash: last?.data.infoHash },
  })
})

test('a torrent or its events of nobody, of no kind, by no method', async () => {
  expect((await call(`/api/media/${UNKNOWN}/torrent`)).status).toBe(404)
  expect((await call(`/api/media/${UNKNOWN}/events`)).status).toBe(404)
  expect((await call(`/api/media/${media.id}/torrent?kind=imaginary`)).status).toBe(400)
  const posted = await call(`/api/media/${media.id}/torrent`, { method: 'POST' })
  expect(posted.status).toBe(405)
  expect(posted.headers.get('allow')).toBe('GET, HEAD')
})

test('sessions: wrong words, foreign sites, sign in, sign out', async () => {
  const attempt = (body: unknown, headers: Record<string, string> = {}) =>
    json('/api/session', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  expect(await attempt({ ...ADMIN, password: 'wrong' })).toMatchObject({
    status: 401,
    body: { error: { code: 'invalid_credentials' } },
  })
  expect((await attempt('{"email":')).status).toBe(400)
  expect((await attempt({ email: 7, password: [] })).status).toBe(400)
  expect((await attempt(ADMIN, { Origin: 'https://evil.example' })).body.error.code).toBe(
    'cross_origin',
  )
  const response = await call('/api/session', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(ADMIN),
  })
  const setCookie = response.headers.get('set-cookie') ?? ''
  expect(setCookie).toMatch(/HttpOnly/)
  expect(setCookie).toMatch(/SameSite=Lax/)
  const headers = { Cookie: setCookie.split(';', 1)[0] as string }
  expect((await json('/api/session', { headers })).body.account.email).toBe(ADMIN.email)
  expect((await call('/api/session', { method: 'DELETE', headers })).status).toBeLessThan(300)
  expect((await json('/api/session', { headers })).body.account).toBeNull()
  const setup = { token: 'x', email: 'b@example.org', password: 'long enough' }
  const late = await json('/api/setup', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(setup),
  })
  expect(late).toMatchObject({ status: 403, body: { error: { code: 'setup_closed' } } })
})

test('changes need a session, from this site', async () => {
  const path = `/api/media/${media.id}`
  expect((await call(path, { method: 'DELETE' })).status).toBe(401)
  expect((await call(path, { method: 'PATCH' })).status).toBe(401)
  expect((await call('/api/uploads', { method: 'POST' })).status).toBe(401)
  const evil = {
    ...signedIn('DELETE'),
    headers: { Cookie: cookie, Origin: 'https://evil.example' },
  }
  expect((await json(path, evil)).body.error.code).toBe('cross_origin')
  expect((await json(path, signedIn('PATCH', { title: '' }))).status).toBe(400)
  expect((await json(path, signedIn('PATCH', { size: 1 }))).status).toBe(400)
  const renamed = await json(path, signedIn('PATCH', { title: 'Ein “neuer” \u202eTitel 🎬' }))
  expect(renamed.body.title).toContain('neuer')
  await json(path, signedIn('PATCH', { title: 'First' }))
})

test('resolve knows its own titles and refuses other origins', async () => {
  const expected = { id: media.id, watch: `${server.url}/watch/${media.id}` }
  const own = encodeURIComponent(media.webSeeds[0] as string)
  expect(await json(`/api/resolve?url=${own}`)).toMatchObject({ status: 200, body: expected })
  expect(await json('/api/resolve', signedIn('POST', { url: expected.watch }))).toMatchObject({
    body: expected,
  })
  const foreign = await json(
    `/api/resolve?url=${encodeURIComponent('https://cdn.example/film.mp4')}`,
  )
  expect(foreign).toMatchObject({ status: 403, body: { error: { code: 'source_not_allowed' } } })
  for (const url of ['', 'film.mp4', `${server.url}/watch/${UNKNOWN}`]) {
    const { status } = await json(`/api/resolve?url=${encodeURIComponent(url)}`)
    expect([400, 404]).toContain(status)
  }
  expect((await json('/api/resolve?url=file:///etc/passwd')).status).toBe(403)
})

test('health, metrics, pages and what is nowhere', async () => {
  expect((await json('/healthz')).status).toBe(200)
  expect((await json('/readyz')).status).toBe(200)
  expect(await (await call('/metrics')).text()).toContain('slipstream_web_seed_bytes_total')
  for (const path of ['/', '/admin', `/watch/${media.id}`, `/embed/${media.id}`]) {
    const page = await call(path)
    expect(page.status, path).toBe(200)
    const policy = page.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("script-src 'self'")
    expect(policy).toContain(
      path.startsWith('/embed') ? 'frame-ancestors *' : "frame-ancestors 'self'",
    )
  }
  for (const path of [`/watch/${UNKNOWN}`, '/watch/x', '/nowhere', '/..%2f..%2fetc%2fpasswd']) {
    expect((await call(path)).status, path).toBe(404)
  }
  expect(await json('/api/nowhere')).toMatchObject({
    status: 404,
    body: { error: { code: 'not_found' } },
  })
})

test('uploads that are no media, lie, or are too large are refused and leave no file', async () => {
  const scratch = test.info().outputPath('scratch')
  const refused = async (name: string, bytes: Buffer | string, metadata = {}) => {
    await writeFile(`${scratch}-${name}`, bytes)
    await expect(
      server.upload(`${scratch}-${name}`, { filename: name, ...metadata }),
    ).rejects.toThrow(/"error"/)
  }
  await writeFile(scratch, '')
  await refused('empty.webm', '')
  await refused('text.mp4', 'this is no film '.repeat(1000), { filetype: 'video/mp4' })
  await refused('page.webm', '<html><script>alert(1)</script></html>', { filetype: 'video/webm' })
  await refused('large.webm', Buffer.alloc(65 * 1024 * 1024))
  const blobs = await readdir(join(server.dataDir, 'blobs'))
  expect(blobs.sort()).toEqual(
    (await json('/api/media')).body.items.map((item: MediaRecord) => item.id).sort(),
  )
})

test.describe('with builds that nothing holds back', () => {
  test.beforeAll(() => server.restart({}))
  test.afterAll(() => server.restart())

  for (const name of [
    '../../../etc/passwd',
    'a "quoted" \'name\'\r\nX-Injected: yes.webm',
    `${'long'.repeat(75)}.webm`,
    '🎬🍿👩‍👩‍👧.webm',
    '\u202eמסמך\u202c.webm',
    'CON.webm',
    '.htaccess',
    '',
  ]) {
    test(`a file named ${JSON.stringify(name).slice(0, 40)} is stored safely and served`, async () => {
      const record = await server.upload(clip({ seconds: 16, format: 'webm', mbps: 3 }), {
        filename: name,
        filetype: 'application/x-lie',
      })
      expect(record.filename).toMatch(/^[^/\\\p{Cc}]+\.webm$/u)
      expect(Buffer.byteLength(record.filename)).toBeLessThanOrEqual(200)
      expect(record.type).toMatch(/^video\/webm/)
      const bytes = await fetch(record.webSeeds[0] as string, { headers: { Range: 'bytes=0-99' } })
      expect(bytes.status).toBe(206)
      expect(bytes.headers.get('x-injected')).toBeNull()
      const ready = await server.untilReady(record.id)
      const download = await call(`/api/media/${ready.id}/torrent?kind=real`)
      expect(download.status).toBe(200)
      expect((await call(`/api/media/${ready.id}`, signedIn('DELETE'))).status).toBe(204)
      expect((await call(`/api/media/${ready.id}`)).status).toBe(404)
      expect((await fetch(record.webSeeds[0] as string)).status).toBe(404)
    })
  }

  test('two uploads of one file are two titles of one swarm', async () => {
    const path = clip({ seconds: 24, format: 'mp3', mbps: 1 })
    const [one, two] = [await server.upload(path), await server.upload(path)]
    expect(one.id).not.toBe(two.id)
    const [first, second] = [await server.untilReady(one.id), await server.untilReady(two.id)]
    expect(first).toMatchObject({ infoHash: second.state === 'ready' ? second.infoHash : '' })
    await call(`/api/media/${one.id}`, signedIn('DELETE'))
    const announce = await announceOver(second)
    expect(announce['failure reason']).toBeUndefined()
    await call(`/api/media/${two.id}`, signedIn('DELETE'))
    expect((await announceOver(second))['failure reason']).toBeTruthy()
  })
})

test('a title that is deleted while its torrent is built leaves nothing behind', async () => {
  const record = await server.upload(clip({ seconds: 16, format: 'webm', mbps: 3 }))
  await call(`/api/media/${record.id}/torrent`)
  const events = readEvents(`/api/media/${record.id}/events`, 'deleted')
  await call(`/api/media/${record.id}`, signedIn('DELETE'))
  expect((await events).at(-1)?.event).toBe('deleted')
  expect(await readdir(join(server.dataDir, 'blobs'))).not.toContain(record.id)
})

test('malformed HTTP is refused and the server goes on', async () => {
  const { port, hostname } = new URL(server.url)
  for (const text of [
    'GARBAGE\r\n\r\n',
    'GET //evil.example/watch HTTP/1.1\r\nHost: x\r\n\r\n',
    'GET http://[bad/ HTTP/1.1\r\nHost: x\r\n\r\n',
    'GET /api/media HTTP/1.1\r\nHost: evil"><script>\r\n\r\n',
    'GET /announce HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
    'GET /elsewhere HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
  ]) {
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(Number(port), hostname, () => socket.write(text))
      let received = ''
      socket.setTimeout(2_000, () => socket.destroy())
      socket.on('data', (data) => {
        received += data
        if (received.includes('\r\n\r\n')) socket.destroy()
      })
      socket.on('error', () => {})
      socket.on('close', () => resolve(received))
    })
    expect(answer, text).toMatch(/^HTTP\/1\.1 4\d\d/)
  }
  expect((await json('/healthz')).status).toBe(200)
})

test('an upgrade that is not offered is ignored, and HEAD of the events ends', async () => {
  const plain = await raw('/healthz', { Connection: 'Upgrade', Upgrade: 'h2c' })
  expect(plain.status).toBe(200)
  const head = await call(`/api/media/${media.id}/events`, { method: 'HEAD' })
  expect(head.status).toBe(200)
  const posted = await json('/', { method: 'POST' })
  expect(posted).toMatchObject({ status: 405, body: { error: { code: 'method_not_allowed' } } })
  expect((await call('/index.html', { redirect: 'manual' })).status).toBe(301)
})

test('a file of the pages that is not there is a 404, compressed or not', async () => {
  for (const encoding of ['br', 'gzip', 'identity']) {
    const missing = await raw('/assets/of-an-older-build.js', { 'Accept-Encoding': encoding })
    expect(missing.status).toBe(404)
  }
  expect((await json('/healthz')).status).toBe(200)
})

async function announceOver(record: MediaRecord) {
  const infoHash = record.state === 'ready' ? record.infoHash.replace(/../g, '%$&') : ''
  const query = `info_hash=${infoHash}&peer_id=${'x'.repeat(20)}&port=6881&left=0`
  const response = await call(`/announce?${query}`)
  return bencode.decode(new Uint8Array(await response.arrayBuffer()))
}

interface ReceivedEvent {
  readonly id: string
  readonly event: string
  readonly data: { readonly infoHash?: string; readonly progress?: number }
}

/** Reads Server-Sent Events until one of the name comes. */
async function readEvents(path: string, until: string, lastId?: string): Promise<ReceivedEvent[]> {
  const response = await call(path, {
    headers: { Accept: 'text/event-stream', ...(lastId && { 'Last-Event-ID': lastId }) },
    signal: AbortSignal.timeout(20_000),
  })
  expect(response.headers.get('content-type')).toContain('text/event-stream')
  const events: ReceivedEvent[] = []
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true })
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const block = text.slice(0, end)
      text = text.slice(end + 2)
      const field = (name: string) => new RegExp(`^${name}: ?(.*)$`, 'm').exec(block)?.[1]
      const event = field('event')
      if (event === undefined) continue
      events.push({ id: field('id') ?? '', event, data: JSON.parse(field('data') ?? '{}') })
      if (event === until) return events
    }
  }
  throw new Error(`the stream ended before "${until}": ${JSON.stringify(events)}`)
}
