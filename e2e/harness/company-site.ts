// A company's own web site: static pages on an origin of its own, as strict about scripts and frames
// as docs/embedding.md says a page may be. Whoever started it closes it.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface CompanySite {
  /** `http://127.0.0.1:<port>`: another site than the server's `localhost`. */
  readonly url: string
  close(): Promise<void>
}

/**
 * @param pages HTML of the body by path
 * @param server origin that the pages' policy lets scripts and frames come from
 */
export async function startCompanySite(
  pages: Readonly<Record<string, string>>,
  server: string,
): Promise<CompanySite> {
  const site = createServer((request, response) => {
    const body = pages[request.url?.split('?', 1)[0] ?? '']
    response
      .writeHead(body === undefined ? 404 : 200, {
        'Content-Type': 'text/html; charset=utf-8',
        'Content-Security-Policy':
          `default-src 'none'; script-src ${server} 'nonce-company'; ` +
          `frame-src 'self' ${server}; media-src ${server}; img-src 'self' data:`,
      })
      .end(`<!doctype html><html lang="en"><title>The company</title><body>${body ?? ''}</body>`)
  })
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(site.address() as AddressInfo).port}`,
    async close() {
      const closed = new Promise<void>((resolve) => site.close(() => resolve()))
      site.closeAllConnections()
      await closed
    },
  }
}
