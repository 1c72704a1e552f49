// The folders of all titles in the origin-private file system: how much they take, which one has to
// go first. Used by the pages and by the piece-file workers, side by side in several tabs: a title
// is removed only under its Web Lock, which whoever has its files open holds.

export const DATA_FILE = 'data'
export const TABLE_FILE = 'table'
/** Whoever hears `clear` on it deletes the title that it has open. */
export const CLEAR_CHANNEL = 'slipstream-clear'

const ROOT = 'pieces'

export interface StoredTitle {
  /** `<media id>-<revision>` */
  readonly folder: string
  readonly bytes: number
  /** Milliseconds since 1970. */
  readonly usedAt: number
}

/** @param title its folder: `<media id>-<revision>` */
export function lockName(title: string): string {
  return `slipstream-pieces-${title}`
}

/** @returns the folder that has a folder for every title */
export async function titlesFolder(): Promise<FileSystemDirectoryHandle> {
  const root = await navigator.storage.getDirectory()
  return root.getDirectoryHandle(ROOT, { create: true })
}

/** @returns all titles, those that other tabs play as well, the one used longest ago first */
export async function storedTitles(): Promise<StoredTitle[]> {
  const titles: StoredTitle[] = []
  for await (const [folder, handle] of (await titlesFolder()).entries()) {
    if (handle.kind !== 'directory') continue
    const data = await fileIn(handle as FileSystemDirectoryHandle, DATA_FILE)
    const table = await fileIn(handle as FileSystemDirectoryHandle, TABLE_FILE)
    titles.push({ folder, bytes: data?.size ?? 0, usedAt: table?.lastModified ?? 0 })
  }
  return titles.sort((a, b) => a.usedAt - b.usedAt)
}

/**
 * Deletes a title unless somebody has it open.
 * @param waitMs how long to wait until nobody has
 * @returns whether it is gone
 */
export async function removeTitle(title: string, waitMs = 0): Promise<boolean> {
  const remove = async (): Promise<boolean> => {
    const titles = await titlesFolder()
    return titles.removeEntry(title, { recursive: true }).then(
      () => true,
      (error: unknown) => error instanceof DOMException && error.name === 'NotFoundError',
    )
  }
  if (!navigator.locks) return remove() // fails for files that are open, and may
  const options: LockOptions =
    waitMs > 0 ? { signal: AbortSignal.timeout(waitMs) } : { ifAvailable: true }
  return navigator.locks
    .request(lockName(title), options, (lock) => (lock ? remove() : false))
    .catch(() => false)
}

/**
 * @param share what `navigator.storage.estimate()` says, the bytes of all our titles and of this one
 * @returns bytes that this title's file may have: all titles together take no more than a fifth of
 *   the quota, and no more than half of what was left to be had
 */
export function fairShare(share: {
  readonly quota: number
  readonly usage: number
  readonly stored: number
  readonly own: number
}): number {
  const { quota, usage, stored, own } = share
  const left = Math.max(0, quota - usage)
  return Math.floor(Math.max(0, Math.min(quota * 0.2, stored + left * 0.5) - (stored - own)))
}

async function fileIn(folder: FileSystemDirectoryHandle, name: string): Promise<File | null> {
  try {
    return await (await folder.getFileHandle(name)).getFile()
  } catch {
    return null // not there yet
  }
}
