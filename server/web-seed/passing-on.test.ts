import { mkdir, mkdtemp, rm, unlink, writeFile } from 'node:fs/promises'
import { createServer, get as httpGet, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { MediaId } from '#protocol/ids.ts'
import { createDiskBlobStore, type DiskBlobStore } from '../blobs/disk-blob-store.ts'
import { type Database, openDatabase } from '../database/database.ts'
import { sendError } from '../http/send-error.ts'
import { createCatalogue } from '../media/catalogue.ts'
import { Pace } from '../sources/politeness.ts'
import { SourceCopies } from '../sources/source-copies.ts'
import {
  addRemoteMedia,
  breakOff,
  refuse,
  sourceClient,
  startTestSource,
  type TestSource,
} from '../sources/source-fixture.ts'
import { PassingOn } from './passing-on.ts'
import { WebSeed } from './web-seed.ts'

const ID = '0123456789abcdef' as MediaId
const SIZE = 6_000_000

let folder: string
let database: Database
let blobs: DiskBlobStore
let source: TestSource
let copies: SourceCopies
let webSeed: WebSeed
let server: Server
let url: string
let sent: number
let wanted: string[]
let renewed: MediaId[]
let lines: { level: number; msg: string }[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'passing-on-'))
  database = await openDatabase(':memory:')
  blobs = createDiskBlobStore(join(folder, 'blobs'))
  source = await startTestSource(SIZE)
  sent = 0
  wanted = []
  renewed = []
  lines = []
  const log = pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line)) })
  const pace = new Pace(1e12, Date.now)
  copies = new SourceCopies({
    database,
    blobs,
    reader: { client: sourceClient, pace, now: Date.now, haste: 100 },
    keepOf: () => 'never',
    cacheBytes: 1e9,
    onChange: (id, revision) => webSeed.forget(id, revision),
    now: Date.now,
    log,
  })
  const renew = async (id: MediaId) => {
    renewed.push(id)
  }
  webSeed = new WebSeed({
    catalogue: createCatalogue(database),
    blobs,
    passingOn: new PassingOn({ client: sourceClient, copies, renew, log, patience: 3_000 }),
    clientOf: ({ headers }) => String(headers['x-test-client']),
    onWanted: (id, revision) => wanted.push(`${id} ${revision}`),
    onSent: (bytes) => {
      sent += bytes
    },
  })
  server = createServer((request, response) => {
    webSeed
      .handle(request, response, new URL(request.url ?? '/', 'http://localhost'))
      .catch((error) => sendError(request, response, error, log))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/media/${ID}/film.webm`
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  webSeed.close()
  await copies.close()
  await source.close()
  await database.destroy()
  await rm(folder, { recursive: true })
})

const get = (headers: Record<string, string> = {}, query = '?revision=1', method = 'GET') =>
  fetch(url + query, { method, headers })
const bodyOf = async (response: Response) => Buffer.from(await response.arrayBuffer())
const bytes = (start: number, end: number) => source.bytes.subarray(start, end)

/** Puts a copy where it belongs. */
async function keep(revision: number, content: Uint8Array) {
  await mkdir(dirname(blobs.path(ID, revision)), { recursive: true })
  await writeFile(blobs.path(ID, revision), content)
  await database.updateTable('media_source').set({ kept_revision: revision }).execute()
}

describe('a file elsewhere of which there is no copy', () => {
  it('is passed on in ranges, with the same headers as any other', async () => {
    await addRemoteMedia(database, source)
    const part = await get({ Range: 'bytes=1000-2000999' })
    expect(part.status).toBe(206)
    expect(part.headers.get('content-range')).toBe(`bytes 1000-2000999/${SIZE}`)
    expect(part.headers.get('content-length')).toBe('2000000')
    expect(part.headers.get('etag')).toBe(`"${ID}-1"`)
    expect(part.headers.get('cache-control')).toContain('immutable')
    expect(part.headers.get('access-control-allow-origin')).toBe('*')
    expect((await bodyOf(part)).equals(bytes(1000, 2_001_000))).toBe(true)
    expect(source.asked).toEqual(['bytes=1000-2000999'])
    expect(sent).toBe(2_000_000)
    const whole = await get()
    expect(whole.status).toBe(200)
    expect((await bodyOf(whole)).equals(source.bytes)).toBe(true)
    expect(wanted).toEqual([])
  })

  it('answers HEAD, conditions and impossible ranges without asking the source', async () => {
    await addRemoteMedia(database, source)
    const head = await get({}, '', 'HEAD')
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(SIZE)])
    expect((await get({ 'If-None-Match': `"${ID}-1"` })).status).toBe(304)
    expect((await get({ Range: `bytes=${SIZE}-` })).status).toBe(416)
    expect(source.asked).toEqual([])
  })

  it('is no longer asked for when the client leaves', async () => {
    await addRemoteMedia(database, source)
    source.rate = 2_000_000
    for (let round = 0; round < 5; round += 1) {
      await new Promise<void>((resolve) => {
        const request = httpGet(`${url}?revision=1`, (response) => {
          response.once('data', () => request.destroy())
          response.on('error', () => {})
        })
        request.on('error', () => {}).on('close', resolve)
      })
    }
    await expect.poll(() => source.open).toBe(0)
    expect(source.sent).toBeLessThan(SIZE)
    expect(lines.filter(({ level }) => level > 30)).toEqual([])
    source.rate = null
    expect((await bodyOf(await get())).equals(source.bytes)).toBe(true)
  })

  it('comes no faster than the client takes it', async () => {
    source.bytes = Buffer.alloc(100_000_000, 'film')
    await addRemoteMedia(database, source)
    const response = await new Promise<import('node:http').IncomingMessage>((resolve) => {
      httpGet(`${url}?revision=1`, resolve)
    })
    response.pause()
    await new Promise((resolve) => setTimeout(resolve, 700))
    expect(source.sent).toBeLessThan(50_000_000)
    response.destroy()
    await expect.poll(() => source.open).toBe(0)
  })

  it('is an error with Retry-After when the source fails before the first byte', async () => {
    await addRemoteMedia(database, source)
    source.mischief.push(refuse(500), refuse(503, { 'Retry-After': '77' }), refuse(404))
    const failed = await get({ Range: 'bytes=0-9' })
    expect([failed.status, failed.headers.get('retry-after')]).toEqual([502, '10'])
    expect(failed.headers.get('content-range')).toBeNull()
    expect(await failed.json()).toMatchObject({ error: { code: 'source_unreachable' } })
    const busy = await get()
    expect([busy.status, busy.headers.get('retry-after')]).toEqual([502, '77'])
    expect((await get()).status).toBe(404)
  })

  it('ends with the connection when the source breaks off later', async () => {
    await addRemoteMedia(database, source)
    source.mischief.push(breakOff(source, 1_000_000))
    await expect(get().then(bodyOf)).rejects.toThrow()
    expect((await get({ Range: 'bytes=0-99' })).status).toBe(206)
  })

  it('comes from a mirror when the source is down', async () => {
    await addRemoteMedia(database, source)
    const mirror = await startTestSource(source.bytes)
    mirror.etag = '"mirror"'
    await database
      .updateTable('media_source')
      .set({ mirrors: JSON.stringify([mirror.url]) })
      .execute()
    source.mischief.push(refuse(503))
    expect((await bodyOf(await get())).equals(source.bytes)).toBe(true)
    expect(mirror.sent).toBe(SIZE)
    await mirror.close()
  })

  it('is gone when it changed at its source, and that is told once', async () => {
    await addRemoteMedia(database, source)
    source.etag = '"two"'
    const answers = await Promise.all([get(), get({ Range: 'bytes=0-9' })])
    for (const answer of answers) {
      expect(answer.status).toBe(410)
      expect(await answer.json()).toEqual({
        error: { code: 'gone', message: 'The file changed at its source. Reload the page.' },
      })
    }
    expect(renewed.length).toBeGreaterThan(0)
  })

  it('is refused when too many are passed on at once', async () => {
    await addRemoteMedia(database, source)
    source.rate = 100_000
    const stop = new AbortController()
    const crowd = Array.from({ length: 64 }, () =>
      fetch(`${url}?revision=1`, { signal: stop.signal }),
    )
    await Promise.all(crowd)
    const late = await get()
    expect([late.status, late.headers.get('retry-after')]).toEqual([502, '10'])
    const [oldest, second] = await Promise.all(crowd)
    const other = await get({ Range: 'bytes=0-9', 'X-Test-Client': 'somebody else' })
    expect(other.status).toBe(206) // one address cannot have all places
    await expect(oldest?.arrayBuffer()).rejects.toThrow()
    expect((await second?.body?.getReader().read())?.done).toBe(false)
    stop.abort()
    await expect.poll(() => source.open).toBe(0)
    source.rate = null
    expect((await get({ Range: 'bytes=0-9' })).status).toBe(206)
  })
})

describe('a source without ranges', () => {
  beforeEach(() => {
    source.ranges = false
  })

  it('is copied for the first viewer, who gets ranges as they come', async () => {
    await addRemoteMedia(database, source)
    source.rate = 12_000_000
    const head = await get({ Range: 'bytes=0-99999' })
    expect(head.status).toBe(206)
    expect((await bodyOf(head)).equals(bytes(0, 100_000))).toBe(true)
    expect(source.sent).toBeLessThan(SIZE)
    const tail = await get({ Range: `bytes=-1000` })
    expect((await bodyOf(tail)).equals(bytes(SIZE - 1000, SIZE))).toBe(true)
    expect((await bodyOf(await get())).equals(source.bytes)).toBe(true)
    expect(source.asked).toEqual(['-'])
    await expect.poll(() => blobs.has(ID, 1)).toBe(true)
  })

  it('is told to come back later when the copy is far from the range', async () => {
    await addRemoteMedia(database, source)
    source.rate = 500_000
    const late = await get({ Range: `bytes=-1000` })
    expect([late.status, late.headers.get('retry-after')]).toEqual([502, '10'])
    expect(((await late.json()) as { error: { message: string } }).error.message).toContain(
      'from its beginning only',
    )
  })
})

describe('a copy that is kept', () => {
  it('is sent from disk', async () => {
    await addRemoteMedia(database, source)
    await keep(1, source.bytes)
    const part = await get({ Range: 'bytes=10-99' })
    expect((await bodyOf(part)).equals(bytes(10, 100))).toBe(true)
    expect(source.asked).toEqual([])
    expect(wanted).toEqual([`${ID} 1`])
  })

  it('that made room this very moment is passed on instead', async () => {
    await addRemoteMedia(database, source)
    await keep(1, source.bytes)
    await unlink(blobs.path(ID, 1))
    expect((await bodyOf(await get())).equals(source.bytes)).toBe(true)
    expect(source.sent).toBe(SIZE)
  })

  it('is read to its end by who began, when it makes room meanwhile', async () => {
    await addRemoteMedia(database, source)
    await keep(1, source.bytes)
    const response = await get()
    await copies.drop(ID, 1)
    expect((await bodyOf(response)).equals(source.bytes)).toBe(true)
    expect(source.asked).toEqual([])
  })

  it('serves an older revision to its viewers, with the size it had', async () => {
    await addRemoteMedia(database, source)
    await keep(1, source.bytes)
    await database.updateTable('media').set({ revision: 2, size: 17 }).execute()
    const old = await get()
    expect(old.headers.get('etag')).toBe(`"${ID}-1"`)
    expect((await bodyOf(old)).equals(source.bytes)).toBe(true)
    const head = await get({}, '?revision=1', 'HEAD')
    expect(head.headers.get('content-length')).toBe(String(SIZE))
    await keep(2, bytes(0, 17))
    expect((await bodyOf(await get({ Range: 'bytes=100-199' }))).equals(bytes(100, 200))).toBe(true)
    expect((await bodyOf(await get({}, '?revision=2'))).equals(bytes(0, 17))).toBe(true)
    expect(wanted).toEqual([`${ID} 1`, `${ID} 1`, `${ID} 2`])
    await copies.drop(ID, 1)
    const gone = await get()
    expect(gone.status).toBe(410)
    expect((await get({}, '?revision=2')).status).toBe(200)
    expect((await get({}, '?revision=3')).status).toBe(404)
    expect((await get({}, '?revision=x')).status).toBe(404)
  })
})
