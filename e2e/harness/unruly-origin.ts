// Stands before a real server and forwards everything, the tracker's WebSocket as well; only media
// requests are answered as a test wants them. Its line can be narrow, and it can be cut. Whoever
// started it closes it.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import type { Duplex } from 'node:stream'

/** Answers a media request; `serve` answers it as the server does. */
export type MediaAnswer = (
  request: IncomingMessage,
  response: ServerResponse,
  serve: () => void,
) => void

export interface UnrulyOrigin {
  /** `http://localhost:<port>`. */
  readonly url: string
  /** Holds from the next media request on; `null` for the server's own answers. */
  misbehave(answer: MediaAnswer | null): void
  /** Ranges of all media requests so far. */
  readonly ranges: readonly string[]
  /** Ends every connection, and takes no more until it is mended. */
  cut(): void
  /** Takes connections again, and answers as fast as it goes. */
  mend(): void
  close(): Promise<void>
}

/**
 * @param target `http://host:port` of the server
 * @param bytesPerSecond of each media answer, until it is mended; as fast as it goes when left out
 */
export async function startUnrulyOrigin(
  target: string,
  bytesPerSecond = Number.POSITIVE_INFINITY,
): Promise<UnrulyOrigin> {
  const { hostname, port } = new URL(target)
  const ranges: string[] = []
  const connections = new Set<Duplex>()
  let answer: MediaAnswer | null = null
  let isCut = false
  let rate = bytesPerSecond

  const forward = (request: IncomingMessage, response: ServerResponse, rate: number): void => {
    const { method, url, headers } = request
    const relay = async (incoming: IncomingMessage): Promise<void> => {
      response.writeHead(incoming.statusCode ?? 502, incoming.headers)
      response.flushHeaders()
      for await (const chunk of incoming as AsyncIterable<Buffer>) {
        if (response.destroyed) return
        response.write(chunk)
        if (Number.isFinite(rate)) await pause((chunk.length / rate) * 1000)
      }
      response.end()
    }
    const outgoing = send({ hostname, port, method, path: url, headers }, (incoming) => {
      relay(incoming).catch(() => response.destroy()) // either end has hung up
    })
    outgoing.on('error', () => response.destroy())
    response.on('close', () => outgoing.destroy())
    request.pipe(outgoing)
  }

  const server = createServer((request, response) => {
    if (!request.url?.startsWith('/media/')) return forward(request, response, Infinity)
    ranges.push(request.headers.range ?? '')
    const serve = () => forward(request, response, rate)
    if (answer) answer(request, response, serve)
    else serve()
  })
  server.on('connection', (socket) => {
    if (isCut) return socket.destroy()
    connections.add(socket)
    socket.on('close', () => connections.delete(socket))
  })
  server.on('upgrade', (request, socket, head) => {
    const tunnel = connect(Number(port), hostname, () => {
      const headers = request.rawHeaders.reduce(
        (text, part, i) => text + part + (i % 2 === 0 ? ': ' : '\r\n'),
        '',
      )
      tunnel.write(`${request.method} ${request.url} HTTP/1.1\r\n${headers}\r\n`)
      tunnel.write(head)
      tunnel.pipe(socket).pipe(tunnel)
    })
    for (const [one, other] of [
      [socket, tunnel],
      [tunnel, socket],
    ] as const) {
      one.on('error', () => other.destroy()).on('close', () => other.destroy())
    }
  })
  await once(server.listen(0, 'localhost'), 'listening')

  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    ranges,
    misbehave(next) {
      answer = next
    },
    cut() {
      isCut = true
      for (const connection of connections) connection.destroy()
    },
    mend() {
      isCut = false
      rate = Number.POSITIVE_INFINITY
    },
    async close() {
      for (const connection of connections) connection.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** @returns the bytes that a media request asks for, the end not included */
export function rangeOf(request: IncomingMessage): {
  readonly start: number
  readonly end: number
} {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
  return { start: Number(first), end: Number(last) + 1 }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
