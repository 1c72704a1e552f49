import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import createTorrent from 'create-torrent'
import parseTorrent from 'parse-torrent'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { MediaId } from '#protocol/ids.ts'
import { pieceLengthFor } from '#protocol/pieces.ts'
import type { Keep } from '#protocol/sources.ts'
import { createDiskBlobStore, type DiskBlobStore } from '../blobs/disk-blob-store.ts'
import { type Database, openDatabase } from '../database/database.ts'
import { PieceHasher } from '../hashing/piece-hasher.ts'
import { BuildQueue } from '../jobs/build-queue.ts'
import { type Catalogue, createCatalogue } from '../media/catalogue.ts'
import { torrentBuilder } from '../torrent/build-torrent.ts'
import { BuildThread } from './build-thread.ts'
import { HttpSourceClient } from './http-source-client.ts'
import { InspectionTurns } from './inspection-turns.ts'
import { Pace } from './politeness.ts'
import { remoteBuilder } from './remote-build.ts'
import { SourceCopies } from './source-copies.ts'
import {
  addRemoteMedia,
  anySource,
  breakOff,
  type Mischief,
  refuse,
  renewMedia,
  stall,
  startTestSource,
  type TestSource,
} from './source-fixture.ts'
import { createSourceRecords } from './source-records.ts'
import { SourceTitles } from './source-titles.ts'

const ID = '0123456789abcdef' as MediaId
const SIZE = 12 * 1024 ** 2 + 77
const PIECE = 262_144

let folder: string
let database: Database
let catalogue: Catalogue
let blobs: DiskBlobStore
let source: TestSource
let keep: Keep
let cacheBytes: number
let lines: { level: number; msg: string }[]
const closing: (() => Promise<unknown>)[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'remote-build-'))
  database = await openDatabase(':memory:')
  catalogue = createCatalogue(database)
  blobs = createDiskBlobStore(join(folder, 'blobs'))
  source = await startTestSource(SIZE)
  keep = 'never'
  cacheBytes = 1e9
  lines = []
})
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
  await source.close()
  await database.destroy()
  await rm(folder, { recursive: true })
})

/** What a server has of builds, on the same tables and the same disk. */
function server(
  options: { bytesPerSecond?: number; silenceMs?: number; renewsReally?: boolean } = {},
) {
  const { bytesPerSecond = 1e12, silenceMs = 5_000 } = options
  const log = pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line)) })
  const now = Date.now
  const pace = new Pace(bytesPerSecond, now)
  const client = new HttpSourceClient(anySource)
  const reader = { client, pace, now, silenceMs, haste: 100 }
  const onChange = () => {}
  const thread = new BuildThread(anySource)
  const local = new PieceHasher(1)
  const copies = new SourceCopies({
    ...{ database, blobs, reader, onChange, now, log, cacheBytes },
    keepOf: () => keep,
  })
  const titles = new SourceTitles({
    ...{ catalogue, client, onChange, now, log },
    records: createSourceRecords(database),
    policy: { assertAllowed: async () => ({ id: '', url: '', keep, fixed: false }) },
    turns: new InspectionTurns(),
  })
  const renew = (id: MediaId): Promise<unknown> =>
    options.renewsReally ? titles.renew(id) : renewMedia(database, id, source)
  const buildRemote = remoteBuilder({
    ...{ reader, thread, copies, catalogue, blobs, renew, onChange, log },
  })
  const build = torrentBuilder({ catalogue, blobs, hasher: local, buildRemote })
  const queue = new BuildQueue({ database, build, onChange, now, buildDelayMs: 0, log })
  queue.start()
  const close = async () => {
    await Promise.all([queue.close(), copies.close(), titles.close()])
    await Promise.all([thread.close(), local.close(), client.close()])
  }
  closing.push(close)
  return { queue, copies, close }
}

const media = async () => {
  const found = await catalogue.get(ID)
  if (found === null) throw new Error('the title is gone')
  return found
}
const untilBuilt = () =>
  expect.poll(async () => (await media()).info_hash, { timeout: 15_000 }).not.toBeNull()
const untilFailed = async () => {
  const state = async () => (await media()).job_state
  await expect.poll(state, { timeout: 15_000 }).toBe('failed')
  return (await media()).reason
}

/** The info hash that another program gives the source's file. */
async function expectedInfoHash(): Promise<string | undefined> {
  const torrent = await new Promise<Uint8Array>((resolve, reject) => {
    const pieceLength = pieceLengthFor(source.bytes.length)
    const options = { name: 'film.webm', pieceLength, comment: '', createdBy: '' }
    createTorrent(source.bytes, options, (error, made) => (error ? reject(error) : resolve(made)))
  })
  return (await parseTorrent(torrent)).infoHash
}

describe('a build of a file elsewhere', () => {
  it("has create-torrent's info hash, and fetches every byte once", async () => {
    await addRemoteMedia(database, source)
    const { queue } = server()
    await queue.request(ID, 1)
    await untilBuilt()
    expect((await media()).info_hash).toBe(await expectedInfoHash())
    expect(source.sent).toBe(SIZE)
    expect(await blobs.list()).toEqual([])
  })

  it('comes to the same end with a source that breaks off, is busy and stalls', async () => {
    await addRemoteMedia(database, source)
    source.mischief.push(
      breakOff(source, 3_000_000),
      refuse(503, { 'Retry-After': '2' }),
      stall,
      breakOff(source, 1_000_000),
    )
    const { queue } = server({ silenceMs: 3_000 })
    await queue.request(ID, 1)
    await untilBuilt()
    expect((await media()).info_hash).toBe(await expectedInfoHash())
    expect(source.sent).toBeLessThan(SIZE + 2_000_000)
  })

  it('goes on after a restart at the first piece that is not hashed', async () => {
    await addRemoteMedia(database, source)
    source.rate = 4_000_000
    const first = server()
    await first.queue.request(ID, 1)
    const pieces = async () => (await media()).pieces_done ?? 0
    await expect.poll(pieces, { timeout: 10_000 }).toBeGreaterThan(8)
    await first.close()
    const saved = await pieces()
    const sentBefore = source.sent
    source.rate = null
    source.asked.length = 0
    const second = server()
    await second.queue.request(ID, 1)
    await untilBuilt()
    expect((await media()).info_hash).toBe(await expectedInfoHash())
    expect(source.asked[0]).toMatch(new RegExp(`^bytes=${saved * PIECE}-`))
    expect(source.sent - sentBefore).toBe(SIZE - saved * PIECE)
  })

  it('takes no more than the common rate', async () => {
    await addRemoteMedia(database, source)
    const { queue } = server({ bytesPerSecond: 8_000_000 })
    const startedAt = performance.now()
    await queue.request(ID, 1)
    await untilBuilt()
    expect(performance.now() - startedAt).toBeGreaterThan(1_100)
  })

  it('fails for good, with a sentence, when the source has no such file any more', async () => {
    await addRemoteMedia(database, source)
    source.mischief.push(...Array.from({ length: 5 }, () => refuse(404)))
    const { queue } = server()
    await queue.request(ID, 1)
    expect(await untilFailed()).toContain('no such file')
    expect(source.asked).toHaveLength(1)
    expect(lines.filter(({ level }) => level > 40)).toEqual([])
  })

  it('ends when the file changes between two ranges, and the new revision can be built', async () => {
    await addRemoteMedia(database, source)
    source.mischief.push(
      () => false,
      () => {
        source.bytes = Buffer.concat([source.bytes, Buffer.from('more')])
        source.etag = '"two"'
        return false
      },
    )
    const { queue } = server()
    await queue.request(ID, 1)
    await expect.poll(async () => (await media()).revision, { timeout: 10_000 }).toBe(2)
    expect((await media()).job_state).toBeNull()
    const old = () => database.selectFrom('job').select(['state', 'reason']).executeTakeFirst()
    await expect.poll(old).toMatchObject({ state: 'failed' })
    expect((await old())?.reason).toContain('changed at its source')
    await queue.request(ID, 2)
    await untilBuilt()
    expect((await media()).info_hash).toBe(await expectedInfoHash())
    expect(lines.filter(({ level }) => level > 40)).toEqual([])
  })

  it('comes to its end with a source that names the file differently each time', async () => {
    await addRemoteMedia(database, source)
    let answers = 0
    const mischief: Mischief = (_request, response) => {
      answers += 1
      source.etag = `"${answers}"`
      response.setHeader('Content-Type', 'video/webm')
      source.mischief.push(mischief)
      return false
    }
    source.mischief.push(mischief)
    const { queue } = server({ renewsReally: true })
    await queue.request(ID, 1)
    const reason = async () => (await media()).reason
    await expect.poll(reason, { timeout: 5_000 }).toContain('names the same file differently')
    await untilBuilt()
    expect(await media()).toMatchObject({ revision: 1, source: { varies: 1 } })
    expect((await media()).info_hash).toBe(await expectedInfoHash())
  })

  it('says so when the file at the source has not changed after all', async () => {
    await addRemoteMedia(database, source)
    const typed: Mischief = (_request, response) => {
      response.setHeader('Content-Type', 'video/webm')
      return false
    }
    source.mischief.push(refuse(412), typed, typed)
    const { queue } = server({ renewsReally: true })
    await queue.request(ID, 1)
    const reason = async () => (await media()).reason
    await expect.poll(reason, { timeout: 5_000 }).toContain('as if its file had changed, and then')
    expect((await media()).revision).toBe(1)
  })

  it('uses the mirror that has the file when the source is down', async () => {
    await addRemoteMedia(database, source)
    const mirror = await startTestSource(source.bytes)
    closing.push(mirror.close)
    mirror.etag = '"mirror"'
    const mirrors = JSON.stringify([mirror.url])
    await database.updateTable('media_source').set({ mirrors }).execute()
    source.mischief.push(
      breakOff(source, 5_000_000),
      ...Array.from({ length: 9 }, () => refuse(500)),
    )
    const { queue } = server()
    await queue.request(ID, 1)
    await untilBuilt()
    expect((await media()).info_hash).toBe(await expectedInfoHash())
    expect(mirror.sent).toBeGreaterThan(6_000_000)
  })
})

describe('what a file elsewhere is', () => {
  const clip = (name: string) => readFile(new URL(`../../e2e/clips/small/${name}`, import.meta.url))

  it('is found out before it is hashed and written into the record', async () => {
    source.bytes = await clip('h264-aac-moov-last.mp4')
    await addRemoteMedia(database, source, { duration: null })
    const { queue } = server()
    await queue.request(ID, 1)
    await untilBuilt()
    expect(await media()).toMatchObject({
      type: 'video/mp4; codecs="avc1.4d400a, mp4a.40.2"',
      duration_s: 2,
      width: 160,
      height: 90,
      fast_start: 0,
    })
  })

  it('ends the build for good when it is no media', async () => {
    source.bytes = Buffer.from('<!doctype html>'.padEnd(3_000_000))
    await addRemoteMedia(database, source, { duration: null })
    const { queue } = server()
    await queue.request(ID, 1)
    expect(await untilFailed()).toContain('This is a web page, neither video nor audio.')
    expect(source.sent).toBe(65_536)
  })

  it('is read from the copy where the source has no ranges', async () => {
    source.ranges = false
    source.bytes = await clip('vp9-opus.webm')
    await addRemoteMedia(database, source, { duration: null })
    const { queue } = server()
    await queue.request(ID, 1)
    await untilBuilt()
    expect(await media()).toMatchObject({ width: 160, height: 90 })
    expect((await media()).duration_s).toBeCloseTo(2, 0)
    expect((await media()).source?.kept_revision).toBe(1)
    expect(source.asked).toEqual(['-'])
  })

  it('ends the build and the copy when a file without ranges is no media', async () => {
    source.ranges = false
    source.bytes = Buffer.from('%PDF-1.7'.padEnd(100_000))
    await addRemoteMedia(database, source, { duration: null })
    const { queue } = server()
    await queue.request(ID, 1)
    expect(await untilFailed()).toContain('a PDF document')
    expect(await blobs.has(ID, 1)).toBe(false)
    expect((await media()).source?.kept_revision).toBeNull()
  })
})

describe('a build with a copy', () => {
  const copyHash = async () =>
    createHash('sha1')
      .update(await readFile(blobs.path(ID, 1)))
      .digest('hex')
  const sourceHash = () => createHash('sha1').update(source.bytes).digest('hex')

  it('keeps it before the torrent is there, and fetches every byte once', async () => {
    keep = 'cache'
    await addRemoteMedia(database, source)
    const { queue } = server()
    await queue.request(ID, 1)
    await untilBuilt()
    expect((await media()).info_hash).toBe(await expectedInfoHash())
    expect((await media()).source?.kept_revision).toBe(1)
    expect(await copyHash()).toBe(sourceHash())
    expect(source.sent).toBe(SIZE)
  })

  it('goes on with both after a restart, and fetches every byte once', async () => {
    keep = 'always'
    await addRemoteMedia(database, source)
    source.rate = 4_000_000
    const first = server()
    await first.queue.request(ID, 1)
    await expect
      .poll(async () => (await media()).pieces_done, { timeout: 10_000 })
      .toBeGreaterThan(8)
    await first.close()
    source.rate = null
    const second = server()
    await second.queue.request(ID, 1)
    await untilBuilt()
    expect((await media()).info_hash).toBe(await expectedInfoHash())
    expect(await copyHash()).toBe(sourceHash())
    expect(source.sent).toBeLessThan(SIZE + 1_000_000) // what was in the sockets when it stopped
  })

  it('is hashed from the copy when that is there already', async () => {
    keep = 'always'
    const added = await addRemoteMedia(database, source)
    const { queue, copies } = server()
    await copies.fill(added).whole
    expect(source.sent).toBe(SIZE)
    await queue.request(ID, 1)
    await untilBuilt()
    expect((await media()).info_hash).toBe(await expectedInfoHash())
    expect(source.sent).toBe(SIZE)
  })

  it('goes on without the copy when the disk is full, and the log says so', async () => {
    keep = 'cache'
    await addRemoteMedia(database, source)
    await fillDisk()
    const { queue } = server()
    await queue.request(ID, 1)
    await untilBuilt()
    expect((await media()).info_hash).toBe(await expectedInfoHash())
    expect((await media()).source?.kept_revision).toBeNull()
    expect(lines.filter(({ level }) => level === 40)).toMatchObject([
      { msg: 'a copy of a file elsewhere cannot be written' },
    ])
  })

  it('cannot go on without it where the source has no ranges, and says why', async () => {
    source.ranges = false
    await addRemoteMedia(database, source)
    await fillDisk()
    const { queue } = server()
    await queue.request(ID, 1)
    await expect
      .poll(async () => (await media()).reason, { timeout: 5_000 })
      .toContain('no room for a copy')
  })

  /** Writes to the copy meet a full disk. */
  async function fillDisk() {
    const path = `${blobs.path(ID, 1)}.part`
    await mkdir(dirname(path), { recursive: true })
    await symlink('/dev/full', path)
  }
})
