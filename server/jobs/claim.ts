// Takes the next job of a lane: of those that are due the most wanted, then the oldest. A slow host
// does not get all places of its lane: two builds at once read from one origin.
import { type ExpressionBuilder, type Selectable, sql } from 'kysely'
import type { MediaId } from '#protocol/ids.ts'
import type { Database } from '../database/database.ts'
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

/** @returns a job that is due and now ours, or undefined */
export async function claim(
  database: Database,
  { lane, owner, now, underWay }: Claim,
): Promise<Claimed | undefined> {
  const isDue = (where: ExpressionBuilder<Schema, 'job'>) =>
    where.or([
      where.and([where('state', '=', 'queued'), where('run_at', '<=', now)]),
      where.and([where('state', '=', 'running'), where('lease_until', '<=', now)]),
    ])
  let candidates = database
    .selectFrom('job')
    .leftJoin('media_source', 'media_source.media_id', 'job.media_id')
    .select(['job.media_id', 'job.revision', 'media_source.url'])
    .where('lane', '=', lane)
    .where(isDue)
  for (const { media_id, revision } of underWay) {
    candidates = candidates.where((where) =>
      where.or([where('job.media_id', '<>', media_id), where('job.revision', '<>', revision)]),
    )
  }
  for (const origin of busyOrigins(underWay)) {
    const prefix = `${origin}/`
    candidates = candidates.where(
      sql<boolean>`substr(media_source.url, 1, ${prefix.length}) <> ${prefix}`,
    )
  }
  const due = await candidates
    .orderBy('job.asked', 'desc')
    .orderBy('job.created_at')
    .limit(1)
    .executeTakeFirst()
  if (due === undefined) return undefined
  // Another process may have been faster: then the row is not due any more and nothing matches.
  const row = await database
    .updateTable('job')
    .set((update) => ({
      state: 'running',
      lease_owner: owner,
      lease_until: now + LEASE_MS,
      attempts: update('attempts', '+', 1),
    }))
    .where('media_id', '=', due.media_id)
    .where('revision', '=', due.revision)
    .where(isDue)
    .returning(['media_id', 'revision', 'attempts', 'checkpoint'])
    .executeTakeFirst()
  return row && { ...row, origin: due.url === null ? null : new URL(due.url).origin }
}

/** Origins that as many builds read from as may. */
function busyOrigins(underWay: ReadonlySet<Claimed>): Set<string> {
  const origins = [...underWay].map(({ origin }) => origin).filter((origin) => origin !== null)
  return new Set(
    origins.filter((one) => origins.filter((other) => other === one).length >= BUILDS_PER_HOST),
  )
}
