// Copies of files elsewhere, as each origin's policy has it: a copy grows beside the blobs, is moved
// among them when it is whole, and only then is noted in `media_source.kept_revision`. Copies that are
// kept as a cache are bounded; the least recently wanted go first, and those of older revisions before
// all others. A source without ranges is always copied, for ranges can be served from nothing else.
// Whoever made this closes it: downloads stop then, and go on from the bytes on disk.
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rm, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import type { Logger } from 'pino'
import type { MediaId } from '#protocol/ids.ts'
import type { Keep } from '#protocol/sources.ts'
import type { DiskBlobStore } from '../blobs/disk-blob-store.ts'
import type { Database } from '../database/database.ts'
import { SlipstreamError } from '../http/errors.ts'
import type { Media, MediaSource } from '../media/catalogue.ts'
import { copiesOnDisk, touchCopy } from './copies-on-disk.ts'
import { CopyFailed, GrowingCopy } from './growing-copy.ts'
import { isFinal, PersistentReader, type ReaderPorts } from './persistent-reader.ts'
import { SourceChanged } from './source-client.ts'

/** Downloads at once; each has a file open. */
const MOST_GROWING = 16
/** What a mirror must have like the copy's end to go on with it. */
const SAMPLE_BYTES = 64 * 1024
/** What copies leave of the disk: the database and uploads want to be written as well. */
const FREE_BYTES = 256 * 1024 ** 2
/** A copy that has not grown for so long may be removed to make room. */
const ABANDONED_MS = 3600_000
/** How exactly it is known when a copy was wanted last. */
const WANTED_MS = 60_000
/** So long after it was wanted last, an older revision's copy goes: nobody pauses a film for longer. */
const OLD_MS = 12 * 3600_000
/** How often is looked for copies whose time is over. */
const SWEEP_MS = 3600_000

interface CopiesPorts {
  readonly database: Database
  readonly blobs: DiskBlobStore
  readonly reader: ReaderPorts
  /** What is to be kept of the file at a URL. */
  readonly keepOf: (url: string) => Keep | Promise<Keep>
  /** Bound of all copies that are not kept always. */
  readonly cacheBytes: number
  /** A copy of the title came or went. */
  readonly onChange: (id: MediaId, revision: number) => void
  readonly now: () => number
  readonly log: Logger
}

/** A title with a file elsewhere. */
export type RemoteMedia = Media & { readonly source: MediaSource }

/** @returns whether the title's file lies elsewhere */
export function isRemote(media: Media): media is RemoteMedia {
  return media.source !== null
}

export class SourceCopies {
  readonly #ports: CopiesPorts
  readonly #growing = new Map<
    string,
    { readonly copy: GrowingCopy; readonly size: number; readonly done: Promise<void> }
  >()
  readonly #stops = new Map<MediaId, Set<AbortController>>()
  /** By id and revision, as `#growing` is. */
  readonly #wanted = new Map<string, number>()
  #evicting: Promise<void> = Promise.resolve()
  #sweeps: NodeJS.Timeout | undefined
  #closed = false

  constructor(ports: CopiesPorts) {
    this.#ports = ports
  }

  /** Looks through the copies, and again every hour. @returns after the first time */
  start(): Promise<void> {
    this.#sweeps = setInterval(() => this.keepWithinBound(), SWEEP_MS)
    this.#sweeps.unref()
    return this.keepWithinBound()
  }

  /** @returns whether a copy of the title's file is there, or is to be kept */
  async wants(media: RemoteMedia): Promise<boolean> {
    const { source, size } = media
    if (source.kept_revision === media.revision || source.ranges === 0) return true
    const keep = await this.#ports.keepOf(source.url)
    return keep === 'always' || (keep === 'cache' && size <= this.#ports.cacheBytes)
  }

  /**
   * The copy of the title's present revision as it grows; its download begins when there is none,
   * goes on from an earlier one, and does not end before the copy is whole.
   * @throws SlipstreamError `source_unreachable` when too many are under way
   */
  fill(media: RemoteMedia): GrowingCopy {
    const key = `${media.id}-${media.revision}`
    const known = this.#growing.get(key)
    if (known) return known.copy
    if (this.#closed) throw new Error('the copies are closed')
    if (this.#growing.size >= MOST_GROWING) {
      const message = 'This server is fetching too many files at once. Try again in a minute.'
      const headers = { 'Retry-After': '60' }
      throw new SlipstreamError('source_unreachable', message, { headers })
    }
    const { blobs } = this.#ports
    const finalPath = blobs.path(media.id, media.revision)
    const copy = new GrowingCopy(`${finalPath}.part`, finalPath)
    const stop = new AbortController()
    const stops = this.#stops.get(media.id) ?? new Set()
    this.#stops.set(media.id, stops.add(stop))
    const done = this.#download(media, copy, stop.signal)
      .then(
        () => copy.finished(),
        (cause) => copy.failed(cause),
      )
      .finally(() => {
        this.#growing.delete(key)
        stops.delete(stop)
        if (stops.size === 0 && this.#stops.get(media.id) === stops) this.#stops.delete(media.id)
      })
    this.#growing.set(key, { copy, size: media.size, done })
    return copy
  }

  /** Somebody reads the copy of a revision; says so once a minute. */
  wanted(id: MediaId, revision: number): void {
    const { now, log } = this.#ports
    const key = `${id}-${revision}`
    const time = now()
    if (time - (this.#wanted.get(key) ?? 0) < WANTED_MS) return
    this.#wanted.set(key, time)
    this.#noteWanted(id, revision, time).catch((err) =>
      log.error({ err, media: id }, 'when a copy was wanted cannot be noted'),
    )
  }

  /** Removes a copy; who reads it reads on. */
  async drop(id: MediaId, revision: number): Promise<void> {
    const { database, blobs, onChange } = this.#ports
    await database
      .updateTable('media_source')
      .set({ kept_revision: null })
      .where('media_id', '=', id)
      .where('kept_revision', '=', revision)
      .execute()
    this.#wanted.delete(`${id}-${revision}`)
    onChange(id, revision)
    await rm(blobs.path(id, revision), { force: true })
  }

  /** Ends downloads of a title that is deleted. @returns when nothing of it is written any more */
  async forget(id: MediaId): Promise<void> {
    for (const stop of this.#stops.get(id) ?? []) stop.abort(new Error('the title was deleted'))
    const own = [...this.#growing].filter(([key]) => key.startsWith(`${id}-`))
    await Promise.all(own.map(([, { done }]) => done))
    for (const key of this.#wanted.keys()) if (key.startsWith(`${id}-`)) this.#wanted.delete(key)
  }

  /**
   * Removes copies that are not to be kept any more, and the least recently wanted ones until the
   * others are within the bound. Never rejects: trouble is logged.
   */
  keepWithinBound(spared?: MediaId): Promise<void> {
    this.#evicting = this.#evicting
      .then(() => this.#evict(spared))
      .catch((err) => {
        this.#ports.log.error({ err }, 'copies of files elsewhere could not be looked through')
      })
    return this.#evicting
  }

  /** Stops downloads; what came is on disk and is gone on from. */
  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#sweeps)
    for (const stops of this.#stops.values()) {
      for (const stop of stops) stop.abort(new Error('the server is stopping'))
    }
    await Promise.all([...this.#growing.values()].map(({ done }) => done))
    await this.#evicting
  }

  async #download(media: RemoteMedia, copy: GrowingCopy, signal: AbortSignal): Promise<void> {
    const { blobs, log } = this.#ports
    const { id, revision, size } = media
    const finalPath = blobs.path(id, revision)
    const path = `${finalPath}.part`
    try {
      if ((await sizeOf(finalPath)) !== size) {
        await disk(prepareFolder(finalPath, path))
        await disk(this.#assertRoom(path))
        await this.#append(media, copy, { path, signal })
        await disk(this.#adopt(path, media))
      }
      copy.grewTo(size)
    } catch (error) {
      const isUseless = error instanceof SourceChanged || isFinal(error)
      if (isUseless || error instanceof CopyFailed) await rm(path, { force: true }).catch(() => {})
      if (error instanceof CopyFailed) {
        log.warn({ err: error.cause, media: id }, 'a copy of a file elsewhere cannot be written')
      }
      throw error
    }
    if (await this.#noteKept(id, revision)) {
      log.info({ media: id, size }, 'a copy of a file elsewhere is kept')
      await this.keepWithinBound(id)
    } else {
      await blobs.remove(id) // the title was deleted meanwhile
    }
  }

  async #adopt(path: string, { id, revision, size }: RemoteMedia): Promise<void> {
    const { blobs } = this.#ports
    try {
      await blobs.adopt(path, id, revision)
    } catch (error) {
      // Another process on the same folder was faster.
      if ((await sizeOf(blobs.path(id, revision))) !== size) throw error
    }
  }

  /** What a source says of its length may be anything: room for all of it is there, or it is not begun. */
  async #assertRoom(path: string): Promise<void> {
    if ((await this.#missingBytes(path)) <= 0) return
    await this.#removeAbandoned()
    await this.#removeOld(await this.#missingBytes(path))
    if ((await this.#missingBytes(path)) <= 0) return
    throw Object.assign(new Error('the disk has no room for the copy'), { code: 'ENOSPC' })
  }

  /** @returns how much more must be free on the disk, negative when more is than must be */
  async #missingBytes(path: string): Promise<number> {
    const { bavail, bsize } = await statfs(dirname(path))
    const growing = [...this.#growing.values()]
    const toCome = growing.reduce((sum, { copy, size }) => sum + size - copy.length, 0)
    return toCome - ((await sizeOf(path)) ?? 0) + FREE_BYTES - bavail * bsize
  }

  /** Copies that broke off and were not gone on with: nobody else counts them. */
  async #removeAbandoned(): Promise<void> {
    const { blobs, now, log } = this.#ports
    for (const id of await blobs.list()) {
      const folder = dirname(blobs.path(id, 1))
      for (const name of await readdir(folder).catch(() => [])) {
        const [, revision] = /^(\d+)\.part$/.exec(name) ?? []
        if (revision === undefined || this.#growing.has(`${id}-${revision}`)) continue
        const part = await stat(join(folder, name)).catch(() => null)
        if (part === null || now() - part.mtimeMs < ABANDONED_MS) continue
        await rm(join(folder, name), { force: true })
        log.info({ media: id, bytes: part.size }, 'an abandoned copy made room for others')
      }
    }
  }

  /** Copies of older revisions make room for what is wanted now, if they can. */
  async #removeOld(missing: number): Promise<void> {
    const { database, blobs, log } = this.#ports
    if (missing <= 0) return
    const old = (await copiesOnDisk(database, blobs)).filter(({ isOld }) => isOld)
    const all = old.reduce((sum, { bytes }) => sum + bytes, 0)
    if (all < missing) return // who watches them would lose them for nothing
    for (const { id, revision, bytes } of copiesToEvict(old, all - missing)) {
      await this.drop(id, revision)
      log.info({ media: id, revision, bytes }, 'a copy of an older revision made room for others')
    }
  }

  async #append(
    { source, size }: RemoteMedia,
    copy: GrowingCopy,
    { path, signal }: { readonly path: string; readonly signal: AbortSignal },
  ): Promise<void> {
    // Each byte is written to its own place, for another process on the same folder may write the
    // same ones. What only ever grows at its end may end early after a power cut, but has nothing
    // wrong in it.
    await using file = await disk(open(path, constants.O_RDWR | constants.O_CREAT))
    const { size: there } = await disk(file.stat())
    if (there > size) await disk(file.truncate(0))
    copy.grewTo(there > size ? 0 : there)
    const reader = new PersistentReader(this.#ports.reader, {
      url: source.url,
      mirrors: source.mirrors,
      known: knownOf(source, size),
      signal,
      takesNoTurn: true, // `MOST_GROWING` is the bound; viewers may wait for it
      isWatched: () => copy.isWatched,
      agrees: (read) => hasSameEnd(file, copy.length, read),
    })
    for await (const chunk of reader.bytes(copy.length, size)) {
      for (let done = 0; done < chunk.length; ) {
        const place = copy.length + done
        const { bytesWritten } = await disk(file.write(chunk, done, chunk.length - done, place))
        done += bytesWritten
      }
      copy.grewTo(copy.length + chunk.length)
    }
  }

  /**
   * The copy of an older revision stays for those who watch it.
   * @returns false when there is no such title any more
   */
  async #noteKept(id: MediaId, revision: number): Promise<boolean> {
    const { database, blobs, now, onChange, log } = this.#ports
    const before = await database
      .selectFrom('media_source')
      .select('kept_revision')
      .where('media_id', '=', id)
      .executeTakeFirst()
    if (before === undefined) return false
    const { kept_revision: old } = before
    if (old !== null && old > revision) return true // this one was late, and is the older one
    // Before the table: after a crash in between, the old one would pass for long unwanted.
    if (old !== null && old !== revision) {
      await touchCopy(blobs.path(id, old), now()).catch((err) =>
        log.warn({ err, media: id }, 'that a copy is an old one now cannot be noted'),
      )
    }
    await database
      .updateTable('media_source')
      .set({ kept_revision: revision, wanted_at: now() })
      .where('media_id', '=', id)
      .execute()
    onChange(id, revision)
    return true
  }

  async #noteWanted(id: MediaId, revision: number, time: number): Promise<void> {
    const { database, blobs } = this.#ports
    const noted = await database
      .updateTable('media_source')
      .set({ wanted_at: time })
      .where('media_id', '=', id)
      .where('kept_revision', '=', revision)
      .executeTakeFirst()
    if (noted.numUpdatedRows === 0n) await touchCopy(blobs.path(id, revision), time)
  }

  async #evict(spared: MediaId | undefined): Promise<void> {
    const { database, blobs, keepOf, cacheBytes, now, log } = this.#ports
    const all = await Promise.all(
      (await copiesOnDisk(database, blobs)).map(async (copy) => {
        const keep = await keepOf(copy.url)
        const isSpared = copy.id === spared && !copy.hasRanges
        return {
          ...copy,
          isFixed: !copy.isOld && (keep === 'always' || isSpared),
          isOver:
            (keep === 'never' && copy.hasRanges) || (copy.isOld && now() - copy.wantedAt >= OLD_MS),
        }
      }),
    )
    for (const { id, revision, bytes } of all.filter(({ isOver }) => isOver)) {
      await this.drop(id, revision)
      log.info({ media: id, revision, bytes }, 'a copy is not kept any more')
    }
    const rest = all.filter(({ isOver }) => !isOver)
    for (const { id, revision, bytes } of copiesToEvict(rest, cacheBytes)) {
      await this.drop(id, revision)
      log.info({ media: id, revision, bytes }, 'a copy made room for others')
    }
  }
}

interface Evictable {
  readonly bytes: number
  /** Milliseconds since 1970. */
  readonly wantedAt: number
  /** Of an older revision: goes before all others. */
  readonly isOld: boolean
  /** Stays, and does not count. */
  readonly isFixed?: boolean
}

/** @returns the copies that go so that the others take at most `bound` bytes */
export function copiesToEvict<C extends Evictable>(copies: readonly C[], bound: number): C[] {
  const cached = copies
    .filter(({ isFixed }) => !isFixed)
    .toSorted(
      (one, other) => Number(other.isOld) - Number(one.isOld) || one.wantedAt - other.wantedAt,
    )
  let total = cached.reduce((sum, { bytes }) => sum + bytes, 0)
  return cached.filter(({ bytes }) => {
    if (total <= bound) return false
    total -= bytes
    return true
  })
}

/** @returns the source as its validators describe the title's revision */
export function knownOf(source: MediaSource, size: number) {
  const { etag, last_modified: lastModified, ranges } = source
  return { size, etag, lastModified, ranges: ranges === 1 }
}

async function hasSameEnd(
  file: FileHandle,
  length: number,
  read: (start: number, end: number) => AsyncIterable<Uint8Array>,
): Promise<boolean> {
  const start = Math.max(0, length - SAMPLE_BYTES)
  if (start === length) return true
  const ours = Buffer.alloc(length - start)
  await disk(file.read(ours, 0, ours.length, start))
  return ours.equals(await buffer(read(start, length)))
}

/** Makes the title's folder, and removes what an older revision left unfinished. */
async function prepareFolder(finalPath: string, path: string): Promise<void> {
  const folder = dirname(finalPath)
  await mkdir(folder, { recursive: true })
  for (const name of await readdir(folder)) {
    const other = join(folder, name)
    if (/^\d+\.part$/.test(name) && other !== path) await rm(other, { force: true })
  }
}

async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

async function disk<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (cause) {
    throw new CopyFailed('the copy cannot be written', { cause })
  }
}
