// The durable queue of torrent builds: one job per title and revision, claimed with a lease that
// a heartbeat extends. A job whose process died is taken up again when its lease runs out, from
// the pieces that its last heartbeat saved. The tables are the truth; `wake` is only a hint.
import { randomUUID } from 'node:crypto'
import type { ExpressionBuilder } from 'kysely'
import type { Logger } from 'pino'
import type { MediaId } from '#protocol/ids.ts'
import type { Database } from '../database/database.ts'
import type { Schema } from '../database/schema.ts'
import { HASH_BYTES } from '../hashing/hash-task.ts'
import type { RealInfo } from '../torrent/metainfo.ts'
import { LEASE_MS, MAX_ATTEMPTS, retryDelayMs } from './retry.ts'

const HEARTBEAT_MS = 500
const POLL_MS = 1_000

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
  #wake: () => void = () => {}
  #loop: Promise<void> | null = null

  constructor(options: BuildQueueOptions) {
    this.#options = options
  }

  /** Starts to take jobs, one at a time: a build uses all cores by itself. */
  start(): void {
    this.#loop ??= this.#run()
  }

  /**
   * Makes sure that a torrent of this revision is built or being built, however many ask. A job
   * that gave up stays so; see `restart`.
   */
  async request(mediaId: MediaId, revision: number): Promise<void> {
    const { database, now, buildDelayMs } = this.#options
    const createdAt = now()
    const inserted = await database
      .insertInto('job')
      .values({
        media_id: mediaId,
        revision,
        state: 'queued',
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
      .executeTakeFirst()
    if (inserted.numInsertedOrUpdatedRows === 0n) return
    this.#options.onChange(mediaId)
    this.#wake()
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

  /** Stops after handing a running job back; it goes on from its checkpoint at the next start. */
  async close(): Promise<void> {
    this.#stopping.abort(new Error('the server is stopping'))
    this.#wake()
    await this.#loop
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        const job = await this.#claim()
        if (job === undefined) await this.#sleep(POLL_MS)
        else if (job.attempts > MAX_ATTEMPTS) await this.#giveUp(job)
        else await this.#work(job)
      } catch (cause) {
        this.#options.log.error({ err: cause }, 'the build queue could not use the database')
        await this.#sleep(POLL_MS)
      }
    }
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
      if (this.#stopping.signal.aborted) this.#wake()
    })
  }

  /** @returns a job that is due and now ours, or undefined */
  async #claim(): Promise<Claimed | undefined> {
    const { database, now } = this.#options
    const time = now()
    const isDue = (where: ExpressionBuilder<Schema, 'job'>) =>
      where.or([
        where.and([where('state', '=', 'queued'), where('run_at', '<=', time)]),
        where.and([where('state', '=', 'running'), where('lease_until', '<=', time)]),
      ])
    const due = await database
      .selectFrom('job')
      .select(['media_id', 'revision'])
      .where(isDue)
      .orderBy('run_at')
      .limit(1)
      .executeTakeFirst()
    if (due === undefined) return undefined
    // Another process may have been faster: then the row is not due any more and nothing matches.
    return database
      .updateTable('job')
      .set((update) => ({
        state: 'running',
        lease_owner: this.#owner,
        lease_until: time + LEASE_MS,
        attempts: update('attempts', '+', 1),
      }))
      .where('media_id', '=', due.media_id)
      .where('revision', '=', due.revision)
      .where(isDue)
      .returning(['media_id', 'revision', 'attempts', 'checkpoint'])
      .executeTakeFirst()
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
      ...checkpointOf(hashes),
    })
  }

  /** The torrent and the end of its job become visible together, or not at all. */
  async #commit(row: Claimed, real: RealInfo): Promise<boolean> {
    const { database, now } = this.#options
    return database.transaction().execute(async (transaction) => {
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
    })
  }

  async #handBack(row: Claimed, hashes: Uint8Array): Promise<void> {
    await this.#updateHeld(row, {
      state: 'queued',
      attempts: row.attempts - 1,
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
    const givesUp = row.attempts >= MAX_ATTEMPTS
    log.error({ err: cause, media: row.media_id, attempt: row.attempts, givesUp }, 'a build failed')
    await this.#updateHeld(row, {
      state: givesUp ? 'failed' : 'queued',
      run_at: now() + retryDelayMs(row.attempts),
      reason: 'The pieces of the file could not be hashed. The server log has the details.',
      ...RELEASED,
      ...checkpointOf(hashes),
    })
  }

  /** @returns false when this process does not hold the job any more */
  async #updateHeld(row: Claimed, change: Partial<JobChange>): Promise<boolean> {
    const result = await this.#options.database
      .updateTable('job')
      .set(change)
      .where('media_id', '=', row.media_id)
      .where('revision', '=', row.revision)
      .where('state', '=', 'running')
      .where('lease_owner', '=', this.#owner)
      .executeTakeFirst()
    return result.numUpdatedRows > 0n
  }
}

interface Claimed {
  readonly media_id: MediaId
  readonly revision: number
  readonly attempts: number
  readonly checkpoint: Uint8Array | null
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

function checkpointOf(hashes: Uint8Array) {
  return { pieces_done: hashes.length / HASH_BYTES, checkpoint: hashes }
}
