import {
  CompiledQuery,
  createQueryId,
  type KyselyPlugin,
  type RootOperationNode,
  sql,
} from 'kysely'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Database, openDatabase } from '../database/database.ts'
import { claim } from './claim.ts'

const JOBS = 1_000

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
      n * 7919 % ${sql.lit(JOBS)}, 1, 0, 0, n from number
  `.execute(database)
}

const take = (from = database, underWay: Parameters<typeof claim>[1]['underWay'] = new Set()) =>
  claim(from, { lane: 'remote', owner: 'me', now: 2_000_000, underWay })

/** @returns how SQLite goes about what `act` asks of the database, a line for each step */
async function planOf(act: (watched: Database) => Promise<unknown>): Promise<string[]> {
  const nodes: RootOperationNode[] = []
  const watch: KyselyPlugin = {
    transformQuery: ({ node }) => {
      nodes.push(node)
      return node
    },
    transformResult: async ({ result }) => result,
  }
  await act(database.withPlugin(watch))
  const steps: string[] = []
  for (const node of nodes) {
    const query = database.getExecutor().compileQuery(node, createQueryId())
    const explained = CompiledQuery.raw(`explain query plan ${query.sql}`, [...query.parameters])
    const { rows } = await database.executeQuery<{ detail: string }>(explained)
    steps.push(...rows.map(({ detail }) => detail))
  }
  return steps
}

it('takes the most wanted job', async () => {
  await fill(50)
  const first = await take()
  const { rows } = await sql<{ most: number }>`select max(asked) as most from job`.execute(database)
  const taken = await database
    .selectFrom('job')
    .select('asked')
    .where('state', '=', 'running')
    .executeTakeFirstOrThrow()
  expect(taken.asked).toBe(rows[0]?.most)
  expect(first).toMatchObject({ attempts: 1, origin: expect.stringContaining('https://cdn') })
})

it('finds it along an index, from origin to origin, however many wait', async () => {
  await fill(2)
  const job = { revision: 1, attempts: 1, checkpoint: null, origin: 'https://cdn0.example' }
  const underWay = new Set([1, 2].map((n) => ({ ...job, media_id: `a${n}` as never })))
  for (const mine of [new Set<never>(), underWay]) {
    const steps = await planOf((watched) => take(watched, mine))
    const reads = steps.filter((step) => / job USING /.test(step))
    expect(new Set(reads.map((step) => step.replace('COVERING ', '')))).toEqual(
      new Set([
        'SEARCH job USING INDEX job_wanted (lane=? AND state=?)', // the first origin; leases that ran out
        'SEARCH job USING INDEX job_wanted (lane=? AND state=? AND origin>?)', // the next origin
        'SEARCH job USING INDEX job_wanted (lane=? AND state=? AND origin=?)', // its most wanted job
        'SEARCH job USING INDEX sqlite_autoindex_job_1 (media_id=? AND revision=?)',
      ]),
    )
    expect(steps.filter((step) => /SCAN job|AUTOMATIC INDEX/.test(step))).toEqual([])
    // Only the few candidates, one of each origin, are sorted.
    expect(steps.filter((step) => step.includes('TEMP B-TREE'))).toHaveLength(1)
  }
})
