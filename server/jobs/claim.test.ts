import { sql } from 'kysely'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Database, openDatabase } from '../database/database.ts'
import { claim } from './claim.ts'

const NOW = 2_000_000
/** Without an index over popularity and origin a claim among so many takes 50 to 100 ms. */
const JOBS = 100_000

let database: Database
beforeEach(async () => {
  database = await openDatabase(':memory:')
  await sql`pragma foreign_keys = off`.execute(database)
})
afterEach(() => database.destroy())

/** @param origins how many the jobs lie at, in turn */
async function fill(origins: number): Promise<void> {
  await sql`
    with recursive number(n) as (select 1 union all select n + 1 from number where n < ${sql.lit(JOBS)})
    insert into job (media_id, revision, state, lane, origin, asked, run_at, attempts, pieces_done, created_at)
    select printf('%016d', n), 1, 'queued', 'remote',
      'https://cdn' || (n % ${sql.lit(origins)}) || '.example',
      n * 7919 % 1000, 1, 0, 0, n from number
  `.execute(database)
}

/** @returns milliseconds of the fastest of some claims, which the rest of the machine disturbs least */
async function claimMs(underWay: Parameters<typeof claim>[1]['underWay']): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < 10; round += 1) {
    const startedAt = performance.now()
    await claim(database, { lane: 'remote', owner: 'me', now: NOW, underWay })
    times.push(performance.now() - startedAt)
  }
  return Math.min(...times)
}

it('takes the most wanted of a hundred thousand jobs without looking through them', async () => {
  await fill(50)
  const first = await claim(database, {
    lane: 'remote',
    owner: 'me',
    now: NOW,
    underWay: new Set(),
  })
  const { rows } = await sql<{ most: number }>`select max(asked) as most from job`.execute(database)
  const taken = await database
    .selectFrom('job')
    .select('asked')
    .where('state', '=', 'running')
    .executeTakeFirstOrThrow()
  expect(taken.asked).toBe(rows[0]?.most)
  expect(first).toMatchObject({ attempts: 1, origin: expect.stringContaining('https://cdn') })
  expect(await claimMs(new Set())).toBeLessThan(10)
})

it('passes over a hundred thousand jobs of an origin that is busy', async () => {
  await fill(1)
  const job = { revision: 1, attempts: 1, checkpoint: null, origin: 'https://cdn0.example' }
  const taken = [1, 2].map((n) => ({ ...job, media_id: `a${n}` as never }))
  expect(await claimMs(new Set(taken))).toBeLessThan(10)
})
