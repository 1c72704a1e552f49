// The bytes of the titles on local disk: `<directory>/<media id>/<revision>`. Names come from ids
// alone, never from what a user wrote. A blob is either whole and durable or not there: files are
// fsynced, renamed into place, and their folders fsynced. Bytes of a revision never change.
import { constants, mkdirSync } from 'node:fs'
import { copyFile, mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type MediaId, parseMediaId } from '#protocol/ids.ts'
import { syncFile, syncFolder } from './durable-files.ts'

/** Where the bytes of titles lie. */
export interface DiskBlobStore {
  /**
   * Takes a file over: afterwards it is the blob, and is gone from `sourcePath`. Doing it again
   * after a crash is harmless, whether the crash came before or after the rename.
   * @param sourcePath a file that nobody writes to any more
   * @throws Error with `ENOENT` when there is neither such a file nor such a blob
   */
  adopt(sourcePath: string, id: MediaId, revision: number): Promise<void>
  /** @returns where the blob is, or would be. */
  path(id: MediaId, revision: number): string
  /** @returns whether the blob is there, whole. */
  has(id: MediaId, revision: number): Promise<boolean>
  /** Removes all revisions of a title. A title without blobs is fine. */
  remove(id: MediaId): Promise<void>
  /** @returns the titles that have a folder here, in no order. */
  list(): Promise<MediaId[]>
}

/** @param directory made when it is missing */
export function createDiskBlobStore(directory: string): DiskBlobStore {
  mkdirSync(directory, { recursive: true })

  const path = (id: MediaId, revision: number): string => join(directory, id, String(revision))

  const has = async (id: MediaId, revision: number): Promise<boolean> =>
    (await stat(path(id, revision)).catch(ignoreMissing))?.isFile() ?? false

  return {
    path,
    has,

    async adopt(sourcePath, id, revision) {
      const target = path(id, revision)
      const source = await stat(sourcePath).catch(ignoreMissing)
      if (source === undefined && (await has(id, revision))) {
        await syncFolder(join(directory, id)) // the crash may have come before this
        await syncFolder(directory)
        return
      }
      await syncFile(sourcePath)
      await mkdir(join(directory, id), { recursive: true })
      try {
        await rename(sourcePath, target)
      } catch (error) {
        if (systemCode(error) !== 'EXDEV') throw error
        await moveAcross(sourcePath, target)
      }
      await syncFolder(join(directory, id))
      await syncFolder(directory)
    },

    async remove(id) {
      await rm(join(directory, id), { recursive: true, force: true })
      await syncFolder(directory)
    },

    async list() {
      const names = await readdir(directory)
      return names.map(parseMediaId).filter((id) => id !== null)
    },
  }
}

/** Moves a file to another file system; the target appears whole or not at all. */
async function moveAcross(source: string, target: string): Promise<void> {
  const incoming = `${target}.incoming` // a rest of an earlier crash is overwritten
  try {
    await copyFile(source, incoming, constants.COPYFILE_FICLONE)
    await syncFile(incoming)
    await rename(incoming, target)
  } catch (error) {
    await rm(incoming, { force: true })
    throw error
  }
  await rm(source, { force: true })
}

function ignoreMissing(error: unknown): undefined {
  if (systemCode(error) !== 'ENOENT') throw error
}

function systemCode(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | null)?.code
}
