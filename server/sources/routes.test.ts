import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import * as v from 'valibot'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type MediaRecord, mediaRecordSchema } from '#protocol/media.ts'
import { resolvedSchema, sourceOriginsSchema } from '#protocol/sources.ts'
import { type App, type AppOverrides, createApp } from '../app.ts'
import { parseConfig } from '../config/config.ts'
import { exampleBytes, film, startSource, type TestSource } from './web-server-fixture.ts'

let folder: string
let source: TestSource
let app: App | null
let origin: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sources-'))
  await mkdir(join(folder, 'dist/client'), { recursive: true })
  await writeFile(join(folder, 'dist/client/index.html'), '<!doctype html><title>x</title>')
  source = await startSource()
  app = null
})
afterEach(async () => {
  await app?.close()
  await source.close()
  await rm(folder, { recursive: true })
})

async function start(
  environment: Record<string, string> = {
    SOURCE_ORIGINS: source.url,
    ALLOW_PRIVATE_SOURCES: '1',
  },
  overrides: AppOverrides = {},
): Promise<void> {
  const config = parseConfig({
    DATA_DIR: join(folder, 'data'),
    ADMIN_EMAIL: 'a@example.org',
    ADMIN_PASSWORD: 'correct horse battery',
    ...environment,
  })
  const started = await createApp(config, folder, pino({ level: 'silent' }), overrides)
  app = started
  await new Promise<void>((resolve) => started.server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(started.server.address() as AddressInfo).port}`
}

const get = (url: string) => fetch(`${origin}/api/resolve?url=${encodeURIComponent(url)}`)
const send = (method: string, path: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(origin + path, {
    method,
    headers: { 'Content-Type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
const post = (body: unknown, headers = {}) => send('POST', '/api/resolve', body, headers)

async function signIn(): Promise<Record<string, string>> {
  const account = { email: 'a@example.org', password: 'correct horse battery' }
  const answer = await send('POST', '/api/session', account)
  return { Cookie: answer.headers.get('Set-Cookie')?.split(';', 1)[0] ?? '' }
}

async function errorOf(answer: Response) {
  const { error } = (await answer.json()) as { error: { code: string; message: string } }
  return { status: answer.status, code: error.code }
}

test('a URL of an allowed origin is answered with its title, by GET and POST, to any site', async () => {
  await start()
  const url = `${source.url}/film.mp4`
  const answer = await get(url)
  expect(answer.status).toBe(200)
  expect(answer.headers.get('Cache-Control')).toBe('public, max-age=60')
  expect(answer.headers.get('Access-Control-Allow-Origin')).toBe('*')
  const resolved = v.parse(resolvedSchema, await answer.json())
  const { id } = resolved
  expect(resolved).toEqual({
    id,
    torrent: `${origin}/api/media/${id}/torrent`,
    watch: `${origin}/watch/${id}`,
    embed: `${origin}/embed/${id}`,
  })
  const posted = await post({ url }, { Origin: 'https://www.example.org' })
  expect(await posted.json()).toEqual(resolved)
  const record = await (await fetch(`${origin}/api/media/${id}`)).json()
  expect(record).toMatchObject({
    size: 100_000,
    source: { url, mirrors: [], kept: false, warning: null },
    webSeeds: [url, `${origin}/media/${id}/film.mp4?revision=1`],
  })
  const torrent = await fetch(`${origin}/api/media/${id}/torrent`)
  expect(torrent.headers.get('Slipstream-Torrent')).toBe('placeholder')
  expect(await torrent.text()).toContain(url)
  expect((await get(`${origin}/watch/${id}`)).status).toBe(200)
})

test('a preflight of any site passes', async () => {
  await start()
  const answer = await fetch(`${origin}/api/resolve`, {
    method: 'OPTIONS',
    headers: {
      Origin: 'https://www.example.org',
      'Access-Control-Request-Method': 'POST',
      'Access-Control-Request-Headers': 'content-type',
    },
  })
  expect(answer.status).toBe(204)
  expect(answer.headers.get('Access-Control-Allow-Origin')).toBe('*')
  expect(answer.headers.get('Access-Control-Allow-Methods')).toContain('POST')
  expect(answer.headers.get('Access-Control-Allow-Headers')).toMatch(/content-type/i)
})

test('every error is JSON with its code, which pages of any site can read', async () => {
  await start()
  source.answer((request, response) => {
    if (request.url === '/busy.mp4') response.writeHead(503, { 'Retry-After': '9' }).end()
    else if (request.url === '/page')
      film({ headers: { 'Content-Type': 'text/html' } })(request, response)
    else response.writeHead(404).end()
  })
  const refused = async (answer: Response, status: number, code: string) => {
    expect(answer.headers.get('Access-Control-Allow-Origin')).toBe('*')
    expect(answer.headers.get('Cache-Control')).toBe('no-store')
    expect(await errorOf(answer)).toEqual({ status, code })
  }
  await refused(await get(`${source.url}/none.mp4`), 404, 'not_found')
  await refused(await get(`${source.url}/page`), 422, 'source_unsuitable')
  const busy = await get(`${source.url}/busy.mp4`)
  expect(busy.headers.get('Retry-After')).toBe('9')
  expect(busy.headers.get('Access-Control-Expose-Headers')).toBe('Retry-After')
  await refused(busy, 502, 'source_unreachable')
  await refused(await get('https://elsewhere.example/film.mp4'), 403, 'source_not_allowed')
  await refused(await get('file:///etc/passwd'), 403, 'source_not_allowed')
  await refused(
    await get(`${source.url.replace('//', '//user:secret@')}/a.mp4`),
    400,
    'bad_request',
  )
  await refused(await get('film.mp4'), 400, 'bad_request')
  await refused(await fetch(`${origin}/api/resolve`), 400, 'bad_request')
  await refused(await fetch(`${origin}/api/resolve?url=a&url=b`), 400, 'bad_request')
  await refused(await post({}), 400, 'bad_request')
  await refused(await post({ url: 5 }), 400, 'bad_request')
  await refused(await post('[]'), 400, 'bad_request')
  await refused(await post('{"url":'), 400, 'bad_request')
  await refused(await post({ url: 'a'.repeat(20_000) }), 413, 'payload_too_large')
  const deleted = await fetch(`${origin}/api/resolve`, { method: 'DELETE' })
  await refused(deleted, 405, 'method_not_allowed')
})

test('without ALLOW_PRIVATE_SOURCES nothing on this machine is asked, in any spelling or by any name', async () => {
  const { port } = source
  const hosts = [
    '127.0.0.1',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '[::ffff:127.0.0.1]',
    'localhost',
  ]
  hosts.push('cdn.example.org')
  const SOURCE_ORIGINS = hosts.map((host) => `http://${host}:${port}/`).join(',')
  const lookup = async () => [{ address: '127.0.0.1', family: 4 }]
  await start({ SOURCE_ORIGINS }, { lookup })
  for (const host of hosts) {
    const answer = await get(`http://${host}:${port}/film.mp4`)
    expect(await errorOf(answer), host).toEqual({ status: 403, code: 'source_not_allowed' })
  }
  expect(source.requests).toEqual([])
  expect(source.connections).toBe(0)
})

test('a thousand different titles at once from one address are all answered', async () => {
  await start()
  const answers = await Promise.all(
    Array.from({ length: 1_000 }, (_, index) => get(`${source.url}/film-${index}.mp4`)),
  )
  expect(answers.filter(({ status }) => status !== 200)).toEqual([])
  expect(source.requests).toHaveLength(1_000)
}, 60_000)

test('origins are managed by who is signed in, from this site only', async () => {
  await start({ SOURCE_ORIGINS: 'https://cdn.example.org/films' })
  expect(await errorOf(await fetch(`${origin}/api/sources`))).toMatchObject({ status: 401 })
  const anonymous = await send('POST', '/api/sources', { url: 'https://a.example/' })
  expect(await errorOf(anonymous)).toMatchObject({ status: 401 })
  const cookie = await signIn()
  const foreign = { ...cookie, Origin: 'https://evil.example' }
  const crossing = await send('POST', '/api/sources', { url: 'https://a.example/' }, foreign)
  expect(await errorOf(crossing)).toEqual({ status: 403, code: 'cross_origin' })

  const created = await send('POST', '/api/sources', { url: 'https://a.example/films' }, cookie)
  expect(created.status).toBe(201)
  const added = (await created.json()) as { id: string }
  expect(added).toEqual({
    id: added.id,
    url: 'https://a.example/films/',
    keep: 'never',
    fixed: false,
  })
  const list = async () => {
    const answer = await fetch(`${origin}/api/sources`, { headers: cookie })
    return v.parse(sourceOriginsSchema, await answer.json()).origins
  }
  const fixed = {
    id: expect.any(String),
    url: 'https://cdn.example.org/films/',
    keep: 'never',
    fixed: true,
  }
  expect(await list()).toEqual([fixed, added])

  const path = `/api/sources/${added.id}`
  const kept = await send('PATCH', path, { keep: 'always' }, cookie)
  expect(await kept.json()).toEqual({ ...added, keep: 'always' })
  const wrong = async (method: string, where: string, body: unknown) =>
    errorOf(await send(method, where, body, cookie))
  expect(await wrong('PATCH', path, { keep: 'sometimes' })).toMatchObject({ code: 'bad_request' })
  expect(await wrong('PATCH', path, { url: 'https://b.example' })).toMatchObject({
    code: 'bad_request',
  })
  expect(await wrong('PATCH', '/api/sources/none', { keep: 'never' })).toMatchObject({
    status: 404,
  })
  expect(await wrong('POST', '/api/sources', {})).toMatchObject({ code: 'bad_request' })
  expect(await wrong('POST', '/api/sources', '[]')).toMatchObject({ code: 'bad_request' })
  expect(await wrong('POST', '/api/sources', { url: 'http://10.0.0.1/' })).toEqual({
    status: 403,
    code: 'source_not_allowed',
  })
  expect(await wrong('POST', '/api/sources', { url: 'https://a.example/films/' })).toMatchObject({
    status: 409,
  })
  const [operators] = await list()
  expect(await wrong('DELETE', `/api/sources/${operators?.id}`, {})).toMatchObject({ status: 409 })

  const removed = await fetch(origin + path, { method: 'DELETE', headers: cookie })
  expect(removed.status).toBe(204)
  expect(await list()).toEqual([fixed])
})

/** Has the torrent of the title at `url` built, and a copy kept. @returns the title's id */
async function built(url: string): Promise<string> {
  const { id } = v.parse(resolvedSchema, await (await get(url)).json())
  const record = async () => (await fetch(`${origin}/api/media/${id}`)).json()
  await fetch(`${origin}/api/media/${id}/torrent`)
  await expect.poll(record, { timeout: 10_000 }).toMatchObject({ source: { kept: true } })
  return id
}
const clip = () =>
  readFile(new URL('../../e2e/clips/small/h264-aac-moov-last.mp4', import.meta.url))
const copiesOf = (id: string) => readdir(join(folder, 'data/blobs', id)).catch(() => [])

test('viewers of a file that changed finish with its copy; with the title all its copies go', async () => {
  let late = 0
  const environment = {
    SOURCE_ORIGINS: source.url,
    ALLOW_PRIVATE_SOURCES: '1',
    SOURCE_KEEP: 'always',
  }
  await start(environment, { now: () => Date.now() + late })
  const bytes = await clip()
  source.answer(film({ bytes }))
  const url = `${source.url}/film.mp4`
  const id = await built(url)
  const changed = Buffer.concat([bytes, Buffer.from('\0\0\0\x08free')])
  source.answer(film({ bytes: changed, headers: { ETag: '"two"' } }))
  late = 61_000 // the source is asked again
  await get(url)
  const record = async () => (await fetch(`${origin}/api/media/${id}`)).json()
  await expect.poll(record).toMatchObject({ size: changed.length, source: { kept: false } })
  await built(url)
  const old = await fetch(`${origin}/media/${id}/film.mp4?revision=1`, {
    headers: { Range: 'bytes=1000-' },
  })
  expect(old.status).toBe(206)
  expect(Buffer.from(await old.arrayBuffer()).equals(bytes.subarray(1000))).toBe(true)
  expect(await copiesOf(id)).toEqual(['1', '2'])

  const deleted = await send('DELETE', `/api/media/${id}`, {}, await signIn())
  expect(deleted.status).toBe(204)
  expect(await copiesOf(id)).toEqual([])
  expect((await fetch(`${origin}/media/${id}/film.mp4?revision=1`)).status).toBe(404)
})

test('copies go at once when their origin is to keep none, or is removed', async () => {
  await start({ ALLOW_PRIVATE_SOURCES: '1' })
  source.answer(film({ bytes: await clip() }))
  const cookie = await signIn()
  for (const [method, body] of [
    ['PATCH', { keep: 'never' }],
    ['DELETE', {}],
  ] as const) {
    const url = `${source.url}/${method}/`
    const added = await send('POST', '/api/sources', { url, keep: 'always' }, cookie)
    const { id: originId } = (await added.json()) as { id: string }
    const id = await built(`${url}film.mp4`)
    expect(await copiesOf(id)).toEqual(['1'])
    expect((await send(method, `/api/sources/${originId}`, body, cookie)).ok).toBe(true)
    expect(await copiesOf(id)).toEqual([])
    const record = await (await fetch(`${origin}/api/media/${id}`)).json()
    expect(record).toMatchObject({ source: { kept: false } })
  }
})

test('mirrors are set with the title, all or none of the edit', async () => {
  await start()
  const { id } = v.parse(resolvedSchema, await (await get(`${source.url}/film.mp4`)).json())
  const cookie = await signIn()
  const mirror = `${source.url}/mirror/film.mp4`
  const edit = (body: unknown) => send('PATCH', `/api/media/${id}`, body, cookie)
  const edited = await (await edit({ title: 'New', mirrors: [mirror] })).json()
  expect(edited).toMatchObject({
    title: 'New',
    source: { mirrors: [mirror] },
    webSeeds: [`${source.url}/film.mp4`, mirror, expect.stringContaining(origin)],
  })
  source.answer(film({ bytes: exampleBytes(5) }))
  expect(await errorOf(await edit({ title: 'Other', mirrors: [mirror] }))).toMatchObject({
    code: 'source_unsuitable',
  })
  const record = await (await fetch(`${origin}/api/media/${id}`)).json()
  expect(record).toMatchObject({ title: 'New', source: { mirrors: [mirror] } })
})

test('a torrent that is there is built again as the next revision, when somebody signed in wants it', async () => {
  const clip = join(import.meta.dirname, '../../e2e/clips/small/vp9-opus.webm')
  const bytes = await readFile(clip)
  const headers = { 'Content-Type': 'video/webm' }
  source.answer(film({ bytes, headers }))
  await start()
  const { id } = v.parse(resolvedSchema, await (await get(`${source.url}/film.webm`)).json())
  const record = async () =>
    v.parse(mediaRecordSchema, await (await fetch(`${origin}/api/media/${id}`)).json())
  const builtOnce = async () => {
    await (await fetch(`${origin}/api/media/${id}/torrent`)).arrayBuffer()
    await expect.poll(async () => (await record()).state, { timeout: 10_000 }).toBe('ready')
    return record()
  }
  const first = await builtOnce()
  const other = Buffer.from(bytes)
  other[other.length - 1] = (other.at(-1) ?? 0) ^ 1
  source.answer(film({ bytes: other, headers })) // by the same name, so that nobody notices
  const path = `/api/media/${id}/build`
  expect(await errorOf(await send('POST', path, {}))).toMatchObject({ status: 401 })
  const answers = await Promise.all(
    [1, 2].map(async () => send('POST', path, {}, await signIn())), // whoever clicks twice
  )
  expect(answers.map(({ status }) => status)).toEqual([202, 202])
  expect(await answers[0]?.json()).toMatchObject({ revision: 2, state: 'building' })
  const second = await builtOnce()
  expect(second.revision).toBe(2)
  expect(infoHashOf(second)).not.toBe(infoHashOf(first))
  source.answer((_request, response) => response.writeHead(503).end())
  const refused = await send('POST', path, {}, await signIn())
  expect(await errorOf(refused)).toEqual({ status: 502, code: 'source_unreachable' })
  expect(await record()).toEqual(second)
})

const infoHashOf = (media: MediaRecord) => media.state === 'ready' && media.infoHash

test('this server is no source of its own, by whatever name it is called', async () => {
  await start({
    SOURCE_ORIGINS: source.url,
    ALLOW_PRIVATE_SOURCES: '1',
    PUBLIC_URL: 'https://media.example.org',
  })
  const { id } = v.parse(resolvedSchema, await (await get(`${source.url}/film.mp4`)).json())
  const added = await send('POST', '/api/sources', { url: origin }, await signIn())
  expect(added.status).toBe(201)
  expect(await errorOf(await get(`${origin}/media/${id}/film.mp4`))).toEqual({
    status: 422,
    code: 'source_unsuitable',
  })
})

test('from one address, more new URLs in a minute than any page has are refused; known ones never', async () => {
  await start()
  const known = `${source.url}/film.mp4`
  expect((await get(known)).status).toBe(200)
  let refused = 0
  for (let round = 0; round < 21; round += 1) {
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => get(`https://other.example/${round}-${index}.mp4`)),
    )
    refused += answers.filter(({ status }) => status === 429).length
  }
  expect(refused).toBe(101)
  const answer = await get('https://other.example/one-more.mp4')
  expect(answer.headers.get('Retry-After')).toBe('60')
  expect(await errorOf(answer)).toEqual({ status: 429, code: 'too_many_requests' })
  expect((await get(known)).status).toBe(200)
  const page = (url: string) => fetch(`${origin}/embed?url=${encodeURIComponent(url)}`)
  expect((await page('https://other.example/by-the-page.mp4')).status).toBe(429)
  expect((await page(known)).status).toBe(200)
}, 60_000)
