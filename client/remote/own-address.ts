// Addresses of the server that the page came from. It may lie below a path of a larger site
// (`https://example.org/video`), which the server names in the page's `<base>`.

/** @returns the path that the server's own paths are below, `/video`; empty at the root */
export function basePath(): string {
  const base = globalThis.document?.baseURI // none where no browser is
  return base === undefined ? '' : new URL('.', base).pathname.slice(0, -1)
}

/** @param path as the server's routes have it, `/api/media` @returns the same as the browser sees it */
export function ownPath(path: string): string {
  return basePath() + path
}

/** @param path as the server's routes have it @returns the whole address */
export function ownUrl(path: string): string {
  return new URL(ownPath(path), location.href).href
}
