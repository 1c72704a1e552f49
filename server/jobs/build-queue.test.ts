import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { InfoHash, MediaId } from '#protocol/ids.ts'
import { type Database, openDatabase } from '../database/database.ts'
import { createCatalogue } from '../media/catalogue.ts'
import { exampleMedia } from '../media/media-fixture.ts'
import type { RealInfo } from '../torrent/metainfo.ts'
import { type BuildJob, BuildQueue } from './build-queue.ts'
import { LEASE_MS, MAX_ATTEMPTS, retryDelayMs } from './retry.ts'

const ID = '0123456789abcdef' as MediaId
const REAL: RealInfo = { infoHash: 'a'.repeat(40) as InfoHash, info: Buffer.from('de') }

let database: Database
let time: number
const queues: BuildQueue[] = []

/** A queue as another process would have it, on the same tables. */
function queue(build: (job: BuildJob) => Promise<RealInfo>, buildDelayMs = 0) {
  const changes: MediaId[] = []
  const lines: { level: number; msg: string }[] = []
  const queue = new BuildQueue({
    database,
    build,
    onChange: (id) => changes.push(id),
    now: () => time,
    buildDelayMs,
    log: pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line)) }),
  })
  queues.push(queue)
  return Object.assign(queue, { changes, lines })
}

const state = async () => {
  const media = await createCatalogue(database).get(ID)
  return media?.info_hash ?? media?.job_state ?? 'stored'
}
const untilState = (expected: string) => expect.poll(state, { timeout: 5_000 }).toBe(expected)

beforeEach(async () => {
  time = 1_000_000
  database = await openDatabase(':memory:')
  await createCatalogue(database).add(exampleMedia({ id: ID, created_at: time }))
})
afterEach(async () => {
  await Promise.all(queues.splice(0).map((queue) => queue.close()))
  await database.destroy()
})

describe('BuildQueue', () => {
  it('builds once, however many ask', async () => {
    let builds = 0
    const one = queue(async () => {
      builds += 1
      return REAL
    })
    one.start()
    await Promise.all(Array.from({ length: 20 }, () => one.request(ID, 1)))
    await untilState(REAL.infoHash)
    await one.request(ID, 1)
    expect(builds).toBe(1)
    expect(one.changes).toContain(ID)
  })

  it('holds builds back by BUILD_DELAY_MS', async () => {
    const held = queue(async () => REAL, 60_000)
    held.start()
    await held.request(ID, 1)
    await new Promise((resolve) => setTimeout(resolve, 1_200))
    expect(await state()).toBe('queued')
    time += 60_001
    await untilState(REAL.infoHash)
  })

  it('takes up the job of a process that died, from what it had saved', async () => {
    const saved = Buffer.alloc(40, 7)
    const dead = queue(async (job) => {
      job.saveProgress(saved)
      return new Promise(() => {}) // killed: neither finishes nor hands back
    })
    dead.start()
    await dead.request(ID, 1)
    await expect
      .poll(async () => (await createCatalogue(database).get(ID))?.pieces_done, { timeout: 5_000 })
      .toBe(2)
    let checkpoint: Uint8Array | undefined
    queues.splice(0) // a dead process closes nothing
    time += LEASE_MS + 1
    const next = queue(async (job) => {
      checkpoint = job.checkpoint
      return REAL
    })
    next.start()
    await untilState(REAL.infoHash)
    expect(Buffer.from(checkpoint ?? [])).toEqual(saved)
  })

  it('hands a running job back when it closes, and the next start goes on', async () => {
    const first = queue(
      (job) =>
        new Promise((_, reject) => {
          job.saveProgress(Buffer.alloc(20, 1))
          job.signal.addEventListener('abort', () => reject(job.signal.reason))
        }),
    )
    first.start()
    await first.request(ID, 1)
    await untilState('running')
    await first.close()
    expect(await state()).toBe('queued')
    const second = queue(async (job) => {
      expect(job.checkpoint).toHaveLength(20)
      return REAL
    })
    second.start()
    await untilState(REAL.infoHash)
  })

  it('tries again with growing pauses, then gives up with a reason, and can be restarted', async () => {
    let attempts = 0
    let isBroken = true
    const failing = queue(async () => {
      attempts += 1
      if (isBroken) throw new Error('the disk is on fire')
      return REAL
    })
    failing.start()
    await failing.request(ID, 1)
    for (let attempt = 1; attempt < MAX_ATTEMPTS; attempt += 1) {
      await expect.poll(() => attempts, { timeout: 5_000 }).toBe(attempt)
      await untilState('queued')
      time += retryDelayMs(attempt) + 1
    }
    await untilState('failed')
    expect((await createCatalogue(database).get(ID))?.reason).toMatch(/could not be hashed/)
    await failing.request(ID, 1)
    expect(await state()).toBe('failed')
    isBroken = false
    expect(await failing.restart(ID, 1)).toBe(true)
    await untilState(REAL.infoHash)
    expect(await failing.restart(ID, 1)).toBe(false)
  })

  it('gives up a job whose process died at every attempt', async () => {
    let builds = 0
    const one = queue(async () => {
      builds += 1
      return REAL
    })
    await one.request(ID, 1)
    await database
      .updateTable('job')
      .set({ state: 'running', attempts: MAX_ATTEMPTS, lease_owner: 'dead', lease_until: time - 1 })
      .execute()
    one.start()
    await untilState('failed')
    expect(builds).toBe(0)
    expect((await createCatalogue(database).get(ID))?.reason).toMatch(/stopped each time/)
    expect(await one.restart(ID, 1)).toBe(true)
    await untilState(REAL.infoHash)
  })

  it('ends a job for a title that has its torrent quietly', async () => {
    const one = queue(async () => REAL)
    one.start()
    await one.request(ID, 1)
    await untilState(REAL.infoHash)
    await one.request(ID, 1)
    const jobs = () => database.selectFrom('job').selectAll().execute()
    await expect.poll(jobs, { timeout: 5_000 }).toEqual([])
    await one.close()
    expect(one.lines.filter(({ level }) => level > 30)).toEqual([])
    expect(one.lines.filter(({ msg }) => msg === 'built')).toHaveLength(1)
  })

  it('stops a build whose title was deleted, and leaves nothing behind', async () => {
    let wasAborted = false
    const building = queue(
      (job) =>
        new Promise((_, reject) => {
          job.signal.addEventListener('abort', () => {
            wasAborted = true
            reject(job.signal.reason)
          })
        }),
    )
    building.start()
    await building.request(ID, 1)
    await untilState('running')
    await createCatalogue(database).remove(ID)
    await expect.poll(() => wasAborted, { timeout: 5_000 }).toBe(true)
    expect(await database.selectFrom('job').selectAll().execute()).toEqual([])
    expect(await database.selectFrom('torrent').selectAll().execute()).toEqual([])
  })
})
