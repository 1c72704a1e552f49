// Decides, from a snapshot, which pieces the origin shall send now and which peers shall bring. A
// pure function: no clock, no randomness, no state. In short: what is needed soon and will not come
// from a peer in time is fetched; further ahead a piece that no peer has is fetched by the one
// viewer whom a rendezvous hash names; the rest waits for peers. Alone, that is plain read-ahead.
import {
  lengthOfPiece,
  type PieceIndex,
  type PieceLayout,
  pieceAt,
  pieceStart,
  piecesBetween,
} from '#protocol/pieces.ts'
import { rendezvous } from './rendezvous.ts'

/** Pieces `first` to `last`, both included. */
export interface PieceRange {
  readonly first: PieceIndex
  readonly last: PieceIndex
}

/** Where somebody reads the file, in bytes. */
export interface Demand {
  readonly position: number
  readonly end: number
  /** True when the reader waits for the byte at `position`. */
  readonly waiting: boolean
}

export interface PolicyPeer {
  readonly id: string
  has(index: PieceIndex): boolean
  readonly choking: boolean
  /** Payload bytes per second that it sends us at present. */
  readonly rate: number
}

/** A range request under way; positions in bytes. */
interface PolicySpan {
  readonly next: number
  readonly end: number
}

export interface PolicySettings {
  /** Pieces needed within so many seconds do not wait for luck. */
  readonly urgentSeconds: number
  /** Nothing is fetched that is needed later than that. */
  readonly lookAheadSeconds: number
  /** Nor anything further ahead of the reader than that. */
  readonly lookAheadBytes: number
}

export interface PolicySnapshot {
  readonly layout: PieceLayout
  /** Pieces held. */
  has(index: PieceIndex): boolean
  /** Pieces that a span under way will bring. */
  isFetching(index: PieceIndex): boolean
  /** The reader that moved last comes first; the others count only while they wait. */
  readonly demands: readonly Demand[]
  /** Playback that the `<video>` holds ahead of its position: seconds, 0 while it waits. */
  readonly bufferedSeconds: number
  /** Bytes of the file per second of playback. */
  readonly bytesPerSecond: number
  readonly spans: readonly PolicySpan[]
  /** Bytes per second of the origin, or `null` when not measured yet. */
  readonly originRate: number | null
  readonly originLatencyMs: number
  /** True while the origin does not answer: then a late peer is better than none. */
  readonly originIsDown: boolean
  /** Pieces that one range request may have. */
  readonly spanPieces: number
  readonly ownId: string
  readonly peers: readonly PolicyPeer[]
  /** Bytes of the piece that peers have still to send, or `null` when none has begun with it. */
  missing(index: PieceIndex): number | null
  readonly settings: PolicySettings
}

export interface PolicyDecision {
  /** Range requests to start now, soonest needed first. */
  readonly fromOrigin: readonly PieceRange[]
  /** What peers shall bring, soonest needed first. */
  readonly fromPeers: readonly PieceRange[]
}

/**
 * While the swarm is not there yet, every byte costs the origin a byte, however eagerly the browser
 * asks for more: just enough is fetched ahead to ride out a hiccup.
 */
export const WAITING_SETTINGS: PolicySettings = {
  urgentSeconds: 4,
  lookAheadSeconds: 15,
  lookAheadBytes: 64 * 1024 * 1024,
}

/** Before the first frame: what the decoder needs for it, with nothing beside it on the line. */
export const STARTING_SETTINGS: PolicySettings = { ...WAITING_SETTINGS, lookAheadSeconds: 1.5 }

/** The same while the swarm is expected within seconds: peers will bring what is not fetched yet. */
export const JOINING_SETTINGS: PolicySettings = { ...WAITING_SETTINGS, lookAheadSeconds: 4 }

/** In the swarm, and without hope for one. */
export const SWARM_SETTINGS: PolicySettings = { ...WAITING_SETTINGS, lookAheadSeconds: 60 }

/** Spans under way at once: browsers open 6 connections per HTTP/1.1 server, some serve others. */
const MAX_SPANS = 4
/** What a peer is taken to send before it has sent anything: bytes per second. */
const UNKNOWN_PEER_RATE = 256 * 1024
/** With less time than that left, even a piece that is half here is fetched anew. Seconds. */
const LAST_MOMENT_SECONDS = 1

interface Wanted {
  readonly index: PieceIndex
  /** Seconds until playback needs it. */
  readonly neededIn: number
  /** The look-ahead ends here for now: what follows comes into view as playback goes on. */
  readonly atHorizon: boolean
  /** It cannot wait for a better chance. */
  readonly urgent: boolean
}

/** @returns what to do now; pieces held or under way are never in it. */
export function decide(snapshot: PolicySnapshot): PolicyDecision {
  const fromOrigin: Wanted[] = []
  const fromPeers: Wanted[] = []
  const originSeconds = (index: PieceIndex): number => {
    const bytes = lengthOfPiece(snapshot.layout, index)
    return snapshot.originLatencyMs / 1000 + bytes / (snapshot.originRate ?? bytes / 0.1)
  }
  const ids = [snapshot.ownId, ...snapshot.peers.map(({ id }) => id)]
  let queuedAtPeers = 0
  for (const wanted of wantedPieces(snapshot)) {
    const { index, neededIn } = wanted
    const holders = snapshot.peers.filter((peer) => peer.has(index))
    const senders = holders.filter(({ choking }) => !choking)
    const fetchSeconds = originSeconds(index)
    if (neededIn <= Math.max(snapshot.settings.urgentSeconds, 2 * fetchSeconds)) {
      const missing = snapshot.missing(index)
      queuedAtPeers += missing ?? lengthOfPiece(snapshot.layout, index)
      const rate = senders.reduce((sum, peer) => sum + (peer.rate || UNKNOWN_PEER_RATE), 0)
      const late = !snapshot.originIsDown && queuedAtPeers / rate > Math.max(neededIn, fetchSeconds)
      const begun = missing !== null && neededIn > Math.max(LAST_MOMENT_SECONDS, 2 * fetchSeconds)
      if (senders.length === 0 || (late && !begun)) {
        queuedAtPeers -= missing ?? lengthOfPiece(snapshot.layout, index)
        fromOrigin.push({ ...wanted, urgent: true })
      } else {
        fromPeers.push(wanted)
      }
    } else if (holders.length > 0) {
      fromPeers.push(wanted)
    } else if (rendezvous(index, ids) === snapshot.ownId) {
      fromOrigin.push(wanted)
    }
  }
  return { fromOrigin: startable(snapshot, fromOrigin), fromPeers: toRanges(fromPeers) }
}

/** @returns pieces neither held nor under way, soonest needed first. */
function wantedPieces(snapshot: PolicySnapshot): Wanted[] {
  const { layout, settings, demands, bufferedSeconds } = snapshot
  const wanted = new Map<PieceIndex, Wanted>()
  const want = (index: PieceIndex, neededIn: number, atHorizon: boolean): void => {
    if (snapshot.has(index) || snapshot.isFetching(index)) return
    if (neededIn < (wanted.get(index)?.neededIn ?? Number.POSITIVE_INFINITY)) {
      wanted.set(index, { index, neededIn, atHorizon, urgent: false })
    }
  }
  const [reader, ...others] = demands.filter(({ position, end }) => position < end)
  if (reader) {
    const first = pieceAt(layout, reader.position)
    const last = pieceAt(layout, reader.end - 1)
    const seconds = settings.lookAheadSeconds - bufferedSeconds
    const bytes = Math.min(settings.lookAheadBytes, Math.floor(seconds * snapshot.bytesPerSecond))
    const horizon = pieceAt(layout, Math.min(reader.end - 1, reader.position + Math.max(0, bytes)))
    for (const index of seconds > 0 ? piecesBetween(first, horizon) : []) {
      const neededIn = secondsUntil(snapshot, pieceStart(layout, index))
      want(index, neededIn, index === horizon && horizon < last)
    }
  }
  for (const { position, waiting } of others) {
    if (waiting) want(pieceAt(layout, position), bufferedSeconds, false)
  }
  return [...wanted.values()].sort((a, b) => a.neededIn - b.neededIn || a.index - b.index)
}

/** Seconds until playback needs a byte; infinite for bytes behind the reader. */
function secondsUntil({ demands, bufferedSeconds, bytesPerSecond }: PolicySnapshot, byte: number) {
  const position = demands[0]?.position ?? 0
  return bufferedSeconds + Math.max(0, byte - position) / bytesPerSecond
}

/**
 * One request after the other keeps the line just as full as several at once and brings first what
 * is needed first; so the next one starts when the present one is about to end. Only what is needed
 * sooner than everything under way (after a seek) goes at once.
 */
function startable(snapshot: PolicySnapshot, wanted: readonly Wanted[]): PieceRange[] {
  const lead = ((snapshot.originRate ?? 0) * (snapshot.originLatencyMs * 1.5 + 50)) / 1000
  const position = snapshot.demands[0]?.position ?? 0
  const underway = snapshot.spans.map(({ next, end }) => ({
    remaining: end - next,
    neededIn: end <= position ? Number.POSITIVE_INFINITY : secondsUntil(snapshot, next),
  }))
  const started: PieceRange[] = []
  for (const span of spansOf(wanted, snapshot.spanPieces)) {
    if (underway.length >= MAX_SPANS) break
    const { first, last, neededIn, atHorizon, urgent } = span
    // A short run at the horizon grows: better one request soon than one for every piece.
    if (!urgent && atHorizon && last - first + 1 < snapshot.spanPieces) continue
    const rivals = urgent ? underway.filter((other) => other.neededIn <= neededIn) : underway
    if (rivals.reduce((sum, { remaining }) => sum + remaining, 0) > lead) continue
    const { layout } = snapshot
    const end = pieceStart(layout, last) + lengthOfPiece(layout, last)
    underway.push({ remaining: end - pieceStart(layout, first), neededIn })
    started.push({ first, last })
  }
  return started
}

/** A run of pieces; `neededIn` and `urgent` are those of its first one. */
interface Span extends PieceRange, Omit<Wanted, 'index'> {}

/** Contiguous runs of at most `most` pieces, in the order in which they are needed. */
function spansOf(wanted: readonly Wanted[], most: number): Span[] {
  const spans: Span[] = []
  for (const { index, ...piece } of wanted) {
    const span = spans.at(-1)
    if (span && index === span.last + 1 && index - span.first < most) {
      spans[spans.length - 1] = { ...span, last: index, atHorizon: piece.atHorizon }
    } else {
      spans.push({ first: index, last: index, ...piece })
    }
  }
  return spans
}

function toRanges(wanted: readonly Wanted[]): PieceRange[] {
  return spansOf(wanted, Number.POSITIVE_INFINITY).map(({ first, last }) => ({ first, last }))
}
