// Sends placeholder torrents. Every viewer of a title that is not hashed yet asks for the same one,
// so the latest are kept compressed: a few hundred bytes each, made once.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { placeholderTorrent, type TorrentSource } from './metainfo.ts'

const MOST_KEPT = 500

export class PlaceholderAnswer {
  /** By web seeds; this server's own names the title, its revision and the address that the client uses. */
  readonly #compressed = new Map<string, Uint8Array>()

  /** Ends the response with the placeholder as its body; headers already set stay. */
  send(
    request: IncomingMessage,
    response: ServerResponse,
    source: TorrentSource,
    webSeeds: readonly string[],
  ): void {
    const gzip = takesGzip(request.headers['accept-encoding'])
    const body = gzip ? this.#compress(source, webSeeds) : placeholderTorrent(source, webSeeds)
    response.setHeader('Vary', 'Accept-Encoding')
    if (gzip) response.setHeader('Content-Encoding', 'gzip')
    response.setHeader('Content-Length', body.length)
    response.end(request.method === 'HEAD' ? undefined : body)
  }

  #compress(source: TorrentSource, webSeeds: readonly string[]): Uint8Array {
    const key = webSeeds.join('\n')
    const known = this.#compressed.get(key)
    if (known) return known
    const body = gzipSync(placeholderTorrent(source, webSeeds), { level: 9 })
    this.#compressed.set(key, body)
    if (this.#compressed.size > MOST_KEPT) {
      const [oldest] = this.#compressed.keys()
      if (oldest !== undefined) this.#compressed.delete(oldest)
    }
    return body
  }
}

/**
 * @param header `Accept-Encoding` (RFC 9110 §12.5.3)
 * @returns whether an answer in gzip is welcome; what is said of gzip itself counts before `*`
 */
export function takesGzip(header: string | string[] | undefined): boolean {
  const weights = new Map<string, number>()
  for (const entry of String(header ?? '').split(',')) {
    const [coding = '', ...parameters] = entry.split(';').map((part) => part.trim().toLowerCase())
    const weight = parameters.find((parameter) => parameter.startsWith('q='))
    weights.set(coding === 'x-gzip' ? 'gzip' : coding, weight ? Number(weight.slice(2)) : 1)
  }
  return (weights.get('gzip') ?? weights.get('*') ?? 0) > 0
}
