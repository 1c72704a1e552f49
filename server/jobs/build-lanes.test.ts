import { StatementSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import { sql } from 'kysely'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { InfoHash, MediaId } from '#protocol/ids.ts'
import { type Database, openDatabase } from '../database/database.ts'
import { createCatalogue } from '../media/catalogue.ts'
import { exampleMedia } from '../media/media-fixture.ts'
import type { RealInfo } from '../torrent/metainfo.ts'
import { type BuildJob, BuildQueue } from './build-queue.ts'
import { afterFailure, BuildFailure, LEASE_MS, MAX_ATTEMPTS } from './retry.ts'

const REAL: RealInfo = { infoHash: 'a'.repeat(40) as InfoHash, info: Buffer.from('de') }
const idOf = (number: number) => String(number).padStart(16, '0') as MediaId

let database: Database
let queue: BuildQueue
let time: number
/** Builds under way, by title; a test ends them. */
let running: Map<
  MediaId,
  { job: BuildJob; end: (real?: RealInfo) => void; fail: (e: Error) => void }
>
let started: MediaId[]

beforeEach(async () => {
  time = 1_000_000
  running = new Map()
  started = []
  database = await openDatabase(':memory:')
  queue = new BuildQueue({
    database,
    build: (job) => {
      started.push(job.mediaId)
      const { promise, resolve, reject } = Promise.withResolvers<RealInfo>()
      const forget = () => running.delete(job.mediaId)
      running.set(job.mediaId, { job, end: (real = REAL) => resolve(real), fail: reject })
      job.signal.addEventListener('abort', () => reject(job.signal.reason))
      return promise.finally(forget)
    },
    onChange: () => {},
    now: () => time,
    buildDelayMs: 0,
    log: pino({ level: 'silent' }),
  })
})
afterEach(async () => {
  await queue.close()
  await database.destroy()
})

/** @param origin of its source; an upload when left out */
async function add(number: number, origin?: string): Promise<MediaId> {
  const id = idOf(number)
  await createCatalogue(database).add(exampleMedia({ id, created_at: number }))
  if (origin === undefined) return id
  await database
    .insertInto('media_source')
    .values({
      media_id: id,
      url: `${origin}/${number}.webm`,
      mirrors: '[]',
      etag: null,
      last_modified: null,
      ranges: 1,
      cors: 1,
      kept_revision: null,
      wanted_at: 1,
      checked_at: 1,
    })
    .execute()
  return id
}

const jobs = () => database.selectFrom('job').selectAll().orderBy('media_id').execute()
const numbers = (ids: Iterable<MediaId>) => [...ids].map(Number).toSorted((a, b) => a - b)
const untilRunning = (expected: number[]) =>
  expect.poll(() => numbers(running.keys()), { timeout: 5_000 }).toEqual(expected)

describe('lanes', () => {
  it('build one file of this server and four elsewhere at once', async () => {
    for (let number = 1; number <= 3; number += 1) await queue.request(await add(number), 1)
    for (let number = 11; number <= 16; number += 1) {
      await queue.request(await add(number, `https://cdn${number}.example`), 1)
    }
    expect((await jobs()).map(({ lane }) => lane)).toEqual([
      ...Array(3).fill('local'),
      ...Array(6).fill('remote'),
    ])
    queue.start()
    await untilRunning([1, 11, 12, 13, 14])
    running.get(idOf(1))?.end()
    await untilRunning([2, 11, 12, 13, 14]) // no slow source holds it up
    running.get(idOf(13))?.end()
    await untilRunning([2, 11, 12, 14, 15])
  })

  it('leave places for other hosts: two builds at once read from one', async () => {
    for (let number = 1; number <= 5; number += 1) {
      await queue.request(await add(number, 'https://slow.example'), 1)
      queue.wanted(idOf(number), 1)
    }
    await queue.request(await add(6, 'https://slow.example:8443'), 1)
    queue.start()
    await untilRunning([1, 2, 6])
    running.get(idOf(1))?.end()
    await untilRunning([2, 3, 6])
  })

  it('never work twice at a job whose heartbeats are late', async () => {
    await queue.request(await add(1, 'https://cdn.example'), 1)
    queue.start()
    await untilRunning([1])
    time += LEASE_MS + 1
    await database
      .updateTable('job')
      .set({ lease_until: time - 1 })
      .execute()
    await queue.request(await add(2, 'https://cdn.example'), 1)
    await untilRunning([1, 2])
    expect(started).toHaveLength(2)
  })
})

it('looks once for a job that comes, not once for each loop without work', async () => {
  queue.start()
  for (let number = 1; number <= 2; number += 1) {
    await queue.request(await add(number, 'https://slow.example'), 1)
  }
  await untilRunning([1, 2]) // two loops of the lane are left, and nothing that they may take
  let looks = 0
  const all = StatementSync.prototype.all
  vi.spyOn(StatementSync.prototype, 'all').mockImplementation(function (
    this: StatementSync,
    ...of
  ) {
    if (this.sourceSQL.includes('with recursive')) looks += 1
    return all.apply(this, of)
  })
  const JOBS = 50
  for (let number = 3; number < 3 + JOBS; number += 1) {
    await queue.request(await add(number, 'https://slow.example'), 1)
    await setImmediate()
  }
  vi.restoreAllMocks()
  expect(looks).toBeGreaterThan(0)
  expect(looks).toBeLessThan(JOBS * 1.5) // beside these each loop looks once a second
})

describe('popularity', () => {
  it('decides which title is built first, then age', async () => {
    for (let number = 1; number <= 4; number += 1) {
      await queue.request(await add(number), 1)
      time += 1
    }
    for (let crowd = 0; crowd < 50; crowd += 1) queue.wanted(idOf(3), 1)
    for (let crowd = 0; crowd < 10; crowd += 1) queue.wanted(idOf(4), 1)
    const asked = async () => (await jobs()).map((job) => job.asked)
    await expect.poll(asked, { timeout: 5_000 }).toEqual([1, 1, 51, 11])
    queue.start()
    for (const next of [3, 4, 1, 2]) {
      await untilRunning([next])
      running.get(idOf(next))?.end()
    }
  })

  it('costs a write a second for a title, however many ask', async () => {
    await add(1)
    const rowsWritten = async () => {
      const { rows } = await sql<{ n: number }>`select total_changes() as n`.execute(database)
      return rows[0]?.n ?? 0
    }
    const before = await rowsWritten()
    await Promise.all(Array.from({ length: 1_000 }, () => queue.request(idOf(1), 1)))
    await expect.poll(async () => (await jobs())[0]?.asked, { timeout: 5_000 }).toBe(1_000)
    expect((await rowsWritten()) - before).toBe(2) // the job, and its count
  })

  it('is written when the queue closes', async () => {
    await queue.request(await add(1), 1)
    queue.wanted(idOf(1), 1)
    await queue.close()
    expect((await jobs())[0]?.asked).toBe(2)
  })
})

describe('what a handler says of its failure', () => {
  it('ends the job for good, with its sentence', async () => {
    await queue.request(await add(1), 1)
    queue.start()
    await untilRunning([1])
    running.get(idOf(1))?.fail(new BuildFailure('It is a picture.', { isFinal: true }))
    await expect
      .poll(jobs)
      .toMatchObject([{ state: 'failed', reason: 'It is a picture.', attempts: 1 }])
    expect(await queue.restart(idOf(1), 1)).toBe(true)
    await untilRunning([1])
  })

  it('holds it back as long as the source asks', () => {
    const busy = new BuildFailure('The source is busy.', { retryAfterMs: 3_600_000 })
    expect(afterFailure(busy, 1)).toEqual({
      givesUp: false,
      delayMs: 3_600_000,
      reason: 'The source is busy.',
    })
    expect(afterFailure(busy, MAX_ATTEMPTS).givesUp).toBe(true)
    expect(afterFailure(new Error('disk'), 2)).toMatchObject({ givesUp: false, delayMs: 8_000 })
  })

  it('counts attempts anew after progress', async () => {
    await queue.request(await add(1), 1)
    await database
      .updateTable('job')
      .set({ attempts: MAX_ATTEMPTS - 1 })
      .execute()
    queue.start()
    await untilRunning([1])
    expect((await jobs())[0]?.attempts).toBe(MAX_ATTEMPTS)
    running.get(idOf(1))?.job.saveProgress(Buffer.alloc(20))
    running.get(idOf(1))?.fail(new Error('broke off'))
    await expect.poll(jobs).toMatchObject([{ state: 'queued', attempts: 1, pieces_done: 1 }])
    time += 60_000
    await untilRunning([1])
    running.get(idOf(1))?.fail(new Error('broke off'))
    await expect.poll(jobs).toMatchObject([{ state: 'queued', attempts: 2 }])
  })
})
