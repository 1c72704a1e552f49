import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { createServer, request as httpRequest, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Logger, pino } from 'pino'
import { Upload } from 'tus-js-client'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createDiskBlobStore, type DiskBlobStore } from '../blobs/disk-blob-store.ts'
import { type Database, openDatabase } from '../database/database.ts'
import { requestOrigin } from '../http/request-address.ts'
import { createIngest, type Ingest, newMediaId } from '../ingest/ingest.ts'
import { ProbeTimeout } from '../ingest/probe.ts'
import { createCatalogue } from '../media/catalogue.ts'
import { createUploads, type Uploads } from './uploads.ts'

const SMALL = new URL('../../e2e/clips/small/', import.meta.url)
const MAX_BYTES = 100_000
const TUS = { 'Tus-Resumable': '1.0.0' }
const BYTES = { ...TUS, 'Content-Type': 'application/offset+octet-stream' }
const log = pino({ level: 'silent' })

let folder: string
let database: Database
let blobs: DiskBlobStore
let ingest: Ingest
let uploads: Uploads
let server: Server
let origin: string
let signedIn: boolean
let film: Buffer

beforeEach(async () => {
  signedIn = true
  film = await readFile(new URL('vp9-opus.webm', SMALL))
  folder = await mkdtemp(join(tmpdir(), 'uploads-'))
  database = await openDatabase(join(folder, 'db'))
  blobs = createDiskBlobStore(join(folder, 'blobs'))
  ingest = createIngest({ blobs, catalogue: createCatalogue(database), now: Date.now, log })
  uploads = start(ingest)
  server = createServer((request, response) => uploads.handle(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(async () => {
  await uploads.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await database.destroy()
  await rm(folder, { recursive: true })
})

function start(
  of: Pick<Ingest, 'ingest'>,
  now = Date.now,
  logger: Logger = log,
  probePatience = 20_000,
): Uploads {
  return createUploads({
    directory: join(folder, 'uploads'),
    maxBytes: MAX_BYTES,
    isSignedIn: async () => signedIn,
    originOf: requestOrigin({ publicUrl: null, isTrustedProxy: () => false }),
    ingest: of,
    now,
    probePatience,
    log: logger,
  })
}

const titles = () => database.selectFrom('media').selectAll().execute()
const files = () => readdir(join(folder, 'uploads'))
const base64 = (text: string) => Buffer.from(text).toString('base64')

/** @returns URL of a new upload */
async function create(length: number | 'deferred', headers = {}): Promise<string> {
  const lengthHeader =
    length === 'deferred' ? { 'Upload-Defer-Length': '1' } : { 'Upload-Length': String(length) }
  const response = await fetch(`${origin}/api/uploads`, {
    method: 'POST',
    headers: { ...TUS, ...lengthHeader, ...headers },
  })
  expect(response.status).toBe(201)
  const location = response.headers.get('Location') ?? ''
  expect(location).toMatch(/^\/api\/uploads\/[0-9a-f]{32}$/)
  return origin + location
}

function patch(url: string, offset: number, body: Uint8Array, headers = {}): Promise<Response> {
  return fetch(url, {
    method: 'PATCH',
    headers: { ...BYTES, 'Upload-Offset': String(offset), ...headers },
    body: Buffer.from(body),
  })
}

const head = (url: string) => fetch(url, { method: 'HEAD', headers: TUS })

async function problem(response: Response) {
  expect(response.headers.get('Content-Type')).toContain('application/json')
  const { error } = (await response.json()) as { error: { code: string; message: string } }
  return { status: response.status, ...error }
}

/** Uploads as the admin page does. @returns the title's id */
function tusUpload(
  content: Buffer,
  options: Partial<ConstructorParameters<typeof Upload>[1]> = {},
) {
  return new Promise<string | undefined>((resolve, reject) => {
    new Upload(content as never, {
      endpoint: `${origin}/api/uploads`,
      retryDelays: null,
      onError: reject,
      onSuccess: ({ lastResponse }) => resolve(lastResponse.getHeader('Slipstream-Media')),
      ...options,
    }).start()
  })
}

describe('an upload', () => {
  test('in pieces by tus-js-client becomes a title with its metadata', async () => {
    const id = await tusUpload(film, {
      chunkSize: 10_000,
      metadata: { filename: '../my "film"\n🎬.mp4', filetype: 'image/png', title: 'Été' },
    })
    const [title] = await titles()
    expect(title).toMatchObject({
      id,
      title: 'Été',
      filename: 'my _film_ 🎬.webm',
      size: film.length,
    })
    expect(await readFile(blobs.path(title?.id ?? newMediaId(), 1))).toEqual(film)
    expect((await files()).filter((name) => !name.endsWith('.json'))).toEqual([])
  })

  test('in one request of creation with upload tells the title at once', async () => {
    const response = await fetch(`${origin}/api/uploads`, {
      method: 'POST',
      headers: { ...BYTES, 'Upload-Length': String(film.length) },
      body: film,
    })
    expect(response.status).toBe(201)
    expect((await titles())[0]?.id).toBe(response.headers.get('Slipstream-Media'))
  })

  test('of a length told later works up to the maximum', async () => {
    const url = await create('deferred')
    const first = await patch(url, 0, film.subarray(0, 5_000))
    expect(first.status).toBe(204)
    expect(first.headers.get('Slipstream-Media')).toBeNull()
    const last = await patch(url, 5_000, film.subarray(5_000), {
      'Upload-Length': String(film.length),
    })
    expect(last.headers.get('Slipstream-Media')).toBe((await titles())[0]?.id)

    const endless = await create('deferred')
    const tooLong = await patch(endless, 0, new Uint8Array(MAX_BYTES + 1))
    expect(await problem(tooLong)).toMatchObject({ status: 413, code: 'payload_too_large' })
    const declared = await patch(endless, 0, film, { 'Upload-Length': String(MAX_BYTES + 1) })
    expect((await problem(declared)).message).toContain('100 kB (100,000 bytes)')
  })

  test('of the same file twice is two titles', async () => {
    const [first, second] = await Promise.all([tusUpload(film), tusUpload(film)])
    expect(first).not.toBe(second)
    expect(await titles()).toHaveLength(2)
  })

  test('whose last request is repeated is one title, and HEAD tells its id', async () => {
    const url = await create(film.length)
    const answers = [await patch(url, 0, film)]
    answers.push(await patch(url, film.length, new Uint8Array()))
    answers.push(await head(url))
    const ids = answers.map((response) => response.headers.get('Slipstream-Media'))
    expect(new Set(ids).size).toBe(1)
    expect(ids[0]).toBe((await titles())[0]?.id)
    expect(answers.map((response) => response.status)).toEqual([204, 204, 200])
    expect(answers[2]?.headers.get('Upload-Offset')).toBe(String(film.length))
    expect(await titles()).toHaveLength(1)
  })

  test('that breaks off keeps what arrived and resumes there', async () => {
    const url = await create(film.length)
    const broken = httpRequest(url, {
      method: 'PATCH',
      headers: { ...BYTES, 'Upload-Offset': '0', 'Content-Length': film.length },
    })
    broken.on('error', () => {})
    await new Promise((resolve) => broken.write(film.subarray(0, 7_000), resolve))
    await delay(100)
    broken.destroy()
    const offsetNow = async () => Number((await head(url)).headers.get('Upload-Offset'))
    await expect.poll(offsetNow).toBe(7_000)
    const offset = 7_000
    const rest = await patch(url, offset, film.subarray(offset))
    expect(rest.headers.get('Slipstream-Media')).toBe((await titles())[0]?.id)
  })

  test('that still seems under way is handed over to who resumes it', async () => {
    const url = await create(film.length)
    const stuck = httpRequest(url, {
      method: 'PATCH',
      headers: { ...BYTES, 'Upload-Offset': '0', 'Content-Length': film.length },
    })
    stuck.on('error', () => {})
    await new Promise((resolve) => stuck.write(film.subarray(0, 7_000), resolve))
    await delay(100)
    // The first connection is still open.
    const offset = Number((await head(url)).headers.get('Upload-Offset'))
    expect(offset).toBeGreaterThan(0)
    expect((await patch(url, offset, film.subarray(offset))).status).toBe(204)
    stuck.destroy()
    expect(await titles()).toHaveLength(1)
  })

  test('can be called off while it is under way, not when it is a title', async () => {
    const url = await create(film.length)
    const remove = () => fetch(url, { method: 'DELETE', headers: TUS })
    expect((await remove()).status).toBe(204)
    expect((await head(url)).status).toBe(404)
    expect(await files()).toEqual([])

    const finished = await create(film.length)
    await patch(finished, 0, film)
    const refused = await fetch(finished, { method: 'DELETE', headers: TUS })
    expect(await problem(refused)).toMatchObject({ status: 409, code: 'conflict' })
  })
})

describe('an upload is refused', () => {
  test('when it is not media, and its bytes are removed', async () => {
    const url = await create(9, { 'Upload-Metadata': `filename ${base64('film.mp4')}` })
    const refused = await problem(await patch(url, 0, Buffer.from('not media')))
    expect(refused).toMatchObject({ status: 415, code: 'unsupported_media' })
    expect(refused.message).toContain('a text file')
    expect(await files()).toEqual([])
    expect((await head(url)).status).toBe(404)
    expect(await titles()).toEqual([])
    expect(await blobs.list()).toEqual([])
  })

  test('with the reason when tus-js-client sends it', async () => {
    const failure = await tusUpload(film.subarray(0, 9_000)).catch((error) => error)
    expect(failure.originalResponse.getStatus()).toBe(415)
    expect(JSON.parse(failure.originalResponse.getBody()).error.message).toContain('cut short')
  })

  test('when it is empty, at once or told later', async () => {
    const response = await fetch(`${origin}/api/uploads`, {
      method: 'POST',
      headers: { ...TUS, 'Upload-Length': '0' },
    })
    expect(await problem(response)).toMatchObject({ status: 415, code: 'unsupported_media' })
    const later = await patch(await create('deferred'), 0, new Uint8Array(), {
      'Upload-Length': '0',
    })
    expect(await problem(later)).toMatchObject({ status: 415, code: 'unsupported_media' })
    expect(await files()).toEqual([])
  })

  test('when it is too large, naming the limit', async () => {
    const response = await fetch(`${origin}/api/uploads`, {
      method: 'POST',
      headers: { ...TUS, 'Upload-Length': String(MAX_BYTES + 1) },
    })
    const refused = await problem(response)
    expect(refused).toMatchObject({ status: 413, code: 'payload_too_large' })
    expect(refused.message).toContain('100 kB (100,000 bytes)')
  })

  test.each([
    ['garbage metadata', { 'Upload-Length': '5', 'Upload-Metadata': 'filename ***' }, 400],
    [
      'metadata for a prototype',
      { 'Upload-Length': '5', 'Upload-Metadata': '__proto__ YQ==' },
      400,
    ],
    ['no length', {}, 400],
    ['a negative length', { 'Upload-Length': '-1' }, 400],
    ['a length that is no number', { 'Upload-Length': '0x10' }, 400],
    ['both kinds of length', { 'Upload-Length': '5', 'Upload-Defer-Length': '1' }, 400],
    ['parts to be joined', { 'Upload-Length': '5', 'Upload-Concat': 'partial' }, 400],
    ['another version of tus', { 'Upload-Length': '5', 'Tus-Resumable': '0.2.0' }, 400],
  ])('with %s', async (_name, headers, status) => {
    const response = await fetch(`${origin}/api/uploads`, {
      method: 'POST',
      headers: { ...TUS, ...headers },
    })
    expect((await problem(response)).status).toBe(status)
    expect(await files()).toEqual([])
  })

  test('without the tus header', async () => {
    const response = await fetch(`${origin}/api/uploads`, { method: 'POST' })
    expect(response.headers.get('Tus-Version')).toBe('1.0.0')
    expect(await problem(response)).toMatchObject({ status: 412, code: 'precondition_failed' })
  })

  test('at a wrong offset, without one, of a wrong type, with more bytes than told', async () => {
    const url = await create(100)
    expect(await problem(await patch(url, 5, film))).toMatchObject({ code: 'conflict' })
    expect(await problem(await patch(url, 0, film))).toMatchObject({ code: 'payload_too_large' })
    const untyped = { 'Content-Type': 'text/plain' }
    expect(await problem(await patch(url, 0, film, untyped))).toMatchObject({ status: 400 })
    const offsetless = await fetch(url, { method: 'PATCH', headers: BYTES, body: 'x' })
    expect(await problem(offsetless)).toMatchObject({ status: 400, code: 'bad_request' })
    expect((await head(url)).headers.get('Upload-Offset')).toBe('0')
  })

  test('at an address that is none', async () => {
    const ids = ['0'.repeat(32), 'x', '..%2f..%2fdb', '%00', `${'0'.repeat(32)}.json`, 'a/b', '%ff']
    for (const id of ids) {
      const response = await patch(`${origin}/api/uploads/${id}`, 0, film)
      expect(await problem(response), id).toMatchObject({ status: 404, code: 'not_found' })
    }
  })

  test('by a method that is not offered', async () => {
    const url = await create(film.length)
    await patch(url, 0, film)
    const read = await fetch(url)
    expect(read.headers.get('Allow')).toContain('PATCH')
    expect(await problem(read)).toMatchObject({ status: 405, code: 'method_not_allowed' })
    const overridden = await fetch(url, {
      method: 'POST',
      headers: { ...TUS, 'X-HTTP-Method-Override': 'DELETE' },
    })
    expect(overridden.status).toBe(405)
  })

  test('when nobody is signed in, whatever the method', async () => {
    const url = await create(film.length)
    signedIn = false
    for (const method of ['POST', 'PATCH', 'DELETE', 'OPTIONS', 'GET']) {
      const response = await fetch(url, { method, headers: TUS })
      expect(await problem(response), method).toMatchObject({ status: 401, code: 'not_signed_in' })
    }
    expect((await head(url)).status).toBe(401)
  })

  test('when a page of another site sends it', async () => {
    const response = await fetch(`${origin}/api/uploads`, {
      method: 'POST',
      headers: { ...TUS, 'Upload-Length': '5', Origin: 'http://evil.example' },
    })
    expect(response.headers.get('Access-Control-Allow-Origin')).toBeNull()
    expect(await problem(response)).toMatchObject({ status: 403, code: 'cross_origin' })
  })

  test('early, and a client that sends on for ever is cut off', { timeout: 10_000 }, async () => {
    signedIn = false
    const endless = httpRequest(`${origin}/api/uploads`, { method: 'POST', headers: TUS })
    const closed = new Promise((resolve) => endless.on('close', resolve))
    endless.on('error', () => {})
    const status = new Promise((resolve) =>
      endless.on('response', (response) => resolve(response.resume().statusCode)),
    )
    const sending = setInterval(() => endless.write(Buffer.alloc(10_000)), 20)
    expect(await status).toBe(401)
    await closed
    clearInterval(sending)
  })

  test.skipIf(!existsSync('/dev/full'))('with 507 when the disk is full', async () => {
    const url = await create(film.length)
    const path = join(folder, 'uploads', url.slice(-32))
    await rm(path)
    await symlink('/dev/full', path)
    const refused = await problem(await patch(url, 0, film))
    expect(refused).toMatchObject({ status: 507, code: 'storage_full' })
  })
})

test('a full disk is in the log as an error, with its cause', async () => {
  const lines: { level: number; code?: string; err?: { code?: string } }[] = []
  const kept = pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line)) })
  const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
  await uploads.close()
  uploads = start({ ingest: () => Promise.reject(full) }, Date.now, kept)
  expect((await patch(await create(film.length), 0, film)).status).toBe(507)
  const [line] = lines.filter((entry) => entry.code === 'storage_full')
  expect(line).toMatchObject({ level: 50, err: { code: 'ENOSPC' } })
})

describe('after the server died', () => {
  test.each(['before', 'after'])('%s the title was made, it is made once', async (when) => {
    const dying = {
      async ingest(request: Parameters<Ingest['ingest']>[0]) {
        if (when === 'after') await ingest.ingest(request)
        throw new Error('power cut')
      },
    }
    const url = await create(film.length)
    await uploads.close()
    uploads = start(dying)
    expect((await patch(url, 0, film)).status).toBe(500)

    await uploads.close()
    uploads = start(ingest)
    await uploads.finishInterrupted()
    expect((await head(url)).headers.get('Slipstream-Media')).toBe((await titles())[0]?.id)
    expect(await titles()).toHaveLength(1)
  })

  test('between moving the bytes and the record, nothing is lost', async () => {
    const dying = {
      async ingest(request: Parameters<Ingest['ingest']>[0]): Promise<never> {
        await blobs.adopt(request.path, request.id ?? newMediaId(), 1)
        throw new Error('power cut')
      },
    }
    const url = await create(film.length)
    await uploads.close()
    uploads = start(dying)
    expect((await patch(url, 0, film)).status).toBe(500)
    await uploads.close()
    uploads = start(ingest)
    // The client may come before `finishInterrupted` was asked for.
    expect((await head(url)).headers.get('Slipstream-Media')).toBe((await titles())[0]?.id)
    await uploads.finishInterrupted()
    expect(await ingest.reportOrphans(uploads.reserved)).toEqual([])
    expect(await titles()).toHaveLength(1)
  })

  test('bytes of an upload that cannot be finished now are still there after the start', async () => {
    const dying = {
      async ingest(request: Parameters<Ingest['ingest']>[0]): Promise<never> {
        if (existsSync(request.path)) {
          await blobs.adopt(request.path, request.id ?? newMediaId(), 1)
        }
        throw new Error('the database is locked')
      },
    }
    const url = await create(film.length)
    await uploads.close()
    uploads = start(dying)
    expect((await patch(url, 0, film)).status).toBe(500)
    await uploads.close()
    uploads = start(dying) // locked at the start too
    expect(await ingest.reportOrphans(uploads.reserved)).toEqual([])
    await uploads.finishInterrupted()
    const [id = newMediaId()] = await blobs.list()
    expect(await readFile(blobs.path(id, 1))).toEqual(film)

    await uploads.close()
    uploads = start(ingest)
    await uploads.finishInterrupted()
    expect(await titles()).toMatchObject([{ id, size: film.length }])
  })

  test('rests of half-written records do no harm', async () => {
    const url = await create(film.length)
    const id = url.slice(-32)
    await writeFile(join(folder, 'uploads', `${id}.json.tmp`), '{"id"')
    await writeFile(join(folder, 'uploads', `${randomBytes(16).toString('hex')}.json`), '{"si')
    await writeFile(join(folder, 'uploads', randomBytes(16).toString('hex')), 'bytes')
    await uploads.finishInterrupted()
    expect((await patch(url, 0, film)).status).toBe(204)
  })
})

describe('a file that keeps the parser busy for ever', () => {
  let patience: number
  beforeEach(() => {
    patience = 20_000
  })

  /** @returns URL of its upload, which was tried once */
  async function uploadEndless(): Promise<string> {
    const damaged = await readFile(new URL('h264-aac-faststart.mp4', SMALL))
    for (let hit = 0; hit < 20; hit++) damaged[hit * 131] = (hit * 37) % 256
    const url = await create(damaged.length)
    const first = await problem(await patch(url, 0, damaged))
    expect(first).toMatchObject({ status: 500, code: 'internal' })
    expect(first.message).toContain('try again later')
    return url
  }

  /** Stops the server and starts it again. @returns how long the start was busy with uploads, ms */
  async function restart(of: Pick<Ingest, 'ingest'> = ingest, now = Date.now): Promise<number> {
    await uploads.close()
    uploads = start(of, now, log, patience)
    const started = performance.now()
    await uploads.finishInterrupted()
    return performance.now() - started
  }

  test('is read three times, then refused with the reason, and not read again', async () => {
    patience = 600
    await restart()
    const url = await uploadEndless()
    expect(await restart()).toBeGreaterThan(1_200) // twice the patience
    expect(await restart()).toBeGreaterThan(1_800)
    expect(await restart()).toBeLessThan(300)
    const size = (await stat(join(folder, 'uploads', url.slice(-32)))).size
    const refused = await problem(await patch(url, size, new Uint8Array()))
    expect(refused).toMatchObject({ status: 415, code: 'unsupported_media' })
    expect(refused.message).toMatch(/damaged.*Export or copy it again/)
    expect((await head(url)).status).toBe(415)
    expect(await titles()).toEqual([])

    expect((await fetch(url, { method: 'DELETE', headers: TUS })).status).toBe(204)
    expect(await files()).toEqual([])
  })

  test('is refused to the client whose attempt was the last, and expires', async () => {
    patience = 600
    await restart()
    const url = await uploadEndless()
    expect((await head(url)).status).toBe(500)
    expect((await head(url)).status).toBe(415)
    expect(await files()).toHaveLength(2) // a person may still look at it
    await restart(ingest, () => Date.now() + 8 * 24 * 3600 * 1000)
    await uploads.close() // waits for what is being removed
    expect(await files()).toEqual([])
  })

  /** Reads in time only when it is asked for the third time or later. */
  const busy = (adoptFirst: boolean, failures: number): Pick<Ingest, 'ingest'> => ({
    async ingest(request) {
      if (adoptFirst && existsSync(request.path)) {
        await blobs.adopt(request.path, request.id ?? newMediaId(), 1)
      }
      if (failures-- > 0) throw new ProbeTimeout()
      return ingest.ingest(request)
    },
  })

  test('is not a good one that a busy machine read late twice', async () => {
    const machine = busy(false, 2)
    await restart(machine)
    expect((await patch(await create(film.length), 0, film)).status).toBe(500)
    await restart(machine)
    expect(await titles()).toEqual([])
    await restart(machine)
    expect(await titles()).toMatchObject([{ size: film.length }])
  })

  test('is not one that was read before, however busy the machine is', async () => {
    const machine = busy(true, 6)
    await restart(machine)
    expect((await patch(await create(film.length), 0, film)).status).toBe(500)
    for (let starts = 0; starts < 6; starts++) await restart(machine)
    expect(await titles()).toMatchObject([{ size: film.length }])
  })

  test('is not one whose reading other troubles keep from ending', async () => {
    await restart({ ingest: () => Promise.reject(new Error('the database is locked')) })
    expect((await patch(await create(film.length), 0, film)).status).toBe(500)
    for (let starts = 0; starts < 4; starts++) {
      await restart({ ingest: () => Promise.reject(new Error('the database is locked')) })
    }
    await restart()
    expect(await titles()).toMatchObject([{ size: film.length }])
  })
})

describe('expired uploads', () => {
  test('do not include a whole one that waited for the server longer than that', async () => {
    const url = await create(film.length)
    await uploads.close()
    uploads = start({ ingest: () => Promise.reject(new Error('power cut')) })
    expect((await patch(url, 0, film)).status).toBe(500)
    await uploads.close()
    uploads = start(ingest, () => Date.now() + 30 * 24 * 3600 * 1000)
    await uploads.finishInterrupted()
    expect(await titles()).toMatchObject([{ size: film.length }])
  })

  test('are removed after seven days, others and those being written stay', async () => {
    const day = 24 * 3600 * 1000
    const url = await create(film.length)
    const path = join(folder, 'uploads', url.slice(-32))
    await patch(url, 0, film.subarray(0, 10))
    const finished = await create(film.length)
    await patch(finished, 0, film)

    const at = async (now: number) => {
      await uploads.close()
      uploads = start(ingest, () => now)
      await uploads.finishInterrupted()
      await uploads.close()
      uploads = start(ingest)
    }
    await at(Date.now() + 6 * day)
    expect(await files()).toHaveLength(3)
    await utimes(path, new Date(Date.now() + 8 * day), new Date(Date.now() + 8 * day))
    await at(Date.now() + 8 * day)
    expect((await stat(path)).size).toBe(10)
    await at(Date.now() + 9 * day)
    expect(await files()).toEqual([])
    expect((await head(url)).status).toBe(404)
    expect(await titles()).toHaveLength(1) // the title stays
  })
})
