// `bittorrent-tracker`, the package, for the contenders that bring no tracker of their own; with the
// announce interval of ours. WebSocket only, any info hash. Whoever started it closes it.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import Server from 'bittorrent-tracker/server'

const ANNOUNCE_INTERVAL_MS = 5 * 60_000

export interface OpenTracker {
  /** `ws://…` for an announce list. */
  readonly url: string
  close(): Promise<void>
}

export async function startTracker(): Promise<OpenTracker> {
  const tracker = new Server({
    udp: false,
    http: false,
    stats: false,
    ws: { noServer: true },
    trustProxy: false,
    interval: ANNOUNCE_INTERVAL_MS,
    peersCacheLength: 1000,
    filter: (_infoHash, _params, allow) => allow(null),
  })
  tracker.on('warning', () => undefined) // a viewer who leaves in the middle of an announce
  const server = createServer((_request, response) => response.writeHead(404).end())
  const sockets = new Set<Duplex>()
  server.on('upgrade', (request, socket, head) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    tracker.ws.handleUpgrade(request, socket, head, (webSocket) => {
      tracker.ws.emit('connection', webSocket, request)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `ws://localhost:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const socket of sockets) socket.destroy()
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
      await new Promise<void>((resolve) => tracker.close(resolve))
    },
  }
}
