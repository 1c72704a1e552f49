// A web server with films for tests, which answers as a test wants it to, and counts who comes.
// Whoever started it closes it.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Answer = (request: IncomingMessage, response: ServerResponse) => void

export interface TestSource {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string
  readonly port: number
  /** What came so far: `HEAD /film.mp4 bytes=0-0`. */
  readonly requests: readonly string[]
  /** Headers of the last request. */
  readonly lastHeaders: IncomingMessage['headers']
  /** Connections that were opened so far. */
  readonly connections: number
  /** Holds from the next request on. */
  answer(answer: Answer): void
  close(): Promise<void>
}

export async function startSource(first: Answer = film()): Promise<TestSource> {
  const requests: string[] = []
  let answer = first
  let connections = 0
  let lastHeaders: IncomingMessage['headers'] = {}
  const server = createServer((request, response) => {
    const { method, url, headers } = request
    requests.push([method, url, headers.range].filter(Boolean).join(' '))
    lastHeaders = headers
    answer(request, response)
  })
  server.on('connection', () => {
    connections += 1
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    get lastHeaders() {
      return lastHeaders
    },
    get connections() {
      return connections
    },
    answer(next) {
      answer = next
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

export interface Film {
  readonly bytes?: Buffer
  readonly headers?: Readonly<Record<string, string>>
  /** False: the whole file, whatever is asked for. */
  readonly ranges?: boolean
  /** Status of the answer to `HEAD`. */
  readonly head?: number
}

/** Answers as a good web server does, but for what a test changes. */
export function film({
  bytes = exampleBytes(),
  headers = {},
  ranges = true,
  head = 200,
}: Film = {}): Answer {
  const all = {
    'Content-Type': 'video/mp4',
    ETag: '"one"',
    'Access-Control-Allow-Origin': '*',
    ...(ranges && { 'Accept-Ranges': 'bytes' }),
    ...headers,
  }
  return (request, response) => {
    const isHead = request.method === 'HEAD'
    const validator = request.headers['if-range']
    const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '')
    const isCurrent = validator === undefined || validator === all.ETag
    if (isHead && head !== 200) {
      response.writeHead(head).end()
    } else if (!isHead && ranges && match && isCurrent) {
      const [start, end] = [Number(match[1]), Number(match[2])]
      const part = bytes.subarray(start, end + 1)
      response.writeHead(206, {
        ...all,
        'Content-Length': part.length,
        'Content-Range': `bytes ${start}-${end}/${bytes.length}`,
      })
      response.end(part)
    } else {
      response.writeHead(200, { 'Content-Length': bytes.length, ...all })
      response.end(isHead ? undefined : bytes)
    }
  }
}

/** @returns 100,000 bytes, each position recognisable */
export function exampleBytes(length = 100_000): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) & 0xff))
}
