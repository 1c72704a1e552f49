// Which page an address shows, and how its code is loaded: every page is a chunk of its own, so
// that a watch page never waits for the catalogue or the admin page.
export type PageName = 'catalogue' | 'watch' | 'embed' | 'admin' | 'unknown'

/** @param pathname path of an address, `/watch/…` for one */
export function pageOf(pathname: string): PageName {
  const [, first = '', second = '', rest] = pathname.split('/')
  if (rest !== undefined && rest !== '') return 'unknown'
  if (first === '') return 'catalogue'
  if (first === 'admin' && second === '') return 'admin'
  if (first === 'embed') return first // its title by id, or by `?url=`
  if (first === 'watch' && second !== '') return first
  return 'unknown'
}

export const loadCataloguePage = () => import('../catalogue/CataloguePage.tsx')
export const loadWatchPage = () => import('../watch/WatchPage.tsx')
export const loadAdminPage = () => import('../admin/AdminPage.tsx')

/** Starts loading a page's code ahead of the moment it is shown. */
export function preloadPage(page: PageName): void {
  const loaders: Partial<Record<PageName, () => Promise<unknown>>> = {
    catalogue: loadCataloguePage,
    watch: loadWatchPage,
    admin: loadAdminPage,
  }
  // A failure shows itself when the page is really wanted.
  loaders[page]?.().catch(() => undefined)
}

/** An idle moment is not waited for longer than that, nor where the browser cannot tell of one. */
const IDLE_WAIT_MS = 1_000

/** @returns the function that calls it off */
export function whenIdle(act: () => void): () => void {
  if (!('requestIdleCallback' in window)) {
    const timer = setTimeout(act, IDLE_WAIT_MS)
    return () => clearTimeout(timer)
  }
  const handle = requestIdleCallback(act, { timeout: IDLE_WAIT_MS })
  return () => cancelIdleCallback(handle)
}
