// Serves the contenders' pages. They stand on an origin of their own, beside the Slipstream server
// whose media they play. Whoever started it closes it.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface ServedFile {
  readonly type: 'text/html' | 'text/javascript' | 'application/x-bittorrent'
  readonly body: string | Uint8Array
}

export interface PageServer {
  readonly url: string
  close(): Promise<void>
}

/** @param find the file at a path with its query, or `null` for 404 */
export async function servePages(find: (url: URL) => ServedFile | null): Promise<PageServer> {
  const server = createServer((request, response) => {
    const file = find(new URL(request.url ?? '/', 'http://localhost'))
    if (file === null) {
      response.writeHead(404).end()
      return
    }
    response.writeHead(200, {
      'Content-Type': file.type,
      'Content-Length': Buffer.byteLength(file.body),
      'Cache-Control': 'no-cache',
    })
    response.end(file.body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

/** @param text for an attribute's value in double quotes */
export function escapeAttribute(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/"/g, '&quot;')
}
