// Uploads under way, on disk: `<id>` holds the bytes that arrived, `<id>.json` what is known of them.
// An upload outlives its bytes: which title it became is kept until it expires, so that a client
// that lost the last answer still learns it. Ids are ours, checked before they get here.
import { mkdirSync } from 'node:fs'
import { open, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { FileStore } from '@tus/file-store'
import { Upload } from '@tus/server'
import * as v from 'valibot'
import { type MediaId, mediaIdSchema } from '#protocol/ids.ts'
import { replaceFile } from '../blobs/durable-files.ts'

const recordSchema = v.object({
  id: v.string(),
  /** Bytes of the whole; missing while the client has not said. */
  size: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
  metadata: v.optional(v.record(v.string(), v.nullable(v.string()))),
  creation_date: v.string(),
  /** The title it becomes; decided before its bytes are moved. */
  mediaId: v.optional(mediaIdSchema),
  /** The title is in the catalogue. */
  finished: v.optional(v.boolean(), false),
  /** How often reading its structure took too long. */
  timeouts: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 0),
  /** Why it never becomes a title, a sentence for a person. */
  refusal: v.optional(v.string()),
})

/** What is known of an upload. */
export type UploadRecord = v.InferOutput<typeof recordSchema>

/** Bytes per write; larger ones gain nothing. */
const BATCH_BYTES = 256 * 1024
/** Bytes that changed so lately are being written, whatever their age. */
const BUSY_MS = 3600 * 1000
/** So much is missing when the end of an upload is near: a second or two of a fast line. */
const NEAR_END_BYTES = 16 * 1024 * 1024
const UPLOAD_FILE = /^([0-9a-f]{32})(\.json(\.tmp)?)?$/

export class UploadStore extends FileStore {
  readonly #records: UploadRecords
  readonly #onNearEnd: () => void

  /**
   * @param directory made when it is missing; holds nothing but uploads
   * @param lifetimeMs how long an upload may take, and how long its outcome is kept
   * @param onNearEnd told with each batch of an upload's last bytes
   */
  constructor(directory: string, lifetimeMs: number, onNearEnd: () => void = () => {}) {
    mkdirSync(directory, { recursive: true })
    const records = new UploadRecords(directory)
    super({ directory, configstore: records, expirationPeriodInMilliseconds: lifetimeMs })
    this.#records = records
    this.#onNearEnd = onNearEnd
  }

  /** @returns `undefined` when there is no such upload */
  record(id: string): Promise<UploadRecord | undefined> {
    return this.#records.read(id)
  }

  /** Path of the bytes that arrived. */
  path(id: string): string {
    return join(this.directory, id)
  }

  /** Writes down durably which title an upload becomes, before anything is done about it. */
  async reserve(record: UploadRecord, mediaId: MediaId): Promise<void> {
    await this.#records.write({ ...record, mediaId })
  }

  /** Writes down that the title is there. */
  async finish(record: UploadRecord, mediaId: MediaId): Promise<void> {
    await this.#records.write({ ...record, mediaId, finished: true })
  }

  /**
   * Writes down that reading it took too long once more.
   * @param refusal why it is given up, or `null` while it is not; its bytes stay until it expires
   */
  async countTimeout(record: UploadRecord, refusal: string | null): Promise<void> {
    const timeouts = record.timeouts + 1
    await this.#records.write({ ...record, timeouts, ...(refusal !== null && { refusal }) })
  }

  /** @returns whether its bytes are here, not with their title already */
  async hasBytes(id: string): Promise<boolean> {
    return (await sizeOf(this.path(id))) !== null
  }

  /** @returns whether all bytes arrived, even when they were moved to their title since */
  async isComplete(record: UploadRecord): Promise<boolean> {
    if (record.finished) return true
    if (record.size === undefined) return false
    const size = await sizeOf(this.path(record.id))
    return size === null ? record.mediaId !== undefined : size === record.size
  }

  override async getUpload(id: string): Promise<Upload> {
    const record = await this.record(id)
    if (record?.size === undefined || !(await this.isComplete(record))) return super.getUpload(id)
    return new Upload({
      id,
      size: record.size,
      offset: record.size,
      creation_date: record.creation_date,
      ...(record.metadata && { metadata: record.metadata }),
    })
  }

  /**
   * Appends what arrives. What arrived before an interruption is kept, so that the client resumes
   * behind it; system errors come through as they are.
   */
  override async write(readable: Readable, id: string, offset: number): Promise<number> {
    const record = await this.record(id)
    if (record && (await this.isComplete(record))) {
      for await (const _ of readable); // a repeated last request, its body is empty
      return offset
    }
    await using file = await open(this.path(id), 'r+')
    const batch = Buffer.allocUnsafe(BATCH_BYTES)
    let filled = 0
    let position = offset
    let broken = false
    const flush = async (): Promise<void> => {
      if (filled === 0) return
      broken = true // until all of it is written: what follows would land in the wrong place
      let done = 0
      while (done < filled) {
        const { bytesWritten } = await file.write(batch, done, filled - done, position)
        done += bytesWritten
        position += bytesWritten
      }
      filled = 0
      broken = false
      if (record?.size !== undefined && record.size - position < NEAR_END_BYTES) this.#onNearEnd()
    }
    try {
      for await (const chunk of readable as AsyncIterable<Buffer>) {
        for (let from = 0; from < chunk.length; ) {
          const copied = chunk.copy(batch, filled, from)
          filled += copied
          from += copied
          if (filled === BATCH_BYTES) await flush()
        }
      }
    } finally {
      if (!broken) await flush()
    }
    return position
  }

  /** @returns the titles that uploads were to become, and did not yet */
  async reserved(): Promise<Set<MediaId>> {
    const ids = new Set<MediaId>()
    for (const upload of await this.list()) {
      const record = await this.record(upload)
      if (record?.mediaId !== undefined && !record.finished) ids.add(record.mediaId)
    }
    return ids
  }

  /** Forgets an upload and its bytes; one that is not there is fine. */
  async discard(id: string): Promise<void> {
    await rm(this.path(id), { force: true })
    await this.#records.delete(id)
  }

  /** @returns the ids of all uploads */
  list(): Promise<string[]> {
    return this.#records.list()
  }

  /**
   * Removes uploads that took too long, outcomes kept long enough, and rests of crashes.
   * @param now milliseconds since 1970
   * @returns how many were removed
   */
  async discardExpired(now: number): Promise<number> {
    let discarded = 0
    for (const id of await this.list()) {
      const record = await this.record(id)
      const touched = await touchedAt(this.path(id))
      const since = record ? Date.parse(record.creation_date) : (touched ?? 0)
      const expired = now - since > this.getExpiration() && now - (touched ?? 0) > BUSY_MS
      if (!expired) continue
      await this.discard(id)
      discarded++
    }
    return discarded
  }

  override deleteExpired(): Promise<number> {
    return this.discardExpired(Date.now())
  }
}

/** The `<id>.json` files, as `@tus/file-store` wants them. A file is replaced whole or not at all. */
class UploadRecords {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
  }

  async read(id: string): Promise<UploadRecord | undefined> {
    try {
      const parsed = v.safeParse(recordSchema, JSON.parse(await readFile(this.#path(id), 'utf8')))
      return parsed.success ? parsed.output : undefined
    } catch (error) {
      if (error instanceof SyntaxError) return undefined
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  async write(record: UploadRecord): Promise<void> {
    const path = this.#path(record.id)
    await replaceFile(path, `${path}.tmp`, JSON.stringify(record))
  }

  async get(id: string): Promise<Upload | undefined> {
    const record = await this.read(id)
    if (record === undefined) return undefined
    const { size, metadata, creation_date } = record
    return new Upload({
      id,
      offset: 0, // the size of the file of bytes tells
      creation_date,
      ...(size !== undefined && { size }),
      ...(metadata && { metadata }),
    })
  }

  async set(id: string, upload: Upload): Promise<void> {
    const { size, metadata, creation_date = new Date().toISOString() } = upload
    const known = await this.read(id)
    await this.write({
      finished: false,
      timeouts: 0,
      ...known,
      id,
      creation_date,
      ...(size !== undefined && { size }),
      ...(metadata && { metadata }),
    })
  }

  async delete(id: string): Promise<void> {
    await rm(this.#path(id), { force: true })
    await rm(`${this.#path(id)}.tmp`, { force: true })
  }

  async list(): Promise<string[]> {
    const ids = (await readdir(this.#directory)).map((name) => UPLOAD_FILE.exec(name)?.[1])
    return [...new Set(ids.filter((id) => id !== undefined))]
  }

  #path(id: string): string {
    return join(this.#directory, `${id}.json`)
  }
}

async function sizeOf(path: string): Promise<number | null> {
  return (await statOf(path))?.size ?? null
}

async function touchedAt(path: string): Promise<number | null> {
  return (await statOf(path))?.mtimeMs ?? null
}

async function statOf(path: string) {
  try {
    return await stat(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
