// Stands before a contender's origin, forwards everything (WebSocket upgrades too), counts the media
// bytes that leave it and can hold them to a rate that all connections share. Only payload under
// `MEDIA_PATH` counts and only that is held back: pages and scripts differ between the contenders
// and are not what is compared. Whoever started it closes it.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** Every contender's origin has its media, and nothing else, below this path. */
const MEDIA_PATH = '/media/'
/** Connections take turns with slices of this size when the uplink is capped. */
const SLICE_BYTES = 16 * 1024
/** How far the uplink may run ahead of its rate, milliseconds. */
const BURST_MS = 20

export interface CountingProxy {
  readonly url: string
  /** Payload bytes of media that were handed to the network so far. */
  mediaBytes(): number
  close(): Promise<void>
}

export interface CountingProxyOptions {
  /** `http://host:port` of the origin. */
  readonly target: string
  /** Bytes a second, or `null` for as fast as it goes. */
  readonly uplink: number | null
}

/** A token bucket: one line of fixed rate that senders queue for. */
class Uplink {
  readonly #bytesPerMs: number
  #freeAt = 0

  constructor(bytesPerSecond: number) {
    this.#bytesPerMs = bytesPerSecond / 1000
  }

  /** @returns when the bytes have had their time on the line */
  async pass(bytes: number): Promise<void> {
    const now = performance.now()
    this.#freeAt = Math.max(now - BURST_MS, this.#freeAt) + bytes / this.#bytesPerMs
    const wait = this.#freeAt - now
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
  }
}

export async function startCountingProxy(options: CountingProxyOptions): Promise<CountingProxy> {
  const target = new URL(options.target)
  const uplink = options.uplink === null ? null : new Uplink(options.uplink)
  const tunnels = new Set<Duplex>()
  let mediaBytes = 0

  const sendMedia = async (answer: IncomingMessage, response: ServerResponse) => {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      for (let start = 0; start < chunk.length; start += SLICE_BYTES) {
        const slice = chunk.subarray(start, start + SLICE_BYTES)
        await uplink?.pass(slice.length)
        if (response.destroyed) return
        mediaBytes += slice.length
        if (!response.write(slice)) await untilWritable(response)
      }
    }
    response.end()
  }

  const server = createServer((request, response) => {
    const { method, url = '/', rawHeaders: headers } = request
    const { hostname, port } = target
    const forwarded = send({ hostname, port, path: url, method, headers, agent: false })
    forwarded.once('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage, answer.rawHeaders)
      response.flushHeaders()
      answer.once('error', () => response.destroy())
      if (url.startsWith(MEDIA_PATH)) sendMedia(answer, response).catch(() => response.destroy())
      else answer.pipe(response)
    })
    forwarded.once('error', () => {
      if (response.headersSent) response.destroy()
      else response.writeHead(502).end()
    })
    response.once('close', () => forwarded.destroy())
    request.pipe(forwarded)
  })
  server.on('upgrade', (request, socket, head) => {
    const origin = connect(Number(target.port), target.hostname)
    join(socket, origin, tunnels)
    origin.write(headOf(request))
    origin.write(head)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    mediaBytes: () => mediaBytes,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      for (const tunnel of tunnels) tunnel.destroy()
      await closed
    },
  }
}

function untilWritable(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      response.off('drain', go)
      response.off('close', go)
      resolve()
    }
    response.on('drain', go)
    response.on('close', go)
  })
}

/** The request line and headers as they came. */
function headOf({ method, url, rawHeaders }: IncomingMessage): string {
  let head = `${method} ${url} HTTP/1.1\r\n`
  for (let index = 0; index < rawHeaders.length; index += 2) {
    head += `${rawHeaders[index]}: ${rawHeaders[index + 1]}\r\n`
  }
  return `${head}\r\n`
}

function join(a: Duplex, b: Socket, tunnels: Set<Duplex>): void {
  for (const end of [a, b]) {
    const other = end === a ? b : a
    tunnels.add(end)
    end.on('error', () => other.destroy())
    end.once('close', () => {
      tunnels.delete(end)
      other.destroy()
    })
    end.pipe(other)
  }
}
