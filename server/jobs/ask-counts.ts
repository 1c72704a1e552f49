// How often torrents that are not there yet were asked for. Counted in memory and added to the job
// table once a second, so that a crowd costs as many writes as it wants titles, not as it has heads.
// Whoever made it closes it; a crash loses the counts of a second.
import type { Logger } from 'pino'
import type { MediaId } from '#protocol/ids.ts'
import { type Database, withoutSync } from '../database/database.ts'

const FLUSH_MS = 1_000

interface Count {
  readonly mediaId: MediaId
  readonly revision: number
  times: number
}

export class AskCounts {
  readonly #database: Database
  readonly #log: Logger
  #counts = new Map<string, Count>()
  #timer: NodeJS.Timeout | undefined
  #flushing: Promise<void> = Promise.resolve()

  constructor(database: Database, log: Logger) {
    this.#database = database
    this.#log = log
  }

  add(mediaId: MediaId, revision: number): void {
    const key = `${mediaId}-${revision}`
    const count = this.#counts.get(key) ?? { mediaId, revision, times: 0 }
    count.times += 1
    this.#counts.set(key, count)
    this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS).unref()
  }

  /** Writes what was counted. */
  async close(): Promise<void> {
    this.#flush()
    await this.#flushing
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const counts = [...this.#counts.values()]
    this.#counts = new Map()
    if (counts.length === 0) return
    this.#flushing = this.#write(counts).catch((err) => {
      this.#log.error({ err }, 'how often torrents were asked for cannot be noted')
    })
  }

  #write(counts: readonly Count[]): Promise<void> {
    return withoutSync(this.#database, (connection) =>
      connection.transaction().execute(async (transaction) => {
        for (const { mediaId, revision, times } of counts) {
          await transaction
            .updateTable('job')
            .set((update) => ({ asked: update('asked', '+', times) }))
            .where('media_id', '=', mediaId)
            .where('revision', '=', revision)
            .where('state', '=', 'queued')
            .execute()
        }
      }),
    )
  }
}
