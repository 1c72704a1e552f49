// The path of `PUBLIC_URL`, below which viewers see this server (`/video`). A proxy may leave it in
// the requests that it passes on or take it away; both are understood, so that no setting says which.

/** First segments of this server's own paths: below one of them the two styles look the same. */
const OWN_SEGMENTS =
  /^\/(admin|announce|api|assets|embed|healthz|media|metrics|oembed|readyz|sample|watch)(\/|$)/
/** Files of the client that lie at the root. */
const ROOT_FILES =
  /^\/(embed\.d\.ts|embed\.js|favicon\.svg|index\.html|manifest\.webmanifest|robots\.txt|service-worker\.js)(\/|$)/

/** @returns whether a path can be told from this server's own and needs no escaping anywhere */
export function isBasePath(path: string): boolean {
  return /^(\/[\w.~-]+)*$/.test(path) && !OWN_SEGMENTS.test(path) && !ROOT_FILES.test(path)
}

/** @returns path of the address, without a slash at the end: `/video`, or empty at the root */
export function basePathOf(publicUrl: string | null): string {
  return publicUrl === null ? '' : new URL(publicUrl).pathname.replace(/\/+$/, '')
}

/**
 * @param target path and query of a request, with the base path or without it
 * @returns path and query as this server's own routes have them
 */
export function withoutBase(basePath: string, target: string): string {
  if (basePath === '' || !target.startsWith(basePath)) return target
  const rest = target.slice(basePath.length)
  if (rest === '' || rest.startsWith('?')) return `/${rest}`
  return rest.startsWith('/') ? rest : target
}

/**
 * The service worker is in charge of what is below the base path, of which the path itself is not.
 * @returns where to send who asks for the base path without a slash at the end, else `null`
 */
export function withSlash(basePath: string, target: string): string | null {
  const [path, query] = target.split('?', 2)
  if (basePath === '' || path !== basePath) return null
  return `${basePath}/${query === undefined ? '' : `?${query}`}`
}

/**
 * @param address of this server as a client sees it, without a slash at the end
 * @returns the path of an absolute URL as this server's own routes have it, or `null` for a URL that
 *   is not of this server
 */
export function ownPathOf(address: string, url: URL): string | null {
  const own = new URL(address)
  if (url.origin !== own.origin) return null
  const basePath = basePathOf(address)
  const isBelow = url.pathname === basePath || url.pathname.startsWith(`${basePath}/`)
  return isBelow ? withoutBase(basePath, url.pathname) : null
}
