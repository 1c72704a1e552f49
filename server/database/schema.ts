// Rows of the database as Kysely sees them. Kept to what PostgreSQL understands too: times are
// integer milliseconds since 1970, JSON is text, ids are text, booleans are 0 and 1.
import type { ColumnType, Generated } from 'kysely'
import type { InfoHash, MediaId } from '#protocol/ids.ts'
import type { Keep } from '#protocol/sources.ts'

export interface Schema {
  account: AccountTable
  session: SessionTable
  setup_link: SetupLinkTable
  media: MediaTable
  removed_media: RemovedMediaTable
  track: TrackTable
  source_origin: SourceOriginTable
  media_source: MediaSourceTable
  setting: SettingTable
  torrent: TorrentTable
  job: JobTable
}

interface AccountTable {
  id: string
  /** Lower case. */
  email: string
  /** argon2id in PHC format. */
  password_hash: string
  created_at: number
}

interface SessionTable {
  /** SHA-256 of the cookie's token, hex: a stolen database opens no session. */
  token_hash: string
  account_id: string
  created_at: number
  expires_at: number
}

interface SetupLinkTable {
  /** SHA-256 of the link's token, hex. */
  token_hash: string
  created_at: number
}

interface MediaTable {
  id: MediaId
  revision: number
  title: string
  description: string
  filename: string
  size: number
  type: string
  duration_s: number | null
  width: number | null
  height: number | null
  fast_start: number
  /** 1 when viewers may share the title with each other. */
  p2p_enabled: Generated<number>
  /** Viewers announced before any two are connected. */
  p2p_min_viewers: Generated<number>
  /** JSON list of origins that may embed the title, or `null`: the setting for all counts. */
  embed_sites: Generated<string | null>
  created_at: number
}

/** Origins whose media an administrator allows, beside `SOURCE_ORIGINS`. */
interface SourceOriginTable {
  id: string
  /** Scheme, host, port and path prefix with a slash at its end. */
  url: string
  keep: Keep
  created_at: number
}

/** Where the file of a title lies that is not an upload; as it was when last asked. */
interface MediaSourceTable {
  media_id: MediaId
  /** Normal form; one title for each. */
  url: string
  /** JSON list of URLs of the same file. */
  mirrors: string
  /** Strong, with its quotes, or `null`. */
  etag: string | null
  /** HTTP date, or `null`. */
  last_modified: string | null
  /** 1 when single ranges are answered with 206. */
  ranges: number
  /** 1 when any site may read it and see what a player needs (CORS). */
  cors: number
  /** 1 when it gave the same file different validators; those are `null` then, and stay so. */
  varies: Generated<number>
  /** Revision of which this server holds a whole copy, or `null`. */
  kept_revision: number | null
  /** When the copy was last wanted, or its revision became an older one. */
  wanted_at: number
  /** When the source was last asked. */
  checked_at: number
}

/** What administrators set for the whole site. */
interface SettingTable {
  name: string
  /** JSON. */
  value: string
}

/** Subtitles of a title; they go with it. */
interface TrackTable {
  id: string
  media_id: MediaId
  language: string
  label: string
  /** WebVTT. */
  text: string
  created_at: number
}

/** Titles that were deleted and whose bytes are still to be removed. */
interface RemovedMediaTable {
  media_id: MediaId
}

/** The real torrent of a title's revision. */
interface TorrentTable {
  media_id: MediaId
  revision: number
  info_hash: InfoHash
  /** Bencoded info dictionary; announce and web seed URLs are added when it is served. */
  info: ColumnType<Uint8Array, Uint8Array, never>
  created_at: number
}

interface JobTable {
  /** One job per title and revision, however many ask. */
  media_id: MediaId
  revision: number
  state: 'queued' | 'running' | 'failed'
  /** `remote`: the bytes come over the network; does not wait for `local` builds, nor they for it. */
  lane: Generated<'local' | 'remote'>
  /** Scheme, host and port of the source; empty for a file of this server. */
  origin: Generated<string>
  /** How often the torrent was asked for while it was not there: the most wanted is built first. */
  asked: Generated<number>
  /** Not before this time. */
  run_at: number
  attempts: number
  /** Random name of the process that holds the lease, while `running`. */
  lease_owner: string | null
  lease_until: number | null
  /** Pieces hashed so far, from the first one on without a gap. */
  pieces_done: number
  /** Their hashes, 20 bytes each, so that a build resumes after a crash. */
  checkpoint: Uint8Array | null
  /** Why the last attempt failed, for a person. */
  reason: string | null
  created_at: number
}
