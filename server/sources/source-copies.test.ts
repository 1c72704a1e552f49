import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { MediaId } from '#protocol/ids.ts'
import type { Keep } from '#protocol/sources.ts'
import { createDiskBlobStore, type DiskBlobStore } from '../blobs/disk-blob-store.ts'
import { type Database, openDatabase } from '../database/database.ts'
import { createCatalogue } from '../media/catalogue.ts'
import { CopyLate, type GrowingCopy } from './growing-copy.ts'
import { Pace } from './politeness.ts'
import { copiesToEvict, SourceCopies } from './source-copies.ts'
import {
  addRemoteMedia,
  breakOff,
  refuse,
  renewMedia,
  sourceClient,
  startTestSource,
  type TestSource,
} from './source-fixture.ts'

const SIZE = 3_000_000
const ID = '0123456789abcdef' as MediaId
const idOf = (number: number) => String(number).padStart(16, '0') as MediaId

let folder: string
let database: Database
let blobs: DiskBlobStore
let source: TestSource
let time: number
let policy: Map<string, Keep>
let changes: string[]
const open: SourceCopies[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'copies-'))
  database = await openDatabase(':memory:')
  blobs = createDiskBlobStore(join(folder, 'blobs'))
  source = await startTestSource(SIZE)
  time = 1_000_000
  policy = new Map()
  changes = []
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((copies) => copies.close()))
  await source.close()
  await database.destroy()
  await rm(folder, { recursive: true })
})

function copiesOf(cacheBytes = 1e9): SourceCopies {
  const pace = new Pace(1e12, Date.now)
  const copies = new SourceCopies({
    database,
    blobs,
    reader: { client: sourceClient, pace, now: Date.now, haste: 100 },
    keepOf: (url) => policy.get(url) ?? 'cache',
    cacheBytes,
    onChange: (id, revision) => changes.push(`${id} ${revision}`),
    now: () => time,
    log: pino({ level: 'silent' }),
  })
  open.push(copies)
  return copies
}

const signal = new AbortController().signal
async function bytesOf(copy: GrowingCopy, start: number, end: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of copy.read(start, end, { signal })) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}
const kept = async () => {
  const rows = await database
    .selectFrom('media_source')
    .select('media_id')
    .where('kept_revision', 'is not', null)
    .orderBy('media_id')
    .execute()
  return rows.map((row) => Number(row.media_id))
}

describe('a copy', () => {
  it('is downloaded once for all who want it, and then among the blobs', async () => {
    const media = await addRemoteMedia(database, source)
    const copies = copiesOf()
    const copy = copies.fill(media)
    expect(copies.fill(media)).toBe(copy)
    await copy.whole
    expect((await readFile(blobs.path(ID, 1))).equals(source.bytes)).toBe(true)
    expect(await readdir(join(folder, 'blobs', ID))).toEqual(['1'])
    const { source: row } = (await createCatalogue(database).get(ID)) ?? {}
    expect(row).toMatchObject({ kept_revision: 1, wanted_at: time })
    expect(changes).toContain(`${ID} 1`)
    expect(source.sent).toBe(SIZE)
  })

  it('can be read while it grows; who wants what is to come waits', async () => {
    source.ranges = false
    source.rate = 6_000_000
    const copy = copiesOf().fill(await addRemoteMedia(database, source))
    const tail = bytesOf(copy, SIZE - 1_000, SIZE)
    const head = await bytesOf(copy, 10, 100_000)
    expect(copy.length).toBeLessThan(SIZE)
    expect(head.equals(source.bytes.subarray(10, 100_000))).toBe(true)
    expect((await tail).equals(source.bytes.subarray(SIZE - 1_000))).toBe(true)
    const late = copy.read(0, SIZE, { signal })
    await copy.whole
    const chunks: Buffer[] = []
    for await (const chunk of late) chunks.push(Buffer.from(chunk)) // its file has moved by now
    expect(Buffer.concat(chunks).equals(source.bytes)).toBe(true)
  })

  it('is waited for within bounds, and not by who has left', async () => {
    source.ranges = false
    source.rate = 200_000
    const copy = copiesOf().fill(await addRemoteMedia(database, source))
    const late = copy.read(SIZE - 1, SIZE, { signal, patience: 100 }).next()
    await expect(late).rejects.toBeInstanceOf(CopyLate)
    const left = new AbortController()
    const waiting = copy.read(SIZE - 1, SIZE, { signal: left.signal }).next()
    left.abort(new Error('left'))
    await expect(waiting).rejects.toThrow('left')
  })

  it('goes on after a crash from what is on disk', async () => {
    const media = await addRemoteMedia(database, source)
    await mkdir(join(folder, 'blobs', ID), { recursive: true })
    await writeFile(`${blobs.path(ID, 1)}.part`, source.bytes.subarray(0, 1_234_567))
    await copiesOf().fill(media).whole
    expect((await readFile(blobs.path(ID, 1))).equals(source.bytes)).toBe(true)
    expect(source.sent).toBe(SIZE - 1_234_567)
  })

  it('is the same file when another process on the same folder writes it too', async () => {
    source.rate = 4_000_000
    const media = await addRemoteMedia(database, source)
    const copies = [copiesOf().fill(media), copiesOf().fill(media)]
    await expect.poll(() => Math.min(...copies.map(({ length }) => length))).toBeGreaterThan(0)
    source.rate = null
    await Promise.all(copies.map(({ whole }) => whole))
    expect((await readFile(blobs.path(ID, 1))).equals(source.bytes)).toBe(true)
  })

  it('is not begun when the disk has no room for all that the source says it has', async () => {
    const media = { ...(await addRemoteMedia(database, source)), size: 10e12 }
    const copy = copiesOf().fill(media)
    await expect(copy.whole).rejects.toMatchObject({
      name: 'CopyFailed',
      cause: { code: 'ENOSPC' },
    })
    expect(source.asked).toEqual([])
  })

  it('that broke off long ago makes room for others when the disk is full', async () => {
    const partOf = async (number: number, age: number) => {
      const path = `${blobs.path(idOf(number), 1)}.part`
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, 'the beginning')
      const changedAt = (time - age) / 1_000
      await utimes(path, changedAt, changedAt)
    }
    time = Date.now()
    await partOf(7, 2 * 3600_000)
    await partOf(8, 60_000)
    const media = { ...(await addRemoteMedia(database, source)), size: 10e12 }
    await expect(copiesOf().fill(media).whole).rejects.toThrow('cannot be written')
    expect(await readdir(dirname(blobs.path(idOf(7), 1)))).toEqual([])
    expect(await readdir(dirname(blobs.path(idOf(8), 1)))).toEqual(['1.part'])
  })

  it('is noted when a crash came after its last byte', async () => {
    const media = await addRemoteMedia(database, source)
    await mkdir(join(folder, 'blobs', ID), { recursive: true })
    await writeFile(blobs.path(ID, 1), source.bytes)
    await copiesOf().fill(media).whole
    expect(await kept()).toEqual([Number(ID)])
    expect(source.asked).toEqual([])
  })

  it('fails for who reads it, and is begun anew by who comes later', async () => {
    const media = await addRemoteMedia(database, source)
    source.mischief.push(breakOff(source, 500_000), refuse(404))
    const copies = copiesOf()
    const copy = copies.fill(media)
    await expect(bytesOf(copy, 0, SIZE)).rejects.toMatchObject({ code: 'not_found' })
    await expect(copy.whole).rejects.toMatchObject({ code: 'not_found' })
    await copies.fill(media).whole
    expect((await readFile(blobs.path(ID, 1))).equals(source.bytes)).toBe(true)
  })

  it('of a title that is deleted meanwhile leaves nothing behind', async () => {
    source.rate = 2_000_000
    const media = await addRemoteMedia(database, source)
    const copies = copiesOf()
    const copy = copies.fill(media)
    await expect.poll(() => copy.length).toBeGreaterThan(100_000)
    await createCatalogue(database).remove(ID)
    await copies.forget(ID)
    await blobs.remove(ID)
    await expect(copy.whole).rejects.toThrow('deleted')
    expect(await readdir(join(folder, 'blobs'))).toEqual([])
    await expect.poll(() => source.open).toBe(0)
  })
})

describe('the copy of an older revision', () => {
  const HOUR = 3600_000
  const revisions = async (id = ID) => (await readdir(join(folder, 'blobs', id))).toSorted()

  /** A title whose second revision is kept as well. */
  async function renewed(copies: SourceCopies, id = ID) {
    const media = await addRemoteMedia(database, source, { id })
    await copies.fill(media).whole
    await renewMedia(database, id, source)
    await copies.fill({ ...media, revision: 2 }).whole
    return media
  }

  it('stays when the new one is there, for twelve hours', async () => {
    const copies = copiesOf()
    const { source: row } = await renewed(copies)
    policy.set(row.url, 'always')
    expect(await revisions()).toEqual(['1', '2'])
    time += 12 * HOUR - 1
    await copies.keepWithinBound()
    expect(await revisions()).toEqual(['1', '2'])
    changes.length = 0
    time += 1
    await copies.keepWithinBound()
    expect(await revisions()).toEqual(['2'])
    expect(changes).toEqual([`${ID} 1`])
    expect(await kept()).toEqual([Number(ID)])
  })

  it('stays for twelve hours after it was read last', async () => {
    const copies = copiesOf()
    await renewed(copies)
    time += 11 * HOUR
    copies.wanted(ID, 1)
    const path = blobs.path(ID, 1)
    await expect.poll(async () => (await stat(path)).mtimeMs).toBe(time)
    time += 11 * HOUR
    await copies.keepWithinBound()
    expect(await revisions()).toEqual(['1', '2'])
    time += HOUR
    await copies.keepWithinBound()
    expect(await revisions()).toEqual(['2'])
  })

  it('is found at start, whatever became of who kept it', async () => {
    await renewed(copiesOf())
    await renewMedia(database, ID, source) // of the third one there is no copy
    time += 12 * HOUR
    await copiesOf().start()
    expect(await revisions()).toEqual([])
    expect(await kept()).toEqual([])
  })

  it('makes room before all others', async () => {
    const copies = copiesOf(3 * SIZE)
    await copies.fill(await addRemoteMedia(database, source, { id: idOf(1) })).whole
    time += HOUR
    await renewed(copies, idOf(2))
    copies.wanted(idOf(2), 1)
    expect(await revisions(idOf(2))).toEqual(['1', '2'])
    await copies.fill(await addRemoteMedia(database, source, { id: idOf(3) })).whole
    expect(await kept()).toEqual([1, 2, 3])
    expect(await revisions(idOf(2))).toEqual(['2'])
  })

  it('counts for the bound where the present one is kept always', async () => {
    const copies = copiesOf(SIZE - 1)
    const media = await addRemoteMedia(database, source)
    policy.set(media.source.url, 'always')
    await copies.fill(media).whole
    await renewMedia(database, ID, source)
    await copies.fill({ ...media, revision: 2 }).whole
    expect(await revisions()).toEqual(['2'])
  })

  it('makes room on a full disk', async () => {
    const copies = copiesOf()
    await renewed(copies)
    await truncate(blobs.path(ID, 1), 10.5e12) // of which the disk has next to nothing
    const large = { ...(await addRemoteMedia(database, source, { id: idOf(3) })), size: 10e12 }
    await expect(copies.fill(large).whole).rejects.toThrow('cannot be written')
    expect(await revisions()).toEqual(['2'])
  })

  it('does not go for a copy that the disk has no room for even so', async () => {
    const copies = copiesOf()
    await renewed(copies)
    const large = { ...(await addRemoteMedia(database, source, { id: idOf(3) })), size: 10e12 }
    await expect(copies.fill(large).whole).rejects.toThrow('cannot be written')
    expect(await revisions()).toEqual(['1', '2'])
  })

  it('does not take the place of the new one when it comes late', async () => {
    const media = await addRemoteMedia(database, source)
    const copies = copiesOf()
    await renewMedia(database, ID, source)
    await copies.fill({ ...media, revision: 2 }).whole
    await copies.fill(media).whole
    expect((await createCatalogue(database).get(ID))?.source?.kept_revision).toBe(2)
  })

  it('goes with its title', async () => {
    const copies = copiesOf()
    await renewed(copies)
    await createCatalogue(database).remove(ID)
    await copies.forget(ID)
    await blobs.remove(ID)
    expect(await readdir(join(folder, 'blobs'))).toEqual([])
    copies.wanted(ID, 1) // by who reads on
    await copies.keepWithinBound()
  })
})

describe('what is kept', () => {
  it('is what the policy of the origin says', async () => {
    const media = await addRemoteMedia(database, source)
    const copies = copiesOf(SIZE)
    const small = copiesOf(SIZE - 1)
    for (const [keep, wants, wantsSmall] of [
      ['never', false, false],
      ['cache', true, false],
      ['always', true, true],
    ] as const) {
      policy.set(media.source.url, keep)
      expect([await copies.wants(media), await small.wants(media)]).toEqual([wants, wantsSmall])
    }
    policy.set(media.source.url, 'never')
    const withoutRanges = { ...media, source: { ...media.source, ranges: 0 } }
    expect(await copies.wants(withoutRanges)).toBe(true)
  })

  it('makes room within the bound: what nobody wanted for longest goes first', async () => {
    const copies = copiesOf(2 * SIZE)
    for (const number of [1, 2]) {
      time += 1_000
      await copies.fill(await addRemoteMedia(database, source, { id: idOf(number) })).whole
    }
    time += 100_000
    copies.wanted(idOf(1), 1)
    const third = await addRemoteMedia(database, source, { id: idOf(3) })
    await copies.fill(third).whole
    expect(await kept()).toEqual([1, 3])
    expect(await blobs.has(idOf(2), 1)).toBe(false)
    expect(changes).toContain(`${idOf(2)} 1`)
  })

  it('does not count what is kept always', async () => {
    const first = await addRemoteMedia(database, source, { id: idOf(1) })
    policy.set(first.source.url, 'always')
    const copies = copiesOf(SIZE)
    await copies.fill(first).whole
    await copies.fill(await addRemoteMedia(database, source, { id: idOf(2) })).whole
    time += 1
    await copies.fill(await addRemoteMedia(database, source, { id: idOf(3) })).whole
    expect(await kept()).toEqual([1, 3])
  })

  it('goes when nothing is to be kept any more, unless it is all that ranges can come from', async () => {
    const copies = copiesOf()
    for (const number of [1, 2]) {
      source.ranges = number === 1
      await copies.fill(await addRemoteMedia(database, source, { id: idOf(number) })).whole
    }
    for (const number of [1, 2]) policy.set(`${source.url}?${idOf(number)}`, 'never')
    changes.length = 0
    await copies.keepWithinBound()
    expect(await kept()).toEqual([2])
    expect(await blobs.has(idOf(1), 1)).toBe(false)
    expect(changes).toEqual([`${idOf(1)} 1`])
  })

  it('is written down as wanted once a minute at most', async () => {
    await addRemoteMedia(database, source)
    await database.updateTable('media_source').set({ kept_revision: 1 }).execute()
    const copies = copiesOf()
    const wantedAt = async () =>
      (await database.selectFrom('media_source').select('wanted_at').executeTakeFirst())?.wanted_at
    copies.wanted(ID, 1)
    await expect.poll(wantedAt).toBe(1_000_000)
    time += 59_000
    copies.wanted(ID, 1)
    time += 2_000
    expect(await wantedAt()).toBe(1_000_000)
    copies.wanted(ID, 1)
    await expect.poll(wantedAt).toBe(1_061_000)
  })

  it('is decided by when it was wanted, and only as much goes as must', () => {
    const copy = (wantedAt: number, bytes: number, isFixed = false, isOld = false) => ({
      wantedAt,
      bytes,
      isFixed,
      isOld,
    })
    const all = [copy(3, 10), copy(1, 10), copy(2, 100, true), copy(4, 10)]
    expect(copiesToEvict(all, 30)).toEqual([])
    expect(copiesToEvict(all, 29)).toEqual([copy(1, 10)])
    expect(copiesToEvict(all, 10)).toEqual([copy(1, 10), copy(3, 10)])
    expect(copiesToEvict(all, 0)).toHaveLength(3)
    const old = [copy(6, 10, false, true), copy(5, 10, false, true)]
    expect(copiesToEvict([...all, ...old], 30)).toEqual(old.toReversed())
  })
})
