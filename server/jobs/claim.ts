// Takes the next job of a lane: of those that are due the most wanted, then the oldest. A slow host
// does not get all places of its lane: two builds at once read from one origin.
import { type Selectable, sql } from 'kysely'
import type { MediaId } from '#protocol/ids.ts'
import { type Database, withoutSync } from '../database/database.ts'
import type { Schema } from '../database/schema.ts'
import { BUILDS_PER_HOST } from '../sources/politeness.ts'
import { LEASE_MS } from './retry.ts'

export type Lane = Selectable<Schema['job']>['lane']

/** A job that this process holds the lease of. */
export interface Claimed {
  readonly media_id: MediaId
  readonly revision: number
  /** This one included. */
  readonly attempts: number
  readonly checkpoint: Uint8Array | null
  /** Scheme, host and port of the source, `null` for a file of this server. */
  readonly origin: string | null
}

interface Claim {
  readonly lane: Lane
  /** Name of this process. */
  readonly owner: string
  /** Milliseconds since 1970. */
  readonly now: number
  /** What this process works at already: not taken again, however late a heartbeat is. */
  readonly underWay: ReadonlySet<Claimed>
}

type Candidate = Pick<Claimed, 'media_id' | 'revision'>

/** @returns a job that is due and now ours, or undefined */
export async function claim(
  database: Database,
  { lane, owner, now, underWay }: Claim,
): Promise<Claimed | undefined> {
  const mine = [...underWay].map(({ media_id, revision }) => sql`(${media_id}, ${revision})`)
  const isFree =
    mine.length === 0
      ? sql<boolean>`true`
      : sql<boolean>`(job.media_id, job.revision) not in (values ${sql.join(mine)})`
  const busy = busyOrigins(underWay)
  const hasPlace = busy.length === 0 ? sql`true` : sql`job.origin not in (${sql.join(busy)})`
  // From origin to origin along the index `job_wanted`, of each the first that is due: so that
  // neither many jobs nor many of one origin are looked through.
  const due = await sql<Candidate>`
    with recursive
    waiting(origin) as (
      select min(origin) from job where lane = ${lane} and state = 'queued'
      union all
      select (
        select min(job.origin) from job
        where lane = ${lane} and state = 'queued' and job.origin > waiting.origin
      )
      from waiting where origin is not null
    ),
    candidate as (
      select job.media_id, job.revision, job.asked, job.created_at
      from waiting join job on (job.media_id, job.revision) = (
        select job.media_id, job.revision from job
        where lane = ${lane} and state = 'queued' and job.origin = waiting.origin
          and run_at <= ${now} and ${isFree}
        order by asked desc, created_at limit 1
      )
      where ${hasPlace}
      union all
      select job.media_id, job.revision, job.asked, job.created_at from job
      where lane = ${lane} and state = 'running' and lease_until <= ${now}
        and ${isFree} and ${hasPlace}
    )
    select media_id, revision from candidate order by asked desc, created_at limit 1
  `.execute(database)
  const [first] = due.rows
  if (first === undefined) return undefined
  // Another process may have been faster: then the row is not due any more and nothing matches.
  const row = await withoutSync(database, (connection) =>
    connection
      .updateTable('job')
      .set((update) => ({
        state: 'running',
        lease_owner: owner,
        lease_until: now + LEASE_MS,
        attempts: update('attempts', '+', 1),
      }))
      .where('media_id', '=', first.media_id)
      .where('revision', '=', first.revision)
      .where((where) =>
        where.or([
          where.and([where('state', '=', 'queued'), where('run_at', '<=', now)]),
          where.and([where('state', '=', 'running'), where('lease_until', '<=', now)]),
        ]),
      )
      .returning(['media_id', 'revision', 'attempts', 'checkpoint', 'origin'])
      .executeTakeFirst(),
  )
  return row && { ...row, origin: row.origin || null }
}

/** Origins that as many builds read from as may. */
function busyOrigins(underWay: ReadonlySet<Claimed>): string[] {
  const origins = [...underWay].map(({ origin }) => origin).filter((origin) => origin !== null)
  return origins.filter((one) => origins.filter((other) => other === one).length >= BUILDS_PER_HOST)
}
