// The catalogue: titles, and what is known of each one's torrent and build job. The tables are the
// truth; a `MediaRecord` for a client is made of one row by `toRecord`.
import { type Insertable, type Selectable, sql } from 'kysely'
import * as v from 'valibot'
import { type InfoHash, type MediaId, parseMediaId } from '#protocol/ids.ts'
import type { MediaEdit, MediaRecord } from '#protocol/media.ts'
import { pieceLayout } from '#protocol/pieces.ts'
import { webSeedPath } from '#protocol/stream.ts'
import { type Database, withoutSync } from '../database/database.ts'
import type { Schema } from '../database/schema.ts'
import { SlipstreamError } from '../http/errors.ts'

/** A title as ingest hands it over. */
export type NewMedia = Insertable<Schema['media']>

/** A title with the state of its torrent. */
export interface Media extends Selectable<Schema['media']> {
  readonly info_hash: InfoHash | null
  readonly job_state: 'queued' | 'running' | 'failed' | null
  readonly pieces_done: number | null
  readonly reason: string | null
  /** In the order in which they were added. */
  readonly tracks: readonly TrackEntry[]
  /** Where the file lies, `null` for uploads. */
  readonly source: MediaSource | null
}

/** As the table has it, its lists parsed. */
export interface MediaSource
  extends Omit<Selectable<Schema['media_source']>, 'mirrors' | 'media_id'> {
  readonly mirrors: readonly string[]
}

/** What the bytes of a file say. */
export type Described = Pick<MediaRecord, 'type' | 'duration' | 'width' | 'height' | 'fastStart'>

/** Subtitles without their text. */
type TrackEntry = Pick<Selectable<Schema['track']>, 'id' | 'language' | 'label'>

/** What holds for the swarm of an info hash. */
export interface SwarmRules {
  /** False when the publisher has switched sharing off. */
  readonly enabled: boolean
  /** Viewers announced before any two are connected. */
  readonly minViewers: number
}

export interface MediaPage {
  readonly items: readonly Media[]
  readonly nextCursor: string | null
}

export interface PageRequest {
  /** From an earlier page's `nextCursor`. */
  readonly cursor?: string | undefined
  /** Words that title, description or file name must all contain, letter case aside. */
  readonly query?: string | undefined
  /** Titles on the page, at most. */
  readonly limit: number
}

export type Catalogue = ReturnType<typeof createCatalogue>

/** @param database owned by the caller */
export function createCatalogue(database: Database) {
  const titles = () =>
    database
      .selectFrom('media')
      .leftJoin('torrent', (join) =>
        join
          .onRef('torrent.media_id', '=', 'media.id')
          .onRef('torrent.revision', '=', 'media.revision'),
      )
      .leftJoin('job', (join) =>
        join.onRef('job.media_id', '=', 'media.id').onRef('job.revision', '=', 'media.revision'),
      )
      .selectAll('media')
      .select(['torrent.info_hash', 'job.state as job_state', 'job.pieces_done', 'job.reason'])

  const complete = async <Row extends { readonly id: MediaId }>(rows: readonly Row[]) => {
    if (rows.length === 0) return []
    const ids = rows.map(({ id }) => id)
    const tracks = await database
      .selectFrom('track')
      .select(['media_id', 'id', 'language', 'label'])
      .where('media_id', 'in', ids)
      .orderBy('created_at')
      .orderBy('id')
      .execute()
    const sources = await database
      .selectFrom('media_source')
      .selectAll()
      .where('media_id', 'in', ids)
      .execute()
    return rows.map((row) => ({
      ...row,
      source: sourceOf(sources.find((source) => source.media_id === row.id)),
      tracks: tracks
        .filter((track) => track.media_id === row.id)
        .map(({ id, language, label }) => ({ id, language, label })),
    }))
  }

  return {
    async add(media: NewMedia): Promise<void> {
      await database.insertInto('media').values(media).execute()
    },

    async get(id: MediaId): Promise<Media | null> {
      const [media] = await complete(await titles().where('media.id', '=', id).execute())
      return media ?? null
    },

    /** @throws SlipstreamError `bad_request` when the cursor is not one of ours */
    async page({ cursor, query, limit }: PageRequest): Promise<MediaPage> {
      let rows = titles().orderBy('media.created_at', 'desc').orderBy('media.id', 'desc')
      if (cursor !== undefined) {
        const after = parseCursor(cursor)
        rows = rows.where((where) =>
          where.or([
            where('media.created_at', '<', after.createdAt),
            where.and([
              where('media.created_at', '=', after.createdAt),
              where('media.id', '<', after.id),
            ]),
          ]),
        )
      }
      for (const word of (query ?? '').toLowerCase().split(/\s+/).filter(Boolean)) {
        const pattern = `%${word.replace(/[\\%_]/g, '\\$&')}%`
        rows = rows.where((where) =>
          where.or(
            (['media.title', 'media.description', 'media.filename'] as const).map((column) =>
              where(sql`lower(${sql.ref(column)})`, 'like', sql`${pattern} escape '\\'`),
            ),
          ),
        )
      }
      const items = await rows.limit(limit + 1).execute()
      const last = items.length > limit ? items[limit - 1] : undefined
      return {
        items: await complete(items.slice(0, limit)),
        nextCursor: last ? `${last.created_at}.${last.id}` : null,
      }
    },

    /** @returns false when there is no such title */
    async edit(id: MediaId, edit: MediaEdit): Promise<boolean> {
      const { p2p, embedSites, mirrors: _, ...words } = edit
      const all = {
        ...words,
        embed_sites:
          embedSites === undefined ? undefined : embedSites && JSON.stringify(embedSites),
        p2p_enabled: p2p?.enabled === undefined ? undefined : Number(p2p.enabled),
        p2p_min_viewers: p2p?.minViewers,
      }
      const changes = Object.fromEntries(
        Object.entries(all).filter(([, value]) => value !== undefined),
      )
      if (Object.keys(changes).length === 0) return (await this.get(id)) !== null
      const [result] = await database
        .updateTable('media')
        .set(changes)
        .where('id', '=', id)
        .execute()
      return result !== undefined && result.numUpdatedRows > 0n
    },

    /**
     * Says what a file turned out to be that was listed before its bytes were seen.
     * @returns false when there is no such title, or its file is another now
     */
    async describe(id: MediaId, revision: number, facts: Described): Promise<boolean> {
      const result = await withoutSync(database, (connection) =>
        connection
          .updateTable('media')
          .set({
            type: facts.type,
            duration_s: facts.duration,
            width: facts.width,
            height: facts.height,
            fast_start: facts.fastStart ? 1 : 0,
          })
          .where('id', '=', id)
          .where('revision', '=', revision)
          .executeTakeFirst(),
      )
      return result.numUpdatedRows > 0n
    },

    /**
     * Forgets a title with its torrent and its build job, and notes in the same transaction that
     * its bytes are to be removed: tell `bytesRemoved` when they are.
     * @returns false when there is no such title
     */
    remove(id: MediaId): Promise<boolean> {
      return database.transaction().execute(async (transaction) => {
        const [result] = await transaction.deleteFrom('media').where('id', '=', id).execute()
        if (result === undefined || result.numDeletedRows === 0n) return false
        await transaction
          .insertInto('removed_media')
          .values({ media_id: id })
          .onConflict((conflict) => conflict.column('media_id').doNothing())
          .execute()
        return true
      })
    },

    /** @returns titles that were removed and whose bytes may still be there, after a crash */
    async removed(): Promise<MediaId[]> {
      const rows = await database
        .selectFrom('removed_media')
        .select('media_id')
        .where('media_id', 'not in', database.selectFrom('media').select('id'))
        .execute()
      return rows.map((row) => row.media_id)
    },

    /** Nothing is left of a title that was removed. */
    async bytesRemoved(id: MediaId): Promise<void> {
      await database.deleteFrom('removed_media').where('media_id', '=', id).execute()
    },

    /**
     * Titles of the same bytes and name are one swarm; what one of them allows is allowed in it.
     * @returns `null` when no real torrent of the catalogue has this info hash
     */
    async swarmRules(infoHash: InfoHash): Promise<SwarmRules | null> {
      const titles = await database
        .selectFrom('torrent')
        .innerJoin('media', 'media.id', 'torrent.media_id')
        .select(['media.p2p_enabled', 'media.p2p_min_viewers'])
        .where('torrent.info_hash', '=', infoHash)
        .execute()
      if (titles.length === 0) return null
      const shared = titles.filter((title) => title.p2p_enabled === 1)
      return {
        enabled: shared.length > 0,
        minViewers: Math.min(
          ...(shared.length > 0 ? shared : titles).map((t) => t.p2p_min_viewers),
        ),
      }
    },

    /** @returns the bencoded info dictionary of the real torrent, or `null` while it is not built */
    async torrentInfo(id: MediaId, revision: number) {
      const row = await database
        .selectFrom('torrent')
        .select(['info_hash as infoHash', 'info'])
        .where('media_id', '=', id)
        .where('revision', '=', revision)
        .executeTakeFirst()
      return row ?? null
    },
  }
}

function sourceOf(row: Selectable<Schema['media_source']> | undefined): MediaSource | null {
  if (row === undefined) return null
  const { media_id: _, mirrors, ...facts } = row
  return { ...facts, mirrors: parseList(mirrors) }
}

function parseList(json: string): string[] {
  return v.parse(v.array(v.string()), JSON.parse(json))
}

function parseCursor(cursor: string): { createdAt: number; id: MediaId } {
  const match = /^(\d{1,15})\.(.*)$/.exec(cursor)
  const id = parseMediaId(match?.[2])
  if (match === null || id === null) {
    const message = 'The cursor is not one that this server gave out. Start again without it.'
    throw new SlipstreamError('bad_request', message)
  }
  return { createdAt: Number(match[1]), id }
}

/**
 * Where a title's bytes are on this server (BEP 19). The revision makes the URL's content immutable.
 * @param origin scheme, host and port, without a slash at the end
 */
export function webSeedUrl(origin: string, media: NewMedia): string {
  return origin + webSeedPath(media.id, media.revision, media.filename)
}

/**
 * Where a title's bytes are, best first: at its source, if browsers can read it there, and the mirrors,
 * then on this server, which passes on what it does not hold.
 * @param origin scheme, host and port that the client uses, without a slash at the end
 */
export function webSeedsOf(media: Media, origin: string): string[] {
  const own = webSeedUrl(origin, media)
  if (media.source === null) return [own]
  const { url, mirrors } = media.source
  // Mirrors were found to have ranges and CORS when they were set.
  const elsewhere = whyPassedOn(media.source) === null ? [url, ...mirrors] : mirrors
  // Browsers do not fetch from http on a page over https; programs do.
  const isFirst = (url: string) => url.startsWith('https:') || !origin.startsWith('https:')
  return [...elsewhere.filter(isFirst), own, ...elsewhere.filter((url) => !isFirst(url))]
}

/** @returns what an administrator should know of the source, or `null` */
function sourceWarning(source: MediaSource): string | null {
  const reason = whyPassedOn(source)
  if (reason === null && isUnnamed(source)) {
    return (
      'The source names its file neither by a strong ETag nor by Last-Modified, so a change to one of ' +
      'the same length is not noticed. Have the web server send a strong ETag.'
    )
  }
  if (reason === null || source.mirrors.length === 0) return reason
  return `${reason} Until then viewers read from the mirrors first.`
}

/** Whether only its length tells the source's file from another. */
export function isUnnamed({
  etag,
  last_modified,
}: Pick<MediaSource, 'etag' | 'last_modified'>): boolean {
  return etag === null && last_modified === null
}

/** @returns why browsers cannot fetch from the source themselves, or `null` when they can */
function whyPassedOn({ ranges, cors, varies }: MediaSource): string | null {
  if (ranges === 0) {
    return (
      'The source does not answer ranges of the file, so this server keeps a copy and sends it. ' +
      'Have the web server answer Range requests.'
    )
  }
  if (cors === 0) {
    return (
      'The source does not let other sites read the file, so this server passes its bytes on. ' +
      'Have the web server send Access-Control-Allow-Origin and Access-Control-Expose-Headers: ' +
      'Content-Range, ETag.'
    )
  }
  if (varies === 1) {
    return (
      'The source names the same file differently each time it is asked, so this server passes its ' +
      'bytes on, and may not notice a change. Have every server behind its address send the same ' +
      'ETag for the same bytes, then build the torrent again.'
    )
  }
  return null
}

/**
 * One row as a client sees it.
 * @param origin scheme, host and port that the client uses, without a slash at the end
 */
export function toRecord(media: Media, origin: string): MediaRecord {
  const facts = {
    id: media.id,
    revision: media.revision,
    title: media.title,
    description: media.description,
    filename: media.filename,
    size: media.size,
    type: media.type,
    duration: media.duration_s,
    width: media.width,
    height: media.height,
    fastStart: media.fast_start === 1,
    poster: null,
    webSeeds: webSeedsOf(media, origin),
    tracks: media.tracks.map((track) => ({
      ...track,
      url: `${origin}/api/media/${media.id}/tracks/${track.id}.vtt`,
    })),
    p2p: { enabled: media.p2p_enabled === 1, minViewers: media.p2p_min_viewers },
    source: media.source && {
      url: media.source.url,
      mirrors: [...media.source.mirrors],
      kept: media.source.kept_revision === media.revision,
      warning: sourceWarning(media.source),
    },
    embedSites: media.embed_sites === null ? null : parseList(media.embed_sites),
    createdAt: media.created_at,
  }
  if (media.info_hash !== null) return { ...facts, state: 'ready', infoHash: media.info_hash }
  if (media.job_state === null) return { ...facts, state: 'stored' }
  if (media.job_state === 'failed') {
    return { ...facts, state: 'failed', reason: media.reason ?? 'The build failed.' }
  }
  const progress = (media.pieces_done ?? 0) / pieceLayout(media.size).count
  return { ...facts, state: 'building', progress }
}
