// The company's web server: the files of pages/, in which the addresses of an example are replaced by
// those of this machine, and a content security policy as strict as docs/embedding.md allows. Whoever
// started it closes it.
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

/** The addresses that stand in pages/. */
const EXAMPLE = { slipstream: 'https://media.example.org', cdn: 'https://cdn.example.com' } as const
const FILES: Readonly<Record<string, readonly [name: string, type: string]>> = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/style.css': ['style.css', 'text/css; charset=utf-8'],
}

export interface WebsiteOptions {
  /** Addresses without a slash at the end. */
  readonly slipstream: string
  readonly cdn: string
  /** Changes the page as it is asked for. @param url with its query */
  readonly edit?: (html: string, url: URL) => string
}

export interface Website {
  /** `http://127.0.0.1:<port>`: another site than Slipstream's `localhost`. */
  readonly url: string
  close(): Promise<void>
}

export async function startWebsite({
  slipstream,
  cdn,
  edit = (html) => html,
}: WebsiteOptions): Promise<Website> {
  const policy =
    `default-src 'none'; style-src 'self'; img-src 'self' data:; ` +
    `script-src ${slipstream}; frame-src ${slipstream}; media-src ${cdn}`
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://website')
    const [name, type] = FILES[url.pathname] ?? []
    if (name === undefined || type === undefined) {
      response.writeHead(404).end()
      return
    }
    readFile(join(import.meta.dirname, 'pages', name), 'utf8').then(
      (text) => {
        const body = text
          .replaceAll(EXAMPLE.slipstream, slipstream)
          .replaceAll(encodeURIComponent(EXAMPLE.cdn), encodeURIComponent(cdn))
          .replaceAll(EXAMPLE.cdn, cdn)
        response
          .writeHead(200, {
            'Content-Type': type,
            'Cache-Control': 'no-cache',
            'Content-Security-Policy': policy,
          })
          .end(type.startsWith('text/html') ? edit(body, url) : body)
      },
      () => response.destroy(),
    )
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
