// Remembers which titles have piece files in this browser, and deletes them all when the viewer
// wants that. Opening piece files starts a worker, which would compete with the first frame of a
// first visit, where there is nothing to find: only titles named here are looked up before the
// first request. A wrong entry costs a short wait, a missing one (storage blocked or cleared) costs
// a few pieces fetched again.
import * as v from 'valibot'
import { CLEAR_CHANNEL, removeTitle, storedTitles } from './opfs-titles.ts'

const KEY = 'slipstream.stored'
/** The newest ones; the piece files of older ones are likely to be gone. */
const MOST = 200
/** A tab that plays a title gives it up within so long, unless the browser has frozen it. */
const GIVE_UP_WAIT_MS = 3000

const listSchema = v.pipe(v.string(), v.parseJson(), v.array(v.string()))

/** @param title name of its folder: `<media id>-<revision>` */
export function wasStored(title: string): boolean {
  return notedTitles().includes(title)
}

export function noteStored(title: string): void {
  const titles = [title, ...notedTitles().filter((other) => other !== title)].slice(0, MOST)
  try {
    localStorage.setItem(KEY, JSON.stringify(titles))
  } catch {
    // Storage is blocked or full: then the next visit begins like a first one.
  }
}

/** @returns bytes of video data that this browser keeps for this site; 0 where storage is blocked */
export async function storedBytes(): Promise<number> {
  try {
    return (await storedTitles()).reduce((sum, { bytes }) => sum + bytes, 0)
  } catch {
    return 0
  }
}

/**
 * Deletes all video data of this site in this browser. Titles that tabs play, this one included,
 * play on and are kept in memory from then on.
 * @throws Error with a sentence for the viewer when a title could not be deleted
 */
export async function clearStoredTitles(): Promise<void> {
  try {
    localStorage.removeItem(KEY)
  } catch {
    // Storage is blocked: there is nothing.
  }
  const titles = await storedTitles().catch(() => [])
  const channel = new BroadcastChannel(CLEAR_CHANNEL)
  channel.postMessage('clear')
  const gone = await Promise.all(titles.map(({ folder }) => removeTitle(folder, GIVE_UP_WAIT_MS)))
  channel.close()
  if (gone.includes(false)) {
    throw new Error('Some video data is still in use by another tab. Close it and try again.')
  }
}

function notedTitles(): readonly string[] {
  try {
    const list = v.safeParse(listSchema, localStorage.getItem(KEY))
    return list.success ? list.output : []
  } catch {
    return []
  }
}
