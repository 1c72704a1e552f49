// The tracker on `/announce`: WebSocket for browsers, HTTP GET for native clients (BEP 3), for info
// hashes of the catalogue only, and as their publishers allow. `bittorrent-tracker` keeps the swarms;
// what it would stumble over is refused before it gets there. Whoever made the tracker closes it.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import Server, { type AnnounceParams } from 'bittorrent-tracker/server'
import type { Logger } from 'pino'
import { type InfoHash, parseInfoHash } from '#protocol/ids.ts'
import type { AddressOf } from '../http/request-address.ts'
import type { SwarmRules } from '../media/catalogue.ts'
import { BrowserSocket } from './browser-socket.ts'
import { GatedSwarm } from './gated-swarm.ts'

/** Its own default of 1,000 silently evicts peers of a bigger swarm. */
const MAX_PEERS_PER_SWARM = 100_000
/** An announce with five offers is some 10 kB. */
const MAX_MESSAGE_BYTES = 128 * 1024
/** Between announces of native clients; browsers announce five times as often. */
const ANNOUNCE_INTERVAL_MS = 5 * 60_000
/** A browser that answers no ping for so long is gone. */
const PING_MS = 30_000

const UNKNOWN = 'this tracker does not know the info hash'
const SWITCHED_OFF = 'the publisher has switched sharing off for this title'

interface TrackerOptions {
  /** @returns `null` when the catalogue has no real torrent with this info hash */
  readonly rulesOf: (infoHash: InfoHash) => Promise<SwarmRules | null>
  /** The client's IP address, or `null` when the connection is gone. */
  readonly addressOf: AddressOf
  readonly log: Logger
}

export class Tracker {
  readonly #server: Server
  readonly #rulesOf: TrackerOptions['rulesOf']
  readonly #addressOf: AddressOf
  readonly #sockets = new Set<BrowserSocket>()
  readonly #pinger: NodeJS.Timeout

  constructor({ rulesOf, addressOf, log }: TrackerOptions) {
    this.#rulesOf = rulesOf
    this.#addressOf = addressOf
    this.#server = new CatalogueServer({
      udp: false,
      http: false,
      stats: false,
      ws: {
        noServer: true,
        maxPayload: MAX_MESSAGE_BYTES,
        perMessageDeflate: false,
        WebSocket: BrowserSocket,
      },
      trustProxy: true, // the header that it reads is ours, see `#nameClient`
      interval: ANNOUNCE_INTERVAL_MS,
      peersCacheLength: MAX_PEERS_PER_SWARM,
      filter: (text, params, allow) => {
        this.#refusal(text, params)
          .catch((cause) => {
            log.error({ err: cause }, 'the tracker could not look up an info hash')
            return 'the tracker is out of order, try again later'
          })
          .then((refusal) => allow(refusal === null ? null : new Error(refusal)))
          .catch((err) => log.error({ err }, 'the tracker could not take an announce'))
      },
    })
    this.#server.on('error', (cause) => log.error({ err: cause }, 'tracker error'))
    // Clients that send nonsense; the answer told them already.
    this.#server.on('warning', (cause: Error) => log.debug({ reason: cause.message }, 'tracker'))
    this.#pinger = setInterval(() => {
      for (const socket of this.#sockets) socket.keepAlive()
    }, PING_MS)
    this.#pinger.unref()
  }

  /** Answers an announce over HTTP, refusals too, as BEP 3 says: 200 and a bencoded dictionary. */
  handle(request: IncomingMessage, response: ServerResponse): void {
    if (!this.#nameClient(request)) return
    request.url = plainAnnounce(request.url ?? '')
    response.setHeader('Content-Type', 'text/plain; charset=utf-8')
    response.setHeader('Cache-Control', 'no-store')
    this.#server.onHttpRequest(request, response)
  }

  /** Takes over the connection of a browser. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (!this.#nameClient(request)) return
    this.#server.ws.handleUpgrade(request, socket, head, (made) => {
      const webSocket = made as BrowserSocket // as the constructor asked for
      this.#sockets.add(webSocket)
      webSocket.on('close', () => this.#sockets.delete(webSocket))
      this.#server.ws.emit('connection', webSocket, request)
    })
  }

  /** Viewers that one more would be introduced to. */
  viewersOf(infoHash: InfoHash): number {
    const swarm = this.#server.torrents[infoHash]
    return swarm instanceof GatedSwarm && swarm.isOpen ? swarm.complete + swarm.incomplete : 0
  }

  /** A title of this info hash was deleted, or its publisher has changed what holds for it. */
  async rulesChanged(infoHash: InfoHash): Promise<void> {
    const rules = await this.#rulesOf(infoHash)
    const swarm = this.#server.torrents[infoHash]
    if (!(swarm instanceof GatedSwarm)) return
    if (rules?.enabled) return swarm.setMinViewers(rules.minViewers)
    delete this.#server.torrents[infoHash]
    // Whoever watches a title that is deleted may get the rest of it from other viewers.
    swarm.end(rules ? SWITCHED_OFF : UNKNOWN, rules !== null)
  }

  async close(): Promise<void> {
    clearInterval(this.#pinger)
    for (const socket of this.#sockets) socket.close(1001, 'the server is stopping')
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const socket of this.#sockets) socket.terminate()
  }

  /** @returns why an announce does not count, or `null` when its swarm is there to take it */
  async #refusal(text: string, params: AnnounceParams): Promise<string | null> {
    const infoHash = parseInfoHash(text)
    if (infoHash === null) return 'the info hash is not 20 bytes'
    const malformed = refusalOf(params)
    if (malformed !== null) return malformed
    const rules = await this.#rulesOf(infoHash)
    if (!rules?.enabled) return rules ? SWITCHED_OFF : UNKNOWN
    const swarm = this.#swarmOf(infoHash)
    swarm.setMinViewers(rules.minViewers)
    await swarm.vacate(params)
    return null
  }

  /** Made before the library looks for it, which would make one of its own. */
  #swarmOf(infoHash: InfoHash): GatedSwarm {
    const known = this.#server.torrents[infoHash]
    if (known instanceof GatedSwarm) return known
    const swarm = new GatedSwarm(infoHash, this.#server)
    this.#server.torrents[infoHash] = swarm
    return swarm
  }

  /**
   * `bittorrent-tracker` believes the header of anybody or of nobody, so it gets our own finding.
   * @returns false when the client is gone
   */
  #nameClient(request: IncomingMessage): boolean {
    const address = this.#addressOf(request)
    if (address === null) return false
    request.headers['x-forwarded-for'] = address
    return true
  }
}

/** The library as this tracker needs it. */
class CatalogueServer extends Server {
  /** `#swarmOf` makes them. One that is gone a moment later was switched off, or its title deleted. */
  override createSwarm(_infoHash: string, done: (error: Error) => void): void {
    done(new Error('the title has just changed, announce again'))
  }

  /** It has no filter for these, hands out all that it has, and fails at one that has offers. */
  override _onScrape(): void {
    throw new Error('this tracker takes announces only')
  }
}

/** The parts of a native client's query that are listened to, and what they look like (BEP 3, 23). */
const PARAMETER = /^(?:(?:info_hash|peer_id|left|event|numwant)=.*|port=\d{1,5}|compact=[01])$/s

/** The library takes whatever else a query names for fields of its own, a socket for example. */
function plainAnnounce(url: string): string {
  const [path, query = ''] = url.split('?')
  const known = query.split('&').filter((parameter) => PARAMETER.test(parameter))
  return `${path}?${known.join('&')}`
}

/** @returns why an announce would throw or fool `bittorrent-tracker`, or `null` when it is sound */
function refusalOf({ socket, peer_id, offers }: AnnounceParams): string | null {
  if (socket?.peerId && socket.peerId !== peer_id) {
    return 'a connection announces under one peer id only'
  }
  if (offers === undefined || offers === null) return null
  const isSound = (entry: unknown) => typeof entry === 'object' && entry !== null
  return Array.isArray(offers) && offers.every(isSound) ? null : 'the offers are malformed'
}
