// Sends placeholder torrents. Every viewer of a title that is not hashed yet asks for the same one,
// so the latest are kept compressed: a few hundred bytes each, made once.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { placeholderTorrent, type TorrentSource } from './metainfo.ts'

const MOST_KEPT = 500

export class PlaceholderAnswer {
  /** By web seed, which names the title, its revision and the address that the client uses. */
  readonly #compressed = new Map<string, Uint8Array>()

  /** Ends the response with the placeholder as its body; headers already set stay. */
  send(
    request: IncomingMessage,
    response: ServerResponse,
    source: TorrentSource,
    webSeed: string,
  ): void {
    const gzip = takesGzip(request.headers['accept-encoding'])
    const body = gzip ? this.#compress(source, webSeed) : placeholderTorrent(source, [webSeed])
    response.setHeader('Vary', 'Accept-Encoding')
    if (gzip) response.setHeader('Content-Encoding', 'gzip')
    response.setHeader('Content-Length', body.length)
    response.end(request.method === 'HEAD' ? undefined : body)
  }

  #compress(source: TorrentSource, webSeed: string): Uint8Array {
    const known = this.#compressed.get(webSeed)
    if (known) return known
    const body = gzipSync(placeholderTorrent(source, [webSeed]), { level: 9 })
    this.#compressed.set(webSeed, body)
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
