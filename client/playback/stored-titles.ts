// Remembers which titles have piece files in this browser. Opening those files starts a worker,
// which would compete with the first frame of a first visit, where there is nothing to find: only
// titles named here are looked up before the first request. A wrong entry costs a short wait, a
// missing one (storage blocked or cleared) costs a few pieces fetched again.
import * as v from 'valibot'

const KEY = 'slipstream.stored'
/** The newest ones; the piece files of older ones are likely to be gone. */
const MOST = 200

const listSchema = v.pipe(v.string(), v.parseJson(), v.array(v.string()))

/** @param title name of its folder: `<media id>-<revision>` */
export function wasStored(title: string): boolean {
  return storedTitles().includes(title)
}

export function noteStored(title: string): void {
  const titles = [title, ...storedTitles().filter((other) => other !== title)].slice(0, MOST)
  try {
    localStorage.setItem(KEY, JSON.stringify(titles))
  } catch {
    // Storage is blocked or full: then the next visit begins like a first one.
  }
}

function storedTitles(): readonly string[] {
  try {
    const list = v.safeParse(listSchema, localStorage.getItem(KEY))
    return list.success ? list.output : []
  } catch {
    return []
  }
}
