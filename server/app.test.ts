import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { MediaId } from '#protocol/ids.ts'
import type { MediaRecord } from '#protocol/media.ts'
import { type App, type AppOverrides, createApp } from './app.ts'
import { parseConfig } from './config/config.ts'
import { type Database, openDatabase } from './database/database.ts'
import { type Catalogue, createCatalogue } from './media/catalogue.ts'
import { exampleMedia } from './media/media-fixture.ts'
import { startTestSource } from './sources/source-fixture.ts'

const ID = '0123456789abcdef'

let folder: string
let app: App | null
let lines: { level: number; orphans?: string[] }[]

beforeEach(async () => {
  lines = []
  app = null
  folder = await mkdtemp(join(tmpdir(), 'app-'))
  await mkdir(join(folder, 'dist/client'), { recursive: true })
  await writeFile(join(folder, 'dist/client/index.html'), '<!doctype html><title>x</title>')
})
afterEach(async () => {
  await app?.close()
  await rm(folder, { recursive: true })
})

async function start(
  overrides: AppOverrides = {},
  environment: Record<string, string> = {},
): Promise<string> {
  const config = parseConfig({ DATA_DIR: join(folder, 'data'), ...environment })
  const log = pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line)) })
  const started = await createApp(config, folder, log, overrides)
  app = started
  await new Promise<void>((resolve) => started.server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(started.server.address() as AddressInfo).port}`
}

test('bytes of titles that the database does not know survive the start, and the log names them', async () => {
  const blobs = join(folder, 'data/blobs')
  await mkdir(join(blobs, ID), { recursive: true })
  await writeFile(join(blobs, ID, '1'), 'a film')
  await start()
  expect(await readdir(blobs)).toEqual([ID])
  expect(await readFile(join(blobs, ID, '1'), 'utf8')).toBe('a film')
  expect(lines).toContainEqual(expect.objectContaining({ level: 40, orphans: [ID] }))
})

/** Does something with the catalogue while no server runs. */
async function offline<T>(
  work: (catalogue: Catalogue, database: Database) => Promise<T>,
): Promise<T> {
  await mkdir(join(folder, 'data'), { recursive: true })
  const database = await openDatabase(join(folder, 'data/slipstream.db'))
  try {
    return await work(createCatalogue(database), database)
  } finally {
    await database.destroy()
  }
}

test('a deletion that a crash cut short is finished by the next start, and takes nothing else', async () => {
  const deleted = ID as MediaId
  const listed = 'zyxwvtsrqpnmkjhg' as MediaId
  const foreign = 'aaaaaaaaaaaaaaaa' as MediaId
  const blobs = join(folder, 'data/blobs')
  for (const id of [deleted, listed, foreign]) {
    await mkdir(join(blobs, id), { recursive: true })
    await writeFile(join(blobs, id, '1'), 'a film')
  }
  await offline(async (catalogue) => {
    for (const id of [deleted, listed]) await catalogue.add(exampleMedia({ id }))
    await catalogue.remove(deleted) // and here the power went
  })
  await start()
  expect((await readdir(blobs)).sort()).toEqual([foreign, listed])
  expect(lines).toContainEqual(expect.objectContaining({ level: 40, orphans: [foreign] }))
  await app?.close()
  app = null
  expect(await offline((catalogue) => catalogue.removed())).toEqual([])
})

test('a deletion leaves nothing behind', async () => {
  await mkdir(join(folder, 'data/blobs', ID), { recursive: true })
  await writeFile(join(folder, 'data/blobs', ID, '1'), 'a film')
  await offline((catalogue) => catalogue.add(exampleMedia()))
  const origin = await start()
  const signedIn = await fetch(`${origin}/api/setup`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      token: await app?.setupToken(),
      email: 'a@example.org',
      password: 'correct horse battery',
    }),
  })
  const cookie = signedIn.headers.get('Set-Cookie')?.split(';', 1)[0] ?? ''
  const remove = () => fetch(`${origin}/api/media/${ID}`, { method: 'DELETE', headers: { cookie } })
  expect((await remove()).status).toBe(204)
  expect((await remove()).status).toBe(404)
  expect(await readdir(join(folder, 'data/blobs'))).toEqual([])
  await app?.close()
  app = null
  expect(await offline((catalogue) => catalogue.removed())).toEqual([])
})

test('the head of a request has a time limit, an upload has none', async () => {
  await start()
  expect(app?.server.headersTimeout).toBe(60_000)
  expect(app?.server.requestTimeout).toBe(0)
})

test('below the path of PUBLIC_URL everything works, whether or not the proxy leaves it in', async () => {
  await writeFile(
    join(folder, 'dist/client/index.html'),
    '<!doctype html><base href="/" /><title>x</title>',
  )
  await offline((catalogue) => catalogue.add(exampleMedia()))
  const origin = await start({}, { PUBLIC_URL: 'https://example.org/video/' })
  const address = `https://example.org/video/media/${ID}`
  for (const below of [origin, `${origin}/video`]) {
    const record = await (await fetch(`${below}/api/media/${ID}`)).json()
    expect(record).toMatchObject({ webSeeds: [expect.stringContaining(address)] })
    const torrent = await (await fetch(`${below}/api/media/${ID}/torrent`)).text()
    expect(torrent).toContain(address)
    const page = await fetch(`${below}/watch/${ID}`)
    expect(page.status).toBe(200)
    expect(await page.text()).toContain('<base href="/video/" />')
    const moved = async (path: string) =>
      (await fetch(below + path, { redirect: 'manual' })).headers.get('Location')
    expect(await moved('/index.html')).toBe('/video/')
    const resolved = await (await fetch(`${below}/api/resolve?url=${address}/x.webm`)).json()
    expect(resolved).toMatchObject({ id: ID, watch: `https://example.org/video/watch/${ID}` })
    const foreign = await fetch(`${below}/api/resolve?url=https://example.org/media/${ID}/x.webm`)
    expect(foreign.status).toBe(403)
  }
  const bare = await fetch(`${origin}/video?a`, { redirect: 'manual' })
  expect(bare.headers.get('Location')).toBe('/video/?a')
  expect((await fetch(`${origin}/videos/watch/${ID}`)).status).toBe(404)
})

test('the first account is made below the path of PUBLIC_URL by its pages alone', async () => {
  const origin = await start({}, { PUBLIC_URL: 'https://example.org/video' })
  const setUp = async (from: string) =>
    fetch(`${origin}/video/api/setup`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Origin: from },
      body: JSON.stringify({
        token: await app?.setupToken(),
        email: 'a@example.org',
        password: 'correct horse battery',
      }),
    })
  expect((await setUp('https://evil.example')).status).toBe(403)
  const cookie = (await setUp('https://example.org')).headers.get('Set-Cookie')
  expect(cookie).toMatch(/; Path=\/video;.*; Secure/)
  const created = await fetch(`${origin}/api/uploads`, {
    method: 'POST',
    headers: {
      Cookie: cookie?.split(';', 1)[0] ?? '',
      'Tus-Resumable': '1.0.0',
      'Upload-Length': '100',
      'Upload-Metadata': `filename ${btoa('a.webm')}`,
    },
  })
  expect(created.headers.get('Location')).toMatch(/^\/video\/api\/uploads\/[0-9a-f]{32}$/)
})

test('a sign-in whose body drips is cut off with 408', async () => {
  const origin = await start({ bodyPatience: 200 })
  const request = httpRequest(`${origin}/api/session`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Content-Length': 1000 },
  })
  request.on('error', () => {})
  const closed = new Promise((resolve) => request.on('close', resolve))
  const answered = new Promise<IncomingMessage>((resolve) => request.on('response', resolve))
  const dripping = setInterval(() => request.write(' '), 20)
  const answer = await answered
  expect(answer.statusCode).toBe(408)
  expect(await json(answer)).toMatchObject({ error: { code: 'request_timeout' } })
  await closed
  clearInterval(dripping)
})

test.each([
  ['PUT', '/api/media', 'GET, HEAD'],
  ['POST', `/api/media/${ID}`, 'DELETE, GET, HEAD, PATCH'],
  ['PATCH', `/api/media/${ID}/events`, 'GET, HEAD'],
  ['GET', `/api/media/${ID}/build`, 'POST'],
  ['DELETE', `/api/media/${ID}/torrent`, 'GET, HEAD'],
  ['PATCH', '/api/session', 'DELETE, GET, HEAD, POST'],
  ['GET', '/api/setup', 'POST'],
  ['DELETE', '/api/resolve', 'GET, HEAD, OPTIONS, POST'],
  ['POST', '/healthz', 'GET, HEAD'],
  ['PUT', '/metrics', 'GET, HEAD'],
  ['POST', '/watch/x', 'GET, HEAD'],
])('%s %s answers 405 and what is allowed instead', async (method, path, allow) => {
  const response = await fetch((await start()) + path, { method })
  expect(response.status).toBe(405)
  expect(response.headers.get('Allow')).toBe(allow)
  expect(await response.json()).toMatchObject({ error: { code: 'method_not_allowed' } })
})

test('an address of the API that does not exist stays a 404, whatever the method', async () => {
  const origin = await start()
  for (const method of ['GET', 'PUT', 'OPTIONS']) {
    const response = await fetch(`${origin}/api/nothing`, { method })
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ error: { code: 'not_found' } })
  }
})

test('a title whose file lies elsewhere is passed on until there is a copy of it', async () => {
  const clip = join(import.meta.dirname, '../e2e/clips/small/vp9-opus.webm')
  const source = await startTestSource(await readFile(clip))
  const url = `${source.origin}/film.webm`
  const origin = await start(
    {},
    {
      SOURCE_ORIGINS: source.origin,
      SOURCE_KEEP: 'always',
      ALLOW_PRIVATE_SOURCES: '1',
    },
  )
  const resolved = await fetch(`${origin}/api/resolve?url=${encodeURIComponent(url)}`)
  const { id } = (await resolved.json()) as { id: string }
  const { filename } = (await (await fetch(`${origin}/api/media/${id}`)).json()) as MediaRecord
  source.asked.length = 0
  const file = `${origin}/media/${id}/${filename}?revision=1`
  const part = await fetch(file, { headers: { Range: 'bytes=5-9' } })
  expect(Buffer.from(await part.arrayBuffer())).toEqual(source.bytes.subarray(5, 10))
  expect(source.asked).toEqual(['bytes=5-9'])
  const kind = async () => {
    const response = await fetch(`${origin}/api/media/${id}/torrent`)
    await response.arrayBuffer()
    return response.headers.get('Slipstream-Torrent')
  }
  expect(await kind()).toBe('placeholder')
  await expect.poll(kind, { timeout: 10_000 }).toBe('real')
  expect(await (await fetch(`${origin}/api/media/${id}`)).json()).toMatchObject({
    state: 'ready',
    source: { kept: true },
  })
  await source.close() // from here on the copy must do
  const whole = Buffer.from(await (await fetch(file)).arrayBuffer())
  expect(whole.equals(source.bytes)).toBe(true)
  expect(await readdir(join(folder, 'data/blobs', id))).toEqual(['1'])
})

test('metrics have one address, which a proxy can refuse, and no other spelling of it', async () => {
  const url = await start({}, { PUBLIC_URL: 'https://www.example.org/video' })
  const metrics = async (path: string) => {
    const answer = await fetch(url + path)
    return [answer.status, (await answer.text()).includes('slipstream_')]
  }
  expect(await metrics('/metrics')).toEqual([200, true])
  for (const path of ['/METRICS', '/metrics/', '//metrics', '/video/metrics', '/video/Metrics']) {
    expect([path, await metrics(path)]).toEqual([path, [404, false]])
  }
})

test('a Host that is none is refused, also one that only looks like a name', async () => {
  const url = await start()
  const { port } = new URL(url)
  for (const host of ['1.2.3.4.5', 'a:99999', '[::1::]']) {
    const request = httpRequest({
      port,
      path: '/api/resolve?url=https://a.example/a.mp4',
      headers: { host },
    })
    const [answer] = (await once(request.end(), 'response')) as [IncomingMessage]
    answer.resume()
    expect([host, answer.statusCode]).toEqual([host, 400])
  }
})
