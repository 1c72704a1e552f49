// The title's WebTorrent swarm: the only file that knows WebTorrent. It is told which pieces peers
// shall bring (`steer`) and is handed the pieces that came over HTTP (`inject`). Invariant: what a
// piece lacks is either selected here or fetched by HTTP, never both. The engine owns and closes it.
import type { Torrent } from 'webtorrent/dist/webtorrent.min.js'
import { BLOCK_BYTES, type PieceIndex, type PieceLayout, piecesBetween } from '#protocol/pieces.ts'
import type { PieceRange, PolicyPeer } from '../playback/origin-policy.ts'
import type { PeerShare } from '../playback/playback.ts'
import type { UploadLimit } from '../playback/sharing.ts'
import type { Bytes, PieceStore } from '../storage/piece-store.ts'
import { chooseBlocks } from './block-choice.ts'
import { exclusions } from './exclusions.ts'
import { hexOf } from './hex.ts'
import type { Intent } from './intent-message.ts'
import { loadPatiently } from './loading.ts'
import { PeerIntents } from './peer-intents.ts'
import { PeerTrust } from './peer-trust.ts'
import { takeRequestsSlowly } from './request-intake.ts'
import { type SwarmTotals, Traffic } from './traffic.ts'
import { UploadLimiter } from './upload-limiter.ts'
import { UPLOAD_SLOTS, unchokeAtOnce } from './upload-slots.ts'
import type { WebRtcPeer } from './webrtc-peers.ts'
import { Deadlines, type IsInTime, queuedSeconds } from './wire-queues.ts'
import { withdrawLosses } from './withdrawals.ts'

export interface SwarmOptions {
  /** The real torrent's metainfo (BEP 3). */
  readonly metainfo: Uint8Array
  readonly layout: PieceLayout
  readonly store: PieceStore
  /** Ours, 40 hex digits. */
  readonly peerId: string
  /**
   * Asked for connections to viewers of this info hash, again when it fails; `take` takes over each.
   */
  readonly meet: (infoHash: string, take: (connection: WebRtcPeer) => void) => Promise<void>
  /** Until `limitUpload` says otherwise. */
  readonly upload: UploadLimit
  /** Ends joining, also in the middle; a swarm that was joined is closed by itself. */
  readonly signal: AbortSignal
  /** What peers have, or may send, has changed. */
  readonly onChange: () => void
  /** What came of a piece was wrong; it comes anew. */
  readonly onSpoiled: (index: PieceIndex) => void
  /** The swarm broke down; it must be closed, playback goes on without it. */
  readonly onBroken: (error: Error) => void
}

interface SwarmPeer extends PolicyPeer {
  /** It has said what it holds. */
  readonly isKnown: boolean
}

export interface Swarm {
  /** From the metainfo's arrival until it was ready to exchange pieces. Milliseconds. */
  readonly readyMs: number
  /** Pieces held before that passed verification. */
  readonly piecesReused: number
  readonly totals: SwarmTotals
  /** Connected peers; ids are 40 hex digits. */
  peers(): readonly SwarmPeer[]
  /** What each connected peer sent. */
  shares(): readonly PeerShare[]
  /** Pieces that peers were asked for, or have begun to send. */
  arriving(): ReadonlySet<number>
  /** @returns whether the piece passed verification. */
  isVerified(index: PieceIndex): boolean
  /** Bytes of the piece that peers have still to send, or `null` when none has begun with it. */
  missing(index: PieceIndex): number | null
  /** Seconds that a piece takes from a peer to here, smoothed. */
  readonly peerSeconds: number
  /** Tells the peers what is wanted and what the origin is sending. */
  tell(intent: Intent): void
  /** By piece: seconds until the last block is here that a peer was asked for, by that peer's pace. */
  queued(): ReadonlyMap<number, number>
  /** Lets peers bring these pieces, soonest first, and no others, each what it brings in time. */
  steer(wanted: readonly PieceRange[], isInTime: IsInTime): void
  /** Withdraws what peers were asked for of a piece that HTTP will bring. */
  release(index: PieceIndex): void
  /**
   * Verifies a piece that lies in the store and offers it to the peers.
   * @returns `known` when it is right and was verified before
   */
  inject(index: PieceIndex, bytes: Bytes): Promise<'taken' | 'known' | 'wrong'>
  /**
   * The beginning of a piece that came over HTTP, whole blocks: peers are asked for the rest alone. Does
   * nothing when they have been asked for it before.
   */
  begin(index: PieceIndex, bytes: Bytes): void
  /** False once the upload limit is spent: peers are sent nothing. */
  readonly maySend: boolean
  /** Holds what peers are sent to this, from now on. */
  limitUpload(limit: UploadLimit): void
  close(): Promise<void>
}

/** Starts loading WebTorrent ahead of the moment when the torrent is there. */
export function preloadSwarm(): void {
  loadWebTorrent().catch(() => {}) // `joinSwarm` tells
}

/** Selections that nothing depends on at once are renewed so often at most. Milliseconds. */
const STEER_MS = 250
/** Pieces of an earlier visit that come later than that are verified one by one. Milliseconds. */
const RESTORE_WAIT_MS = 1500

const loadWebTorrent = async () => {
  const { prototype } = Uint8Array
  if (!('toHex' in prototype && 'toBase64' in prototype && 'fromHex' in Uint8Array)) {
    const { completeByteEncodings } = await import('./byte-encodings.ts')
    completeByteEncodings()
  }
  return import('webtorrent/dist/webtorrent.min.js')
}

let canConnect: boolean | null = null

/**
 * @returns whether peers can be connected to at all. A browser may lack WebRTC, or have it and
 *   refuse it by policy, which shows only when a connection is constructed.
 */
export function webRtcWorks(): boolean {
  canConnect ??= constructs()
  return canConnect
}

function constructs(): boolean {
  try {
    new RTCPeerConnection().close()
    return true
  } catch {
    return false
  }
}

/**
 * Loads WebTorrent, verifies the pieces held and joins.
 * @throws Error when the metainfo is not of this title, WebTorrent cannot start, or `signal` aborts
 */
export async function joinSwarm(options: SwarmOptions): Promise<Swarm> {
  const arrived = performance.now()
  const { layout, store, signal } = options
  const [{ default: WebTorrent }] = await Promise.all([
    loadPatiently(loadWebTorrent, signal),
    store.restoredWithin(RESTORE_WAIT_MS),
  ])
  signal.throwIfAborted()
  const client = new WebTorrent({
    dht: false,
    lsd: false,
    utPex: false, // peers come from the tracker alone: no WebRTC peer can be named by address
    webSeeds: false,
    tracker: false, // its own client takes seconds to connect, and minutes to reconnect
    peerId: options.peerId,
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
      uploads: UPLOAD_SLOTS,
    })
    unchokeAtOnce(torrent)
    // It would ask a second peer for blocks that a slow one still sends, and pay for them twice.
    // The origin policy takes over what is late.
    torrent._hotswap = () => false
    withdrawLosses(torrent, store)
    const deadlines = new Deadlines((wire) => trust.pace(wire))
    const trust: PeerTrust = new PeerTrust(torrent, {
      layout,
      mayAsk: (wire, index) => deadlines.mayAsk(wire, index),
      exclusions,
      read: (index, offset, length) => store.read(index, offset, length).catch(() => null),
      onFailed: (index) => {
        traffic.superseded(index)
        options.onSpoiled(index)
      },
      onChange: options.onChange,
    })
    chooseBlocks(torrent, (wire) => trust.pace(wire))
    const uploads = new UploadLimiter(torrent, options.upload)
    takeRequestsSlowly(torrent)
    const traffic = new Traffic(torrent, {
      wasAsked: (wire) => trust.wasAsked(wire),
      onChange: options.onChange,
    })
    const intents = new PeerIntents(torrent, layout, options.onChange, (wire) => trust.refuse(wire))
    let meeting: Promise<void> = Promise.resolve()
    await new Promise<void>((resolve, reject) => {
      const fail = (error: Error | string): void =>
        reject(error instanceof Error ? error : new Error(error))
      client.on('error', fail)
      torrent.on('error', fail)
      torrent.on('ready', resolve)
      torrent.on('metadata', () => {
        if (torrent.length === layout.size && torrent.pieceLength === layout.pieceLength) {
          const meet = () => options.meet(torrent.infoHash, takeFor(torrent))
          meeting = loadPatiently(meet, signal)
          meeting.catch(fail)
          return
        }
        fail('The torrent is not cut as this title is.')
        void close() // at once, before it reads pieces that the store does not have
      })
      signal.addEventListener('abort', () => fail('Playback was closed.'), { once: true })
    })
    const broken = (error: Error | string): void =>
      options.onBroken(error instanceof Error ? error : new Error(error))
    client.on('error', broken)
    torrent.on('error', broken)
    meeting.catch(broken)
    const readyMs = performance.now() - arrived
    return new JoinedSwarm(torrent, { traffic, intents, trust, deadlines }, options, {
      readyMs,
      uploads,
      close,
    })
  } catch (error) {
    await close()
    throw error
  }
}

/** Peers that went wrong elsewhere stay outside. WebTorrent throws when a torrent is given anything after its end. */
const takeFor = (torrent: Torrent) => (connection: WebRtcPeer) => {
  const isWelcome = !exclusions.has(connection.id ?? '', connection.remoteAddress ?? null)
  if (torrent.destroyed || !isWelcome) connection.destroy()
  else torrent.addPeer(connection)
}

interface PeerWatchers {
  readonly traffic: Traffic
  readonly intents: PeerIntents
  readonly trust: PeerTrust
  readonly deadlines: Deadlines
}

interface JoinedFacts {
  readonly readyMs: number
  readonly uploads: UploadLimiter
  readonly close: () => Promise<void>
}

class JoinedSwarm implements Swarm {
  readonly readyMs: number
  readonly piecesReused: number
  readonly close: () => Promise<void>
  readonly #uploads: UploadLimiter
  readonly #torrent: Torrent
  readonly #traffic: Traffic
  readonly #intents: PeerIntents
  readonly #trust: PeerTrust
  readonly #deadlines: Deadlines
  #steered = ''
  #steeredAt = 0
  #selected: ReadonlySet<PieceIndex> = new Set()

  constructor(
    torrent: Torrent,
    { traffic, intents, trust, deadlines }: PeerWatchers,
    options: SwarmOptions,
    facts: JoinedFacts,
  ) {
    this.#torrent = torrent
    this.#traffic = traffic
    this.#intents = intents
    this.#trust = trust
    this.#deadlines = deadlines
    this.readyMs = facts.readyMs
    this.close = facts.close
    this.#uploads = facts.uploads
    let reused = 0
    for (let index = 0; index < options.layout.count; index += 1) {
      if (torrent.bitfield.get(index)) reused += 1
    }
    this.piecesReused = reused
  }

  get totals(): SwarmTotals {
    return this.#traffic.totals
  }

  get maySend(): boolean {
    return !this.#uploads.isSpent
  }

  limitUpload(limit: UploadLimit): void {
    this.#uploads.limit(limit)
  }

  peers(): readonly SwarmPeer[] {
    return this.#torrent.wires.map((wire) => ({
      id: wire.peerId,
      isKnown: this.#trust.isKnown(wire),
      has: (index) => wire.peerPieces.get(index),
      choking: wire.peerChoking,
      withholds: this.#trust.withholds(wire),
      rate: this.#trust.pace(wire),
      promises: this.#intents.promises(wire),
      arrives: (index) => this.#intents.arrives(wire, index),
      wants: (index) => this.#intents.wants(wire, index),
      sends: this.#intents.sends(wire) && !this.#trust.isGone(wire),
      answers: this.#trust.reliesOn(wire),
      leads: this.#intents.leads(wire),
    }))
  }

  shares(): readonly PeerShare[] {
    return this.#traffic.shares()
  }

  arriving(): ReadonlySet<number> {
    const pieces = new Set(this.#traffic.begun())
    for (const wire of this.#torrent.wires) {
      if (this.#trust.reliesOn(wire)) for (const { piece } of wire.requests) pieces.add(piece)
    }
    return pieces
  }

  get peerSeconds(): number {
    return this.#traffic.pieceSeconds
  }

  tell(intent: Intent): void {
    if (!this.#torrent.destroyed) this.#intents.tell(intent)
  }

  isVerified(index: PieceIndex): boolean {
    return this.#torrent.bitfield.get(index)
  }

  missing(index: PieceIndex): number | null {
    return this.#torrent.pieces[index]?.missing ?? null
  }

  queued(): ReadonlyMap<number, number> {
    return queuedSeconds(this.#torrent.wires, (wire) => this.#trust.pace(wire))
  }

  steer(wanted: readonly PieceRange[], isInTime: IsInTime): void {
    this.#deadlines.isInTime = isInTime
    const steered = wanted.map(({ first, last }) => `${first}-${last}`).join()
    if (steered === this.#steered || this.#torrent.destroyed) return
    const selected = new Set(wanted.flatMap(({ first, last }) => [...piecesBetween(first, last)]))
    const isWithdrawn = [...this.#selected].some(
      (index) => !selected.has(index) && !this.#torrent.bitfield.get(index),
    )
    const soonest = wanted[0]?.first
    const now = performance.now()
    // Each selection makes WebTorrent look at every wire: what is only further ahead can wait.
    const canWait = !isWithdrawn && (soonest === undefined || this.#selected.has(soonest))
    if (canWait && now - this.#steeredAt < STEER_MS) return
    this.#steered = steered
    this.#steeredAt = now
    this.#selected = selected
    // `select` would join ranges that touch, and so lose the order, and look at every wire for each.
    this.#torrent._selections._items = wanted.map(({ first, last }) => ({
      from: first,
      to: last,
      offset: 0,
      priority: 0,
    }))
    this.#torrent._updateSelections()
  }

  release(index: PieceIndex): void {
    for (const wire of this.#torrent.wires) {
      for (const request of wire.requests.filter(({ piece }) => piece === index)) {
        wire.cancel(request.piece, request.offset, request.length)
      }
    }
  }

  begin(index: PieceIndex, bytes: Bytes): void {
    const piece = this.#torrent.pieces[index]
    if (!piece || piece._reservations > 0) return // peers are asked for it already
    piece.set(0, bytes, null)
    piece._reservations = Math.floor(bytes.length / BLOCK_BYTES)
    this.#trust.tookElsewhere(index, bytes)
  }

  async inject(index: PieceIndex, bytes: Bytes): Promise<'taken' | 'known' | 'wrong'> {
    const torrent = this.#torrent
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-1', bytes))
    if (hexOf(digest) !== torrent._hashes[index]) return 'wrong'
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
