// The title's WebTorrent swarm: the only file that knows WebTorrent. It is told which pieces peers
// shall bring (`steer`) and is handed the pieces that came over HTTP (`inject`). Invariant: a piece
// is either selected here or fetched by HTTP, never both. The engine owns and closes it.
import type { Torrent, Wire } from 'webtorrent/dist/webtorrent.min.js'
import { lengthOfPiece, type PieceIndex, type PieceLayout } from '#protocol/pieces.ts'
import type { PieceRange } from './origin-policy.ts'
import type { Bytes, PieceStore } from './piece-store.ts'

export interface SwarmOptions {
  /** The real torrent's metainfo (BEP 3). */
  readonly metainfo: Uint8Array
  readonly layout: PieceLayout
  readonly store: PieceStore
  readonly iceServers: readonly RTCIceServer[]
  /** Ends joining, also in the middle; a swarm that was joined is closed by itself. */
  readonly signal: AbortSignal
  /** What peers have, or may send, has changed. */
  readonly onChange: () => void
  /** The swarm broke down; it must be closed, playback goes on without it. */
  readonly onBroken: (error: Error) => void
}

/** A connected peer. */
interface SwarmPeer {
  /** 40 hex digits. */
  readonly id: string
  has(index: PieceIndex): boolean
  /** True when it sends us nothing at present. */
  readonly choking: boolean
  /** Payload bytes per second. */
  readonly rate: number
}

/** Payload bytes of the swarm. */
export interface SwarmTotals {
  readonly received: number
  readonly uploaded: number
  /** Received, but already there or wrong. */
  readonly wasted: number
}

export interface Swarm {
  readonly ownId: string
  /** From the metainfo's arrival until it was ready to exchange pieces. Milliseconds. */
  readonly readyMs: number
  /** Pieces held before that passed verification. */
  readonly piecesReused: number
  readonly totals: SwarmTotals
  peers(): readonly SwarmPeer[]
  /** @returns whether the piece passed verification. */
  isVerified(index: PieceIndex): boolean
  /** Bytes of the piece that peers have still to send, or `null` when none has begun with it. */
  missing(index: PieceIndex): number | null
  /** Lets peers bring these pieces, soonest first, and no others. */
  steer(wanted: readonly PieceRange[]): void
  /** Withdraws what peers were asked for of a piece that HTTP will bring. */
  release(index: PieceIndex): void
  /**
   * Verifies a piece that lies in the store and offers it to the peers.
   * @returns `known` when it is right and was verified before
   */
  inject(index: PieceIndex, bytes: Bytes): Promise<'taken' | 'known' | 'wrong'>
  close(): Promise<void>
}

/** Starts loading WebTorrent ahead of the moment when the torrent is there. */
export function preloadSwarm(): void {
  loadWebTorrent().catch(() => {}) // `joinSwarm` tells
}

/** Pieces of an earlier visit that come later than that are verified one by one. Milliseconds. */
const RESTORE_WAIT_MS = 1500

const loadWebTorrent = () => import('webtorrent/dist/webtorrent.min.js')

/**
 * Loads WebTorrent, verifies the pieces held and joins.
 * @throws Error when the metainfo is not of this title, WebTorrent cannot start, or `signal` aborts
 */
export async function joinSwarm(options: SwarmOptions): Promise<Swarm> {
  const arrived = performance.now()
  const { layout, store, signal } = options
  const [{ default: WebTorrent }] = await Promise.all([
    loadWebTorrent(),
    store.restoredWithin(RESTORE_WAIT_MS),
  ])
  signal.throwIfAborted()
  const client = new WebTorrent({
    dht: false,
    lsd: false,
    utPex: false, // peers come from the tracker alone: no WebRTC peer can be named by address
    webSeeds: false,
    // Named in full: left out, WebTorrent would ask strangers' STUN servers.
    tracker: { rtcConfig: { iceServers: [...options.iceServers] } },
  })
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      if (client.destroyed)
        resolve() // by itself, after an error, or by an earlier call
      else client.destroy(() => resolve())
    })
  try {
    const torrent = client.add(options.metainfo, {
      preloadedStore: store.chunkStore(),
      storeCacheSlots: 0,
      deselect: true,
    })
    // It would ask a second peer for blocks that a slow one still sends, and pay for them twice.
    // The origin policy takes over what is late.
    torrent._hotswap = () => false
    const traffic = new Traffic(torrent, options.onChange)
    await new Promise<void>((resolve, reject) => {
      const fail = (error: Error | string): void =>
        reject(error instanceof Error ? error : new Error(error))
      client.on('error', fail)
      torrent.on('error', fail)
      torrent.on('ready', resolve)
      torrent.on('metadata', () => {
        if (torrent.length === layout.size && torrent.pieceLength === layout.pieceLength) return
        fail('The torrent is not cut as this title is.')
        void close() // at once, before it reads pieces that the store does not have
      })
      signal.addEventListener('abort', () => fail('Playback was closed.'), { once: true })
    })
    const broken = (error: Error | string): void =>
      options.onBroken(error instanceof Error ? error : new Error(error))
    client.on('error', broken)
    torrent.on('error', broken)
    const readyMs = performance.now() - arrived
    return new JoinedSwarm(torrent, traffic, options, { ownId: client.peerId, readyMs, close })
  } catch (error) {
    await close()
    throw error
  }
}

interface JoinedFacts {
  readonly ownId: string
  readonly readyMs: number
  readonly close: () => Promise<void>
}

class JoinedSwarm implements Swarm {
  readonly ownId: string
  readonly readyMs: number
  readonly piecesReused: number
  readonly close: () => Promise<void>
  readonly #torrent: Torrent
  readonly #traffic: Traffic
  readonly #options: SwarmOptions
  #steered = ''

  constructor(torrent: Torrent, traffic: Traffic, options: SwarmOptions, facts: JoinedFacts) {
    this.#torrent = torrent
    this.#traffic = traffic
    this.#options = options
    this.ownId = facts.ownId
    this.readyMs = facts.readyMs
    this.close = facts.close
    let reused = 0
    for (let index = 0; index < options.layout.count; index += 1) {
      if (torrent.bitfield.get(index)) reused += 1
    }
    this.piecesReused = reused
  }

  get totals(): SwarmTotals {
    return this.#traffic.totals
  }

  peers(): readonly SwarmPeer[] {
    return this.#torrent.wires.map((wire) => ({
      id: wire.peerId,
      has: (index) => wire.peerPieces.get(index),
      choking: wire.peerChoking,
      rate: wire.downloadSpeed(),
    }))
  }

  isVerified(index: PieceIndex): boolean {
    return this.#torrent.bitfield.get(index)
  }

  missing(index: PieceIndex): number | null {
    const missing = this.#torrent.pieces[index]?.missing
    const asked = this.#torrent.wires.some((wire) => wire.requests.some((r) => r.piece === index))
    if (missing === undefined) return null
    return missing < lengthOfPiece(this.#options.layout, index) || asked ? missing : null
  }

  steer(wanted: readonly PieceRange[]): void {
    const steered = wanted.map(({ first, last }) => `${first}-${last}`).join()
    if (steered === this.#steered || this.#torrent.destroyed) return
    this.#steered = steered
    this.#torrent.deselect(0, this.#options.layout.count - 1)
    // Equal priorities keep the order of insertion; unequal ones would be shuffled.
    for (const { first, last } of wanted) this.#torrent.select(first, last, 0)
  }

  release(index: PieceIndex): void {
    for (const wire of this.#torrent.wires) {
      for (const request of wire.requests.filter(({ piece }) => piece === index)) {
        wire.cancel(request.piece, request.offset, request.length)
      }
    }
  }

  async inject(index: PieceIndex, bytes: Bytes): Promise<'taken' | 'known' | 'wrong'> {
    const torrent = this.#torrent
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-1', bytes))
    if (hex(digest) !== torrent._hashes[index]) return 'wrong'
    if (torrent.bitfield.get(index)) return 'known'
    if (!torrent.destroyed) {
      this.#traffic.superseded(index)
      markVerified(torrent, index)
    }
    return 'taken'
  }
}

/**
 * Tells WebTorrent that a piece is in the store and right, as it tells itself after it has got one
 * from a peer (`_request` in its lib/torrent.js, 3.0.21): there is no public call for it.
 */
function markVerified(torrent: Torrent, index: PieceIndex): void {
  torrent._markVerified(index)
  for (const wire of torrent.wires) wire.have(index)
  torrent._checkDone()
}

/** Counts what the wires carry. */
export class Traffic {
  readonly #torrent: Torrent
  /** Blocks received of pieces that are not whole yet: offset → bytes. */
  readonly #blocks = new Map<number, Map<number, number>>()
  #received = 0
  #uploaded = 0
  #wasted = 0

  constructor(torrent: Torrent, onChange: () => void) {
    this.#torrent = torrent
    torrent.on('wire', (wire) => this.#watch(wire, onChange))
    torrent.on('verified', (index) => {
      this.#blocks.delete(index)
      onChange()
    })
    torrent.on('warning', (warning) => {
      const failed = /^Piece (\d+) failed verification/.exec(
        warning instanceof Error ? warning.message : warning,
      )
      if (failed) this.superseded(Number(failed[1]))
    })
  }

  get totals(): SwarmTotals {
    return { received: this.#received, uploaded: this.#uploaded, wasted: this.#wasted }
  }

  /** The blocks received of a piece turned out to be of no use. */
  superseded(index: number): void {
    for (const bytes of this.#blocks.get(index)?.values() ?? []) this.#wasted += bytes
    this.#blocks.delete(index)
  }

  #watch(wire: Wire, onChange: () => void): void {
    wire.on('piece', (index, offset, bytes) => {
      this.#received += bytes.length
      const blocks = this.#blocks.get(index) ?? new Map<number, number>()
      if (this.#torrent.bitfield.get(index) || blocks.has(offset)) {
        this.#wasted += bytes.length
        return
      }
      this.#blocks.set(index, blocks.set(offset, bytes.length))
    })
    wire.on('upload', (bytes) => {
      this.#uploaded += bytes
    })
    for (const event of ['bitfield', 'have', 'have-all', 'choke', 'unchoke', 'close'] as const) {
      wire.on(event, onChange)
    }
    onChange()
  }
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
