// The durable queue of torrent builds: one job per title and revision, claimed with a lease that
// a heartbeat extends. A job whose process died is taken up again when its lease runs out, from
// the pieces that its last heartbeat saved. Files of this server and files elsewhere have lanes of
// their own, so that neither holds up the other; the most wanted title is built first.
// The tables are the truth; `wake` is only a hint.
import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import type { MediaId } from '#protocol/ids.ts'
import { type Database, withoutSync } from '../database/database.ts'
import { HASH_BYTES } from '../hashing/hash-task.ts'
import type { RealInfo } from '../torrent/metainfo.ts'
import { AskCounts } from './ask-counts.ts'
import { type Claimed, claim, type Lane } from './claim.ts'
import { afterFailure, BuildFailure, LEASE_MS, MAX_ATTEMPTS } from './retry.ts'

const HEARTBEAT_MS = 500
const POLL_MS = 1_000

/** Jobs at once: a local build uses all cores by itself, a remote one waits for the network. */
const LANES: Readonly<Record<Lane, number>> = { local: 1, remote: 4 }

/** A claimed job as its handler sees it. */
export interface BuildJob {
  readonly mediaId: MediaId
  readonly revision: number
  /** Piece hashes that an earlier attempt saved. */
  readonly checkpoint: Uint8Array
  /** Aborted when the title was deleted, another process took the job over, or the server stops. */
  readonly signal: AbortSignal
  /** Hashes of all pieces from the first on, without a gap; saved with the next heartbeat. */
  saveProgress(hashes: Uint8Array): void
}

export interface BuildQueueOptions {
  readonly database: Database
  /** Builds the torrent of one title; idempotent. */
  readonly build: (job: BuildJob) => Promise<RealInfo>
  /** Told after a title's state has changed in the tables. */
  readonly onChange: (mediaId: MediaId) => void
  readonly now: () => number
  /** Holds every build back by so long; for tests. */
  readonly buildDelayMs: number
  readonly log: Logger
}

export class BuildQueue {
  readonly #options: BuildQueueOptions
  readonly #owner = randomUUID()
  readonly #stopping = new AbortController()
  readonly #asks: AskCounts
  /** Requests being written, by title and revision. */
  readonly #requests = new Map<string, Promise<void>>()
  readonly #underWay = new Set<Claimed>()
  /** Loops without a job, each with what wakes it. */
  readonly #sleepers = new Map<() => void, Lane>()
  #claiming: Promise<unknown> = Promise.resolve()
  #loops: Promise<unknown> | null = null

  constructor(options: BuildQueueOptions) {
    this.#options = options
    this.#asks = new AskCounts(options.database, options.log)
  }

  /** Starts to take jobs. */
  start(): void {
    this.#loops ??= Promise.all(
      (Object.keys(LANES) as Lane[]).flatMap((lane) =>
        Array.from({ length: LANES[lane] }, () => this.#run(lane)),
      ),
    )
  }

  /**
   * Makes sure that a torrent of this revision is built or being built, however many ask. A job
   * that gave up stays so; see `restart`.
   */
  request(mediaId: MediaId, revision: number): Promise<void> {
    const key = `${mediaId}-${revision}`
    const known = this.#requests.get(key)
    if (known) this.#asks.add(mediaId, revision)
    if (known) return known
    const written = this.#insert(mediaId, revision)
    this.#requests.set(key, written)
    return written.finally(() => this.#requests.delete(key))
  }

  /** Somebody asked again for a torrent that is not there yet; costs no look-up. */
  wanted(mediaId: MediaId, revision: number): void {
    this.#asks.add(mediaId, revision)
  }

  async #insert(mediaId: MediaId, revision: number): Promise<void> {
    const { database, now, buildDelayMs } = this.#options
    const createdAt = now()
    const source = await database
      .selectFrom('media_source')
      .select('url')
      .where('media_id', '=', mediaId)
      .executeTakeFirst()
    const lane: Lane = source ? 'remote' : 'local'
    const inserted = await withoutSync(database, (connection) =>
      connection
        .insertInto('job')
        .values({
          media_id: mediaId,
          revision,
          state: 'queued',
          lane,
          origin: source ? new URL(source.url).origin : '',
          run_at: createdAt + buildDelayMs,
          attempts: 0,
          lease_owner: null,
          lease_until: null,
          pieces_done: 0,
          checkpoint: null,
          reason: null,
          created_at: createdAt,
        })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst(),
    )
    if (inserted.numInsertedOrUpdatedRows === 0n) {
      this.#asks.add(mediaId, revision)
      return
    }
    this.#options.onChange(mediaId)
    this.#wake(lane)
  }

  /** Queues a job again that gave up. @returns false when there is no such job */
  async restart(mediaId: MediaId, revision: number): Promise<boolean> {
    const { database, now } = this.#options
    const result = await database
      .updateTable('job')
      .set({ state: 'queued', attempts: 0, run_at: now(), reason: null })
      .where('media_id', '=', mediaId)
      .where('revision', '=', revision)
      .where('state', '=', 'failed')
      .executeTakeFirst()
    if (result.numUpdatedRows === 0n) return false
    this.#options.onChange(mediaId)
    this.#wake()
    return true
  }

  /** Stops after handing running jobs back; they go on from their checkpoints at the next start. */
  async close(): Promise<void> {
    this.#stopping.abort(new Error('the server is stopping'))
    this.#wake()
    await this.#loops
    await this.#asks.close()
  }

  async #run(lane: Lane): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        const job = await this.#claim(lane)
        if (job === undefined) await this.#sleep(lane)
        else await this.#take(job)
      } catch (cause) {
        this.#options.log.error({ err: cause }, 'the build queue could not use the database')
        await this.#sleep(lane)
      }
    }
  }

  async #take(job: Claimed): Promise<void> {
    try {
      if (job.attempts > MAX_ATTEMPTS) await this.#giveUp(job)
      else await this.#work(job)
    } finally {
      this.#underWay.delete(job)
    }
  }

  #sleep(lane: Lane): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, POLL_MS)
    this.#sleepers.set(resolve, lane)
    if (this.#stopping.signal.aborted) resolve()
    return promise.finally(() => {
      clearTimeout(timer)
      this.#sleepers.delete(resolve)
    })
  }

  /** One job is for one loop: the others would look for it in vain. @param lane all when left out */
  #wake(lane?: Lane): void {
    for (const [wake, own] of this.#sleepers) {
      if (lane !== undefined && own !== lane) continue
      wake()
      this.#sleepers.delete(wake)
      if (lane !== undefined) return
    }
  }

  /** One after the other: two that look at once find the same job. */
  #claim(lane: Lane): Promise<Claimed | undefined> {
    const { database, now } = this.#options
    const turn = this.#claiming.then(async () => {
      const underWay = this.#underWay
      const job = await claim(database, { lane, owner: this.#owner, now: now(), underWay })
      if (job) underWay.add(job)
      return job
    })
    this.#claiming = turn.catch(() => {})
    return turn
  }

  async #work(row: Claimed): Promise<void> {
    const { log, now, build, onChange } = this.#options
    const stop = new AbortController()
    const signal = AbortSignal.any([stop.signal, this.#stopping.signal])
    let saved = row.checkpoint ?? new Uint8Array()
    let failedBeats = 0
    const beat = async () => {
      try {
        const held = await this.#extendLease(row, saved)
        if (!held) stop.abort(new Error('the title was deleted or another process took the job'))
        failedBeats = 0
        onChange(row.media_id)
      } catch (cause) {
        failedBeats += 1
        log.error({ err: cause, media: row.media_id }, 'a heartbeat of a build could not be saved')
        if (failedBeats * HEARTBEAT_MS >= LEASE_MS) stop.abort(cause)
      }
    }
    const heart = setInterval(() => void beat(), HEARTBEAT_MS)
    const startedAt = now()
    log.info(
      { media: row.media_id, attempt: row.attempts, resumed: saved.length / HASH_BYTES },
      'build',
    )
    try {
      const real = await build({
        mediaId: row.media_id,
        revision: row.revision,
        checkpoint: saved,
        signal,
        saveProgress: (hashes) => {
          saved = hashes
        },
      })
      signal.throwIfAborted()
      const facts = { media: row.media_id, infoHash: real.infoHash, ms: now() - startedAt }
      if (await this.#commit(row, real)) log.info(facts, 'built')
      else log.info(facts, 'a build was not needed any more')
    } catch (cause) {
      if (stop.signal.aborted) log.info({ media: row.media_id }, String(stop.signal.reason))
      else if (this.#stopping.signal.aborted) await this.#handBack(row, saved)
      else await this.#fail(row, saved, cause)
    } finally {
      clearInterval(heart)
    }
    onChange(row.media_id)
  }

  async #extendLease(row: Claimed, hashes: Uint8Array): Promise<boolean> {
    return this.#updateHeld(row, {
      lease_until: this.#options.now() + LEASE_MS,
      attempts: attemptsOf(row, hashes),
      ...checkpointOf(hashes),
    })
  }

  /** The torrent and the end of its job become visible together, or not at all. */
  async #commit(row: Claimed, real: RealInfo): Promise<boolean> {
    const { database, now } = this.#options
    return withoutSync(database, (connection) =>
      connection.transaction().execute(async (transaction) => {
        const released = await transaction
          .deleteFrom('job')
          .where('media_id', '=', row.media_id)
          .where('revision', '=', row.revision)
          .where('lease_owner', '=', this.#owner)
          .executeTakeFirst()
        if (released.numDeletedRows === 0n) return false
        const inserted = await transaction
          .insertInto('torrent')
          .values({
            media_id: row.media_id,
            revision: row.revision,
            info_hash: real.infoHash,
            info: real.info,
            created_at: now(),
          })
          .onConflict((conflict) => conflict.doNothing())
          .executeTakeFirst()
        return (inserted.numInsertedOrUpdatedRows ?? 0n) > 0n
      }),
    )
  }

  async #handBack(row: Claimed, hashes: Uint8Array): Promise<void> {
    await this.#updateHeld(row, {
      state: 'queued',
      attempts: attemptsOf(row, hashes) - 1,
      ...RELEASED,
      ...checkpointOf(hashes),
    })
  }

  /** Attempts are counted when they begin, so a job that kills its process gets here too. */
  async #giveUp(row: Claimed): Promise<void> {
    const { log, onChange } = this.#options
    log.error({ media: row.media_id, attempts: row.attempts - 1 }, 'a build never came to its end')
    const reason = 'The server stopped each time it hashed this file. Its log may say why.'
    await this.#updateHeld(row, { state: 'failed', attempts: MAX_ATTEMPTS, reason, ...RELEASED })
    onChange(row.media_id)
  }

  async #fail(row: Claimed, hashes: Uint8Array, cause: unknown): Promise<void> {
    const { log, now } = this.#options
    const attempts = attemptsOf(row, hashes)
    const { givesUp, delayMs, reason } = afterFailure(cause, attempts)
    const facts = { err: cause, media: row.media_id, attempt: attempts, givesUp }
    if (cause instanceof BuildFailure) log.warn(facts, 'a build failed')
    else log.error(facts, 'a build failed')
    await this.#updateHeld(row, {
      state: givesUp ? 'failed' : 'queued',
      attempts,
      run_at: now() + delayMs,
      reason,
      ...RELEASED,
      ...checkpointOf(hashes),
    })
  }

  /** @returns false when this process does not hold the job any more */
  async #updateHeld(row: Claimed, change: Partial<JobChange>): Promise<boolean> {
    const result = await withoutSync(this.#options.database, (connection) =>
      connection
        .updateTable('job')
        .set(change)
        .where('media_id', '=', row.media_id)
        .where('revision', '=', row.revision)
        .where('state', '=', 'running')
        .where('lease_owner', '=', this.#owner)
        .executeTakeFirst(),
    )
    return result.numUpdatedRows > 0n
  }
}

interface JobChange {
  state: 'queued' | 'failed'
  run_at: number
  attempts: number
  lease_owner: null
  lease_until: number | null
  pieces_done: number
  checkpoint: Uint8Array
  reason: string
}

const RELEASED = { lease_owner: null, lease_until: null } as const

/** Attempts without progress, this one included: who gets further may try as often again. */
function attemptsOf(row: Claimed, hashes: Uint8Array): number {
  return hashes.length > (row.checkpoint?.length ?? 0) ? 1 : row.attempts
}

function checkpointOf(hashes: Uint8Array) {
  return { pieces_done: hashes.length / HASH_BYTES, checkpoint: hashes }
}
