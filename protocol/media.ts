// What the HTTP contract says of a title: the record, catalogue pages, and Server-Sent Events.
import * as v from 'valibot'
import { infoHashSchema, mediaIdSchema } from './ids.ts'
import { embedSitesSchema } from './settings.ts'
import { trackSchema } from './tracks.ts'

/** The publisher's gate, at most. */
export const MAX_MIN_VIEWERS = 10_000
/** Of one title. */
export const MAX_MIRRORS = 8

/** Viewers announced for a title before any two of them are connected; 1 means no gate. */
const minViewersSchema = v.pipe(
  v.number('must be a number'),
  v.integer('must be a whole number'),
  v.minValue(1, 'must be at least 1'),
  v.maxValue(MAX_MIN_VIEWERS, 'must be at most 10,000'),
)

const p2pSchema = v.object({
  enabled: v.boolean(),
  /** No viewer is connected to another before so many watch. */
  minViewers: minViewersSchema,
})

/** A title whose file lies on a web server or CDN of somebody's own. */
const mediaSourceSchema = v.object({
  url: v.string(),
  /** The same file elsewhere, in order of preference, behind `url` and before this server. */
  mirrors: v.array(v.string()),
  /** True when this server holds a copy of the present revision. */
  kept: v.boolean(),
  /** What the administrator should know of the source (no ranges, no CORS), or `null`. */
  warning: v.nullable(v.string()),
})

const facts = {
  id: mediaIdSchema,
  /** Counts up when the bytes of the title change; bytes of one revision never change. */
  revision: v.pipe(v.number(), v.integer(), v.minValue(1)),
  title: v.string(),
  description: v.string(),
  /** Name of the file, safe as a single path segment; also `info.name` of the torrents. */
  filename: v.string(),
  /** Bytes. */
  size: v.pipe(v.number(), v.integer(), v.minValue(1)),
  /** MIME type as sniffed from the bytes, with codecs: `video/webm; codecs="vp9, opus"`. */
  type: v.string(),
  /** Seconds, or `null` when the container does not say or nobody has looked yet. */
  duration: v.nullable(v.number()),
  /** Pixels, or `null` for audio and for a picture that nobody has looked at yet. */
  width: v.nullable(v.number()),
  height: v.nullable(v.number()),
  /** False when a player must read the end of the file before it can start (MP4 with `moov` last). */
  fastStart: v.boolean(),
  /** URL of a still picture, or `null`. */
  poster: v.nullable(v.string()),
  /** Absolute HTTP URLs of the whole file, best first (BEP 19). */
  webSeeds: v.array(v.string()),
  /** Subtitles, in the order in which they were added. */
  tracks: v.array(trackSchema),
  /** What the publisher says of sharing among viewers; the tracker enforces it. */
  p2p: p2pSchema,
  /** Where the bytes lie when they are not this server's own, else `null`. */
  source: v.nullable(mediaSourceSchema),
  /** Sites that may embed the title, or `null`: those that may embed any (`/api/settings`). */
  embedSites: v.nullable(v.array(v.string())),
  /** Milliseconds since 1970. */
  createdAt: v.number(),
}

/**
 * One title of the catalogue. `stored`: no torrent was asked for yet. `building`: a job hashes its
 * pieces. `ready`: the real torrent exists. `failed`: the build gave up, the title still plays.
 */
export const mediaRecordSchema = v.variant('state', [
  v.object({ ...facts, state: v.literal('stored') }),
  v.object({
    ...facts,
    state: v.literal('building'),
    /** Share of the pieces hashed, 0 to 1. */
    progress: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
  }),
  v.object({ ...facts, state: v.literal('ready'), infoHash: infoHashSchema }),
  v.object({ ...facts, state: v.literal('failed'), reason: v.string() }),
])
export type MediaRecord = v.InferOutput<typeof mediaRecordSchema>

/** @returns the strong entity tag of the file's present revision, on this server */
export function etagOf(media: Pick<MediaRecord, 'id' | 'revision'>): string {
  return `"${nameOfBytes(media)}"`
}

/** @returns the name of a title's bytes, which never change: `<media id>-<revision>` */
export function nameOfBytes({ id, revision }: Pick<MediaRecord, 'id' | 'revision'>): string {
  return `${id}-${revision}`
}

/** @returns whether a title has no picture; of one that lies elsewhere, its size may not be known yet */
export function isAudio({ type }: Pick<MediaRecord, 'type'>): boolean {
  return type.startsWith('audio/')
}

/** No film plays so many bytes per second: the file has something else in it. */
const MOST_BYTES_PER_SECOND = 25e6

/**
 * @param duration seconds, `null` or `NaN` when not known
 * @returns bytes of the file per second of playback, `null` when size and duration do not tell
 */
export function bytesPerSecondOf(size: number, duration: number | null): number | null {
  if (duration === null || !(duration > 0)) return null
  const average = size / duration
  return average > 0 && average <= MOST_BYTES_PER_SECOND ? average : null
}

/** Answer of `GET /api/media`: newest first; pass `nextCursor` back as `?cursor=` for more. */
export const cataloguePageSchema = v.object({
  items: v.array(mediaRecordSchema),
  nextCursor: v.nullable(v.string()),
})
export type CataloguePage = v.InferOutput<typeof cataloguePageSchema>

/** Body of `PATCH /api/media/:id`; what is left out stays as it is. */
export const mediaEditSchema = v.pipe(
  v.unknown(),
  v.check((body) => !Array.isArray(body), 'is a list'),
  v.strictObject(
    {
      title: v.optional(
        v.pipe(
          v.string('must be text'),
          v.regex(/^\P{Cc}*$/u, 'must be one line of text'),
          v.trim(),
          v.minLength(1, 'must not be empty'),
          v.maxLength(300, 'must have at most 300 characters'),
        ),
      ),
      description: v.optional(
        v.pipe(
          v.string('must be text'),
          v.regex(/^(\P{Cc}|[\n\r\t])*$/u, 'must be plain text'),
          v.trim(),
          v.maxLength(10_000, 'must have at most 10,000 characters'),
        ),
      ),
      embedSites: v.optional(v.nullable(embedSitesSchema)),
      /** Only for a title with a source: URLs of the same file at allowed origins. */
      mirrors: v.optional(
        v.pipe(
          v.array(v.string('must be a list of URLs'), 'must be a list of URLs'),
          v.maxLength(MAX_MIRRORS, `must have at most ${MAX_MIRRORS} URLs`),
        ),
      ),
      p2p: v.optional(
        v.strictObject(
          {
            enabled: v.optional(v.boolean('must be true or false')),
            minViewers: v.optional(minViewersSchema),
          },
          ({ expected }) => (expected === 'Object' ? 'must be an object' : 'cannot be changed'),
        ),
      ),
    },
    'cannot be changed',
  ),
)
export type MediaEdit = v.InferOutput<typeof mediaEditSchema>

/** Data of each Server-Sent Event of `GET /api/media/:id/events`, by event name. */
export const mediaEventSchemas = {
  progress: v.object({ progress: v.number() }),
  torrent: v.object({ kind: v.literal('real'), infoHash: infoHashSchema }),
  failed: v.object({ reason: v.string() }),
  /** What the publisher says of sharing, as in the record. */
  p2p: p2pSchema,
  /** The title was deleted; no more events follow. */
  deleted: v.object({}),
} as const

/** One event as the server sends it. */
export type MediaEvent = {
  [Name in keyof typeof mediaEventSchemas]: {
    readonly name: Name
    readonly data: v.InferOutput<(typeof mediaEventSchemas)[Name]>
  }
}[keyof typeof mediaEventSchemas]

/** Response header of `GET /api/media/:id/torrent`: `placeholder` or `real`. */
export const TORRENT_KIND_HEADER = 'Slipstream-Torrent'
/** Response header of the request that completes an upload: the new title's id. */
export const UPLOADED_MEDIA_HEADER = 'Slipstream-Media'
