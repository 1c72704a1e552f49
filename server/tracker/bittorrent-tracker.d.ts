// The parts of `bittorrent-tracker/server` 11 that we use; the package has no types.
declare module 'bittorrent-tracker/server' {
  import type { EventEmitter } from 'node:events'
  import type { IncomingMessage, ServerResponse } from 'node:http'
  import type { ServerOptions, WebSocket, WebSocketServer } from 'ws'

  /** An announce after parsing; hashes and ids are lower-case hex. */
  export interface AnnounceParams {
    type: 'http' | 'ws'
    info_hash: string
    peer_id: string
    ip: string
    /** `<ip>:<port>`, the key of native clients among the peers. */
    addr: string
    /** Announces over WebSocket only. */
    socket?: TrackedSocket
    /** Peers that are asked for; of browsers, as many as there are offers. */
    numwant: number
    event?: string
    offers?: unknown
    answer?: unknown
  }

  /** A browser's connection, with what the library notes on it. */
  type TrackedSocket = WebSocket & {
    /** Under which it has announced first. */
    peerId: string | null
    /** Set when it has closed, before its peer leaves the swarms. */
    destroyed?: boolean
  }

  /** A peer of a swarm. */
  export interface AnnouncedPeer {
    readonly type: 'http' | 'ws'
    readonly ip: string
    readonly peerId: string
    /** Of browsers only. */
    readonly socket?: TrackedSocket
  }

  /** The answer to an announce. */
  export interface AnnounceAnswer {
    readonly complete: number
    readonly incomplete: number
    readonly peers: readonly AnnouncedPeer[]
    /** Seconds; over HTTP only. */
    readonly interval?: number
    /** For a person to read. */
    readonly 'warning message'?: string
  }

  type AnnounceDone = (error: Error | null, answer?: AnnounceAnswer) => void

  class Swarm {
    constructor(infoHash: string, server: Server)
    readonly infoHash: string
    readonly complete: number
    readonly incomplete: number
    readonly peers: {
      readonly length: number
      readonly keys: string[]
      /** Without marking it as used. */
      peek(key: string): AnnouncedPeer | undefined
    }
    /** @param done is missing when a connection has closed */
    announce(params: AnnounceParams, done?: AnnounceDone): void
    /** @param peer is the one of this id that there is already */
    _onAnnounceStarted(params: AnnounceParams, peer: AnnouncedPeer | undefined, id: string): void
    /** @returns the peers of an answer: the first offer goes to the first of them, and so on */
    _getPeers(count: number, ownPeerId: string, isBrowser: boolean): AnnouncedPeer[]
    _onAnnounceStopped(params: AnnounceParams, peer: AnnouncedPeer | undefined, id: string): void
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
    static readonly Swarm: typeof Swarm
    readonly ws: WebSocketServer
    /** Swarms by info hash. */
    readonly torrents: Record<string, Swarm>
    onHttpRequest(request: IncomingMessage, response: ServerResponse): void
    close(done?: () => void): void
    /** Makes one that is not among `torrents`. */
    createSwarm(infoHash: string, done: (error: Error | null, swarm?: Swarm) => void): void
    _onScrape(): void
  }
}
