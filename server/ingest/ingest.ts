// Takes a whole file into the catalogue: probe, blob, record, in this order. A record is never
// there without its blob. A blob without a record is never removed, only told of: the record may be
// in a database that is not this one. What a deletion left behind is named by the catalogue.
import { randomBytes } from 'node:crypto'
import { stat } from 'node:fs/promises'
import type { Logger } from 'pino'
import * as v from 'valibot'
import { type MediaId, mediaIdSchema } from '#protocol/ids.ts'
import type { DiskBlobStore } from '../blobs/disk-blob-store.ts'
import { SlipstreamError } from '../http/errors.ts'
import type { Catalogue } from '../media/catalogue.ts'
import { defaultTitle, readableLine, safeFilename } from './filename.ts'
import { extensionsOf } from './media-facts.ts'
import { PROBE_PATIENCE, probe } from './probe.ts'

/** What ingest needs of the catalogue. */
export type IngestCatalogue = Pick<Catalogue, 'add' | 'get'>

interface IngestRequest {
  /** A whole file that nobody writes to any more; it is moved from here. */
  readonly path: string
  /** As the user sent it; any text. */
  readonly filename?: string | undefined
  /** As the user sent it; made from the file name when it is empty. */
  readonly title?: string | undefined
  /**
   * The new title's id, from `newMediaId`. A caller that keeps it may repeat the call after a crash
   * with the same id and gets the same single title.
   */
  readonly id?: MediaId
  readonly signal?: AbortSignal
  /** How long reading the file's structure may take, milliseconds. */
  readonly patience?: number
}

export interface Ingest {
  /**
   * @returns the id of the new title
   * @throws SlipstreamError `unsupported_media` when the file is not what browsers play; it is then
   *   still at its path. `storage_full` when the disk is. `ProbeTimeout` when reading its structure
   *   takes too long
   */
  ingest(request: IngestRequest): Promise<MediaId>
  /**
   * Looks for blobs without a record and names them in the log. They stay: the database may be an
   * older one than the blobs.
   * @param reserved tells the ids of titles that uploads are still to become
   * @returns the ids of the others without a record
   */
  reportOrphans(reserved: () => Promise<ReadonlySet<MediaId>>): Promise<MediaId[]>
}

const MAX_TITLE = 300 // UTF-16 units, as `mediaEditSchema` allows
const FIRST_REVISION = 1

export function createIngest(ports: {
  readonly blobs: DiskBlobStore
  readonly catalogue: IngestCatalogue
  readonly now: () => number
  readonly log: Logger
}): Ingest {
  const { blobs, catalogue, now, log } = ports

  const isListed = async (id: MediaId): Promise<boolean> => (await catalogue.get(id)) !== null

  return {
    async ingest({ path, filename, title, id = newMediaId(), signal, patience = PROBE_PATIENCE }) {
      if (await isListed(id)) return id // the crash came after the last step
      const adopted = !(await exists(path)) && (await blobs.has(id, FIRST_REVISION))
      const source = adopted ? blobs.path(id, FIRST_REVISION) : path
      const facts = await probe(source, { patience, ...(signal && { signal }) })
      const safeName = safeFilename(filename, extensionsOf(facts))
      await blobs.adopt(path, id, FIRST_REVISION)
      try {
        await catalogue.add({
          id,
          revision: FIRST_REVISION,
          title: cleanTitle(title) || cleanTitle(defaultTitle(safeName)),
          description: '',
          filename: safeName,
          size: facts.size,
          type: facts.type,
          duration_s: facts.duration,
          width: facts.width,
          height: facts.height,
          fast_start: facts.fastStart ? 1 : 0,
          created_at: now(),
        })
      } catch (error) {
        // Two attempts with one id at once: the other one's record is as good.
        if (!(await isListed(id))) throw error
      }
      log.info({ media: id, filename: safeName, size: facts.size, type: facts.type }, 'title added')
      return id
    },

    async reportOrphans(reserved) {
      const stored = await blobs.list()
      const expected = await reserved() // later than the list: an id is reserved before its blob
      const orphans: MediaId[] = []
      for (const id of stored) {
        if (!expected.has(id) && !(await isListed(id))) orphans.push(id)
      }
      if (orphans.length > 0) {
        log.warn(
          { orphans },
          'there are bytes of titles that are not in the catalogue. If the database was restored ' +
            'from an older copy, look for the newer one; otherwise their folders may be deleted',
        )
      }
      return orphans
    },
  }
}

const BASE32 = '0123456789abcdefghjkmnpqrstvwxyz' // Crockford's, lower case

/** @returns an id nobody can guess and no other title has: 80 random bits. */
export function newMediaId(): MediaId {
  const text = Array.from(randomBytes(16), (byte) => BASE32[byte % 32]).join('')
  return v.parse(mediaIdSchema, text)
}

function cleanTitle(raw: string | undefined): string {
  const line = readableLine((raw ?? '').slice(0, 4 * MAX_TITLE)).trim()
  if (line.length <= MAX_TITLE) return line
  return line
    .slice(0, MAX_TITLE)
    .replace(/[\ud800-\udbff]$/, '')
    .trimEnd()
}

async function exists(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw new SlipstreamError('internal', 'The upload cannot be read on the server.', {
      cause: error,
    })
  }
}
