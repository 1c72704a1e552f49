// The company's CDN: films by HTTP as a page of another site can use them (ranges, an entity tag, leave
// to read by CORS), and counters of what was sent, which `/bytes` shows. Whoever started it
// closes it.
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname } from 'node:path'

const TYPES: Readonly<Record<string, string>> = {
  '.webm': 'video/webm',
  '.mp4': 'video/mp4',
  '.mp3': 'audio/mpeg',
}

/** Bytes of a film that were handed to the network so far. */
interface SentBytes {
  toVisitors: number
  /** To a Slipstream server, which says so in its `User-Agent`. */
  toSlipstream: number
}

interface OfferOptions {
  /** False: pages of other sites may play the film, but not read it. */
  readonly cors?: boolean
}

export interface Cdn {
  /** `http://127.0.0.1:<port>`; films are at `/films/<name>`. */
  readonly url: string
  /**
   * Puts a film at `/films/<name>`, in place of what was there.
   * @param path of the file
   */
  offer(name: string, path: string, options?: OfferOptions): void
  sent(name: string): Readonly<SentBytes>
  close(): Promise<void>
}

/** @param films paths of files, by the names that they have on the CDN */
export async function startCdn(films: Readonly<Record<string, string>>): Promise<Cdn> {
  const offers = new Map<string, Required<OfferOptions> & { readonly path: string }>()
  const sent = new Map<string, SentBytes>()

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(request.url ?? '/', 'http://cdn')
    if (pathname === '/bytes') {
      response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
      response.end(`${JSON.stringify(Object.fromEntries(sent), null, 2)}\n`)
      return
    }
    const name = decodeURIComponent(/^\/films\/([^/]+)$/.exec(pathname)?.[1] ?? '')
    const offer = offers.get(name)
    const counter = sent.get(name)
    if (!offer || !counter || !['GET', 'HEAD'].includes(request.method ?? '')) {
      response.writeHead(offer ? 405 : 404).end()
      return
    }
    const { size, mtimeMs } = await stat(offer.path)
    const tag = `"${size.toString(36)}-${Math.round(mtimeMs).toString(36)}"`
    const headers = {
      'Content-Type': TYPES[extname(offer.path)] ?? 'application/octet-stream',
      'Accept-Ranges': 'bytes',
      ETag: tag,
      'Last-Modified': new Date(mtimeMs).toUTCString(),
      'Cache-Control': 'public, max-age=3600',
      ...(offer.cors && {
        'Access-Control-Allow-Origin': '*',
        'Access-Control-Expose-Headers': 'Content-Range, ETag',
        'Timing-Allow-Origin': '*',
      }),
    }
    const range = rangeOf(request, tag, size)
    if (range === 'none') {
      response.writeHead(416, { ...headers, 'Content-Range': `bytes */${size}` }).end()
      return
    }
    const { start, end } = range ?? { start: 0, end: size }
    response.writeHead(range ? 206 : 200, {
      ...headers,
      'Content-Length': end - start,
      ...(range && { 'Content-Range': `bytes ${start}-${end - 1}/${size}` }),
    })
    if (request.method === 'HEAD' || end === start) {
      response.end()
      return
    }
    const reader = request.headers['user-agent'] === 'Slipstream' ? 'toSlipstream' : 'toVisitors'
    const bytes = createReadStream(offer.path, { start, end: end - 1 })
    bytes.on('data', (chunk) => {
      counter[reader] += chunk.length
    })
    bytes.once('error', () => response.destroy())
    response.once('close', () => bytes.destroy())
    bytes.pipe(response)
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const cdn: Cdn = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    offer(name, path, { cors = true } = {}) {
      offers.set(name, { path, cors })
      if (!sent.has(name)) sent.set(name, { toVisitors: 0, toSlipstream: 0 })
    },
    sent: (name) => ({ ...(sent.get(name) ?? { toVisitors: 0, toSlipstream: 0 }) }),
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
  for (const [name, path] of Object.entries(films)) cdn.offer(name, path)
  return cdn
}

/**
 * @returns the one range that is asked for, its end not included; `null` for the whole file (RFC 9110
 *   §14.2 lets a server ignore ranges it does not know), `'none'` when nothing of the file is in it
 */
function rangeOf({ headers }: IncomingMessage, tag: string, size: number) {
  const validator = headers['if-range']
  if (validator !== undefined && validator !== tag) return null
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(headers.range ?? '') ?? []
  if (first === undefined || last === undefined || first + last === '') return null
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1)
  return start < end ? { start, end } : 'none'
}
