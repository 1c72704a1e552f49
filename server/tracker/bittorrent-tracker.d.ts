// The parts of `bittorrent-tracker/server` 11 that we use; the package has no types.
declare module 'bittorrent-tracker/server' {
  import type { EventEmitter } from 'node:events'
  import type { IncomingMessage, ServerResponse } from 'node:http'
  import type { ServerOptions, WebSocket, WebSocketServer } from 'ws'

  /** An announce after parsing; hashes and ids are lower-case hex. */
  export interface AnnounceParams {
    info_hash: string
    peer_id: string
    /** Announces over WebSocket only. */
    socket?: WebSocket & { peerId: string | null }
    offers?: unknown
    answer?: unknown
  }

  export default class Server extends EventEmitter {
    constructor(options: {
      udp: false
      http: false
      stats: false
      ws: ServerOptions
      trustProxy: boolean
      /** Milliseconds between announces over HTTP; a fifth of it over WebSocket. */
      interval: number
      peersCacheLength: number
      filter: (
        infoHash: string,
        params: AnnounceParams,
        allow: (refusal?: Error | null) => void,
      ) => void
    })
    readonly ws: WebSocketServer
    /** Swarms by info hash. */
    readonly torrents: Record<string, { peers: { length: number } }>
    onHttpRequest(request: IncomingMessage, response: ServerResponse): void
    close(done?: () => void): void
  }
}
