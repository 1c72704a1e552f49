// Which copies of files elsewhere this server has. Of the one that the table has noted
// (`kept_revision`), the table says when it was wanted last. Any other one is of an older revision,
// which somebody may still watch. No table knows of it, so it is found whatever happened before: it is
// a file in the title's folder, and was wanted last when that was modified.
import { readdir, stat, utimes } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { MediaId } from '#protocol/ids.ts'
import type { DiskBlobStore } from '../blobs/disk-blob-store.ts'
import type { Database } from '../database/database.ts'

interface CopyOnDisk {
  readonly id: MediaId
  readonly revision: number
  /** Where the title's file lies. */
  readonly url: string
  readonly hasRanges: boolean
  readonly bytes: number
  /** Milliseconds since 1970. */
  readonly wantedAt: number
  /** The title has a newer revision: only who began with this one wants it. */
  readonly isOld: boolean
}

/** @returns all whole copies, in no order */
export async function copiesOnDisk(
  database: Database,
  blobs: DiskBlobStore,
): Promise<CopyOnDisk[]> {
  const rows = await database
    .selectFrom('media_source')
    .innerJoin('media', 'media.id', 'media_source.media_id')
    .select(['media.id', 'media.revision', 'url', 'ranges', 'kept_revision', 'wanted_at'])
    .where((where) =>
      where.or([where('kept_revision', 'is not', null), where('media.revision', '>', 1)]),
    )
    .execute()
  const found = await Promise.all(
    rows.map(async ({ id, revision, url, ranges, kept_revision: kept, wanted_at: notedAt }) => {
      const older = revision > 1 ? await revisionsBefore(revision, dirname(blobs.path(id, 1))) : []
      const revisions = new Set(kept === null ? older : [kept, ...older])
      const copies = [...revisions].map(async (number): Promise<CopyOnDisk[]> => {
        const file = await stat(blobs.path(id, number)).catch(ignoreMissing)
        const isNoted = number === kept
        if (file === undefined && !isNoted) return [] // removed this very moment
        return [
          {
            ...{ id, revision: number, url, hasRanges: ranges === 1 },
            bytes: file?.size ?? 0,
            wantedAt: isNoted ? notedAt : (file?.mtimeMs ?? 0),
            isOld: number < revision,
          },
        ]
      })
      return (await Promise.all(copies)).flat()
    }),
  )
  return found.flat()
}

/** Says that an older revision's copy is wanted. @param time milliseconds since 1970 */
export async function touchCopy(path: string, time: number): Promise<void> {
  await utimes(path, time / 1000, time / 1000).catch(ignoreMissing)
}

async function revisionsBefore(revision: number, folder: string): Promise<number[]> {
  const names = (await readdir(folder).catch(ignoreMissing)) ?? []
  return names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((number) => number < revision)
}

function ignoreMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}
