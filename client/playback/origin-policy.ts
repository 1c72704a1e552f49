// Decides, from a snapshot, which pieces the origin shall send now and which peers shall bring. A
// pure function: no clock, no randomness, no state. In short: a piece that will come from peers in
// time is left to them; one that nobody has is fetched by the one viewer whom a rendezvous hash
// names first, far ahead of the playhead; when that viewer, or a peer that has it, will be too late,
// the next ones in the order of the hash step in, each a little later than the one before, and at
// the last moment everybody who lacks it. Alone, that is plain read-ahead.
import {
  BLOCK_BYTES,
  lengthOfPiece,
  type PieceIndex,
  type PieceLayout,
  pieceAt,
  pieceStart,
} from '#protocol/pieces.ts'
import type { PolicySettings } from './look-ahead.ts'
import { chance, rank, spread } from './rendezvous.ts'

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
  /** True when it has kept us out for seconds: in a small swarm, where there is room, it gives nothing. */
  readonly withholds: boolean
  /** Payload bytes per second that it sends us at present. */
  readonly rate: number
  /** False when it says that the origin is sending it nothing: then nothing `arrives`. */
  readonly promises: boolean
  /** Seconds until the origin has sent it the piece, as it says, or `null` when it does not say so. */
  arrives(index: PieceIndex): number | null
  /** Whether it looks ahead to the piece, held or not; true when it does not say, as other clients. */
  wants(index: PieceIndex): boolean
  /** False when it says that it uploads nothing. */
  readonly sends: boolean
  /**
   * False when it has not lately sent what it was asked for: what it has and promises does not count, but
   * its place in the order does.
   */
  readonly answers: boolean
  /** False when it says that it uploads too slowly to fetch for others what nobody has. */
  readonly leads: boolean
}

/** A range request under way; positions in bytes. */
interface PolicySpan {
  readonly next: number
  readonly end: number
}

export interface PolicySnapshot {
  readonly layout: PieceLayout
  /** Pieces held. */
  has(index: PieceIndex): boolean
  /** Pieces that a span under way will bring. */
  isFetching(index: PieceIndex): boolean
  /** The reader that moved last comes first; the others count only while they wait. */
  readonly demands: readonly Demand[]
  /** Until the `<video>` has played what it holds, at its speed: seconds, 0 while it waits. */
  readonly bufferedSeconds: number
  /** For so long playback will wait for enough to go on with, unless it comes sooner: seconds. */
  readonly waits: number
  /** Bytes of the file that playback uses per second, at its speed. */
  readonly bytesPerSecond: number
  readonly spans: readonly PolicySpan[]
  /** Bytes per second of the origin, or `null` when not measured yet. */
  readonly originRate: number | null
  readonly originLatencyMs: number
  /** Seconds that a piece takes from a peer that has it to us, as measured or guessed. */
  readonly peerSeconds: number
  /** True while the origin does not answer: then a late peer is better than none. */
  readonly originIsDown: boolean
  /** Pieces that one range request may have. */
  readonly spanPieces: number
  readonly ownId: string
  /** False when this viewer uploads nothing. */
  readonly sends: boolean
  /** False when it uploads too slowly to fetch for others what nobody has. */
  readonly leads: boolean
  readonly peers: readonly PolicyPeer[]
  /** Ids of viewers that are about to become peers: they know of us too. */
  readonly expected: readonly string[]
  /** Viewers that are neither, but will soon be: that much a tracker tells before anybody is met. */
  readonly strangers: number
  /** Bytes of the piece that peers have still to send, or `null` when none has begun with it. */
  missing(index: PieceIndex): number | null
  /** Seconds until the last block is here that a peer was asked for, by the pace of that peer. */
  queued(index: PieceIndex): number
  readonly settings: PolicySettings
}

/** How fast a peer is. */
interface Pace {
  /** Bytes that it was asked for and has not sent. */
  readonly queued: number
  /** Bytes per second that it sends, 0 when that is not known. */
  readonly rate: number
  /** Seconds since the decision. */
  readonly age: number
}

export interface PolicyDecision {
  /** Range requests to start now, soonest needed first. */
  readonly fromOrigin: readonly PieceRange[]
  /** What peers shall bring: what is needed soon in its order, what is further ahead rarest first. */
  readonly fromPeers: readonly PieceRange[]
  /** Whether a peer shall be asked for a block of the piece, as long as the decision holds. */
  mayAsk(index: PieceIndex, pace: Pace): boolean
  /** Everything that is looked ahead to, held or not; `null` when nothing is. Peers are told. */
  readonly wanted: PieceRange | null
}

/** Spans under way at once: browsers open 6 connections per HTTP/1.1 server, some serve others. */
const MAX_SPANS = 4
/** What a peer is taken to send before it has sent anything: bytes per second. */
const UNKNOWN_PEER_RATE = 512 * 1024
/** What a piece is taken to take from an origin that has sent nothing yet. */
const UNKNOWN_FETCH_SECONDS = 0.1
/** Peers are trusted to be this much slower than their rates say … */
const DOUBT = 1.5
/** … and to leave so much time before the piece is played. */
const SLACK_SECONDS = 0.2
/** Beside twice the time that a fetch takes … */
const LAST_MOMENT_SECONDS = 1
/** … for what peers are sending: a peer that looks slow for a moment mostly is not. */
const LAST_RESORT_SECONDS = 0.5
/** With so many peers there are more than one knows. */
const CROWD_PEERS = 16
/** In a crowd nobody fetches further ahead than that, but for a lucky few … Seconds. */
const CROWD_SECONDS = 20
/** … : half of them so much further, a quarter twice as much, and so on. */
const CROWD_SPREAD_SECONDS = 2.5
/** So much further do those look who know of a viewer that gives nothing. Seconds. */
const AHEAD_SECONDS = 2
/** What is needed later than that comes rarest first. Seconds. */
const NEAR_SECONDS = 10

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
  const { layout } = snapshot
  const isSmall = !isCrowd(snapshot)
  const givers = snapshot.peers.filter(({ sends, withholds }) => sends && !(isSmall && withholds))
  const answering = givers.filter(({ answers }) => answers)
  const promising = answering.filter(({ promises }) => promises)
  const fromOrigin: Wanted[] = []
  const fromPeers: (Wanted & { readonly holders: number })[] = []
  let queuedAtPeers = 0
  for (const wanted of wantedPieces(snapshot)) {
    const { index, neededIn } = wanted
    const holders = answering.filter((peer) => peer.has(index))
    const missing = snapshot.missing(index)
    const toSend = missing ?? lengthOfPiece(layout, index)
    const rate = rateOf(holders, snapshot, neededIn)
    const byRates = rate > 0 ? (queuedAtPeers + toSend) / rate : Number.POSITIVE_INFINITY
    const byPeers = Math.max(byRates, snapshot.queued(index))
    const comesIn = Math.min(byPeers, promisedIn(snapshot, promising, index))
    const inTime =
      comesIn * DOUBT + SLACK_SECONDS <= neededIn ||
      comesIn <= fetchSeconds(snapshot, index) * DOUBT || // the origin is hardly faster
      (snapshot.originIsDown && holders.length > 0)
    const isKnown = holders.length > 0 || comesIn < Number.POSITIVE_INFINITY
    const turn = inTime
      ? null
      : turnOf(snapshot, givers, wanted, { isKnown, begun: missing !== null })
    if (turn) {
      fromOrigin.push({ ...wanted, urgent: turn === 'take over' })
      continue
    }
    if (holders.length > 0) queuedAtPeers += toSend
    fromPeers.push({ ...wanted, holders: holders.length })
  }
  return {
    fromOrigin: startable(snapshot, fromOrigin),
    fromPeers: inOrder(fromPeers, snapshot),
    mayAsk: (index, pace) =>
      snapshot.originIsDown ||
      isFastEnough(snapshot, pace, secondsUntil(snapshot, pieceStart(layout, index)) - pace.age),
    wanted: lookAhead(snapshot),
  }
}

/**
 * A piece waits for its slowest block however fast the other peers are: so whoever would bring one
 * late is not asked, unless it is faster than playback. A peer whose pace is not known yet is given a
 * chance.
 */
function isFastEnough(
  { bytesPerSecond }: PolicySnapshot,
  { queued, rate }: Pick<Pace, 'queued' | 'rate'>,
  neededIn: number,
): boolean {
  if (rate === 0 || rate >= bytesPerSecond) return true
  return ((queued + BLOCK_BYTES) / rate) * DOUBT + SLACK_SECONDS <= neededIn
}

function rateOf(
  holders: readonly PolicyPeer[],
  snapshot: PolicySnapshot,
  neededIn: number,
): number {
  let sum = 0
  for (const { choking, rate } of holders) {
    if (choking || !isFastEnough(snapshot, { queued: 0, rate }, neededIn)) continue
    sum += rate || UNKNOWN_PEER_RATE
  }
  return sum
}

/** Whether it is this viewer's turn at the origin, for a piece that will not come in time. */
function turnOf(
  snapshot: PolicySnapshot,
  givers: readonly PolicyPeer[],
  { index, neededIn }: Wanted,
  { isKnown, begun }: { readonly isKnown: boolean; readonly begun: boolean },
): 'ahead' | 'take over' | null {
  const isInReach = !isKnown && neededIn <= reachSeconds(snapshot, index)
  // Most of what is looked ahead to is too early even for the first: then nobody need be ranked.
  if (!isInReach && neededIn > takeOverSeconds(snapshot, index, { place: 0, begun })) return null
  // Who is not heading for the piece, or does not pass pieces on, will not fetch it for others.
  // What it tells is a moment old: who looks ahead to the piece before will see this one as we do.
  // Who does not answer keeps its place: where all are slow, each would else take itself for the first.
  const before = (index - 1) as PieceIndex
  const rivals = givers.filter((peer) => peer.wants(index) || peer.wants(before))
  const place = placeOf(snapshot, rivals, index)
  if (neededIn <= takeOverSeconds(snapshot, index, { place, begun })) return 'take over'
  // Who has met nobody yet does not know what they all have.
  return isInReach && !hasMetNobody(snapshot) && place < 0.5 ? 'ahead' : null
}

/** Others are there, or soon will be, but none of them is connected. */
function hasMetNobody({ peers, expected, strangers }: PolicySnapshot): boolean {
  return peers.length === 0 && expected.length + strangers > 0
}

/** How many come before this viewer: those who lead, then those who do not, then who uploads nothing. */
function placeOf(
  { ownId, sends, leads, expected, strangers }: PolicySnapshot,
  rivals: readonly PolicyPeer[],
  index: PieceIndex,
): number {
  const others = expected.length + strangers
  if (!sends) return rivals.length + others
  const alike = rivals.filter((rival) => rival.leads === leads).map(({ id }) => id)
  if (!leads) return rivals.length - alike.length + others + rank(index, ownId, alike)
  // Of strangers, so many can be expected to come first as our own number is low.
  return rank(index, ownId, [...alike, ...expected]) + strangers * (1 - chance(index, ownId))
}

function isCrowd({ peers }: PolicySnapshot): boolean {
  return peers.length >= CROWD_PEERS
}

/**
 * How far ahead the viewer in the first place fetches. Who has many peers is one of many more that it
 * does not know, each neighbourhood with a first of its own: the first of those firsts begins, and
 * the piece spreads from there while the others wait.
 */
function reachSeconds(snapshot: PolicySnapshot, index: PieceIndex): number {
  if (!isCrowd(snapshot)) return Number.POSITIVE_INFINITY
  return CROWD_SECONDS - CROWD_SPREAD_SECONDS * Math.log2(1 - chance(index, snapshot.ownId))
}

/** Seconds until a piece is here that a peer is fetching from the origin; infinite when none is. */
function promisedIn(
  { peerSeconds }: PolicySnapshot,
  promising: readonly PolicyPeer[],
  index: PieceIndex,
): number {
  let soonest = Number.POSITIVE_INFINITY
  for (const peer of promising) soonest = Math.min(soonest, peer.arrives(index) ?? soonest)
  return soonest + peerSeconds
}

/**
 * A piece that is needed within that many seconds and is not coming in time is fetched. Whoever
 * steps in first does so while there is time left for the piece to spread from there.
 */
function takeOverSeconds(
  snapshot: PolicySnapshot,
  index: PieceIndex,
  { place, begun }: { readonly place: number; readonly begun: boolean },
): number {
  const seconds = fetchSeconds(snapshot, index)
  const fetches = (2 * seconds) / (place + 1)
  if (begun) return LAST_RESORT_SECONDS + fetches
  // Who has met nobody yet cannot pass it on.
  if (hasMetNobody(snapshot)) return LAST_MOMENT_SECONDS + fetches
  return LAST_MOMENT_SECONDS + fetches + (2 * (seconds + snapshot.peerSeconds)) / (place + 1)
}

/** Seconds that the origin takes for a piece that is asked for now. */
function fetchSeconds({ layout, originLatencyMs, originRate }: PolicySnapshot, index: PieceIndex) {
  const bytes = lengthOfPiece(layout, index)
  return originLatencyMs / 1000 + bytes / (originRate ?? bytes / UNKNOWN_FETCH_SECONDS)
}

/** Soon needed pieces first; then the rare ones, each viewer beginning at another place. */
function inOrder(
  pieces: readonly (Wanted & { readonly holders: number })[],
  { ownId, peers: { length: peers } }: PolicySnapshot,
): PieceRange[] {
  const near = pieces.filter(({ neededIn }) => neededIn <= NEAR_SECONDS)
  const ahead = pieces.filter(({ neededIn }) => neededIn > NEAR_SECONDS)
  const fewest = ahead.reduce(
    (least, { holders }) => Math.min(least, holders || least),
    Number.POSITIVE_INFINITY,
  )
  const rare = ahead.filter(({ holders }) => holders === fewest)
  const turn = peers > 1 && rare.length > 0 ? spread(ownId, rare.length) : 0
  const others = ahead.filter(({ holders }) => holders !== fewest)
  return toRanges([...near, ...rare.slice(turn), ...rare.slice(0, turn), ...others])
}

/** @returns pieces neither held nor under way, soonest needed first. */
function wantedPieces(snapshot: PolicySnapshot): Wanted[] {
  const { layout, bufferedSeconds } = snapshot
  const wanted: Wanted[] = []
  const isMissing = (index: PieceIndex) => !snapshot.has(index) && !snapshot.isFetching(index)
  const ahead = lookAhead(snapshot)
  if (ahead) {
    const end = readerOf(snapshot)?.end ?? layout.size
    const isLast = ahead.last === pieceAt(layout, end - 1)
    for (let index = ahead.first; index <= ahead.last; index = (index + 1) as PieceIndex) {
      if (!isMissing(index)) continue
      const neededIn = secondsUntil(snapshot, pieceStart(layout, index))
      wanted.push({ index, neededIn, atHorizon: index === ahead.last && !isLast, urgent: false })
    }
  }
  const [, ...others] = snapshot.demands.filter(isOpen)
  for (const { position, waiting } of others) {
    const index = pieceAt(layout, position)
    if (!waiting || !isMissing(index)) continue
    const known = wanted.findIndex((other) => other.index === index)
    if (known >= 0 && (wanted[known] as Wanted).neededIn <= bufferedSeconds) continue
    if (known >= 0) wanted.splice(known, 1)
    wanted.push({ index, neededIn: bufferedSeconds, atHorizon: false, urgent: false })
  }
  return wanted.sort((a, b) => a.neededIn - b.neededIn || a.index - b.index)
}

function isOpen({ position, end }: Demand): boolean {
  return position < end
}

/** The reader that moved last. */
function readerOf({ demands }: PolicySnapshot): Demand | undefined {
  return demands.find(isOpen)
}

/**
 * Who takes and does not give, and does not say so, counts itself among those who fetch for others, and
 * what it fetches is fetched once more. So the others are a little ahead of it: it finds the piece there.
 */
function aheadOfTakers(snapshot: PolicySnapshot): number {
  if (isCrowd(snapshot)) return 0
  return snapshot.peers.some(({ sends, answers, withholds }) => sends && answers && withholds)
    ? AHEAD_SECONDS
    : 0
}

/** Pieces between the reader and the horizon; `null` when the reader is ahead of it. */
function lookAhead(snapshot: PolicySnapshot): PieceRange | null {
  const { layout, settings, bufferedSeconds, bytesPerSecond } = snapshot
  const reader = readerOf(snapshot)
  if (!reader) return null
  const { lookAheadSeconds, bridgesLatency } = settings
  const steady = (2 * snapshot.originLatencyMs) / 1000 + LAST_MOMENT_SECONDS
  const wanted = bridgesLatency ? Math.max(lookAheadSeconds, steady) : lookAheadSeconds
  const seconds = wanted + aheadOfTakers(snapshot) - bufferedSeconds
  if (seconds <= 0) return null
  const bytes = Math.min(settings.lookAheadBytes, Math.floor(seconds * bytesPerSecond))
  return {
    first: pieceAt(layout, reader.position),
    last: pieceAt(layout, Math.min(reader.end - 1, reader.position + bytes)),
  }
}

/** Seconds until playback needs a byte; infinite for bytes behind the reader. */
function secondsUntil(snapshot: PolicySnapshot, byte: number) {
  const { waits, bufferedSeconds, bytesPerSecond } = snapshot
  const position = readerOf(snapshot)?.position ?? 0
  return waits + bufferedSeconds + Math.max(0, byte - position) / bytesPerSecond
}

/**
 * One request after the other keeps the line just as full as several at once and brings first what
 * is needed first; so the next one starts when the present one is about to end. Only what is needed
 * sooner than everything under way (after a seek) goes at once.
 */
function startable(snapshot: PolicySnapshot, wanted: readonly Wanted[]): PieceRange[] {
  const lead = ((snapshot.originRate ?? 0) * (snapshot.originLatencyMs * 1.5 + 50)) / 1000
  const position = readerOf(snapshot)?.position ?? 0
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
  const spans: { -readonly [Key in keyof Span]: Span[Key] }[] = []
  for (const { index, neededIn, atHorizon, urgent } of wanted) {
    const span = spans.at(-1)
    if (span && index === span.last + 1 && index - span.first < most) {
      span.last = index
      span.atHorizon = atHorizon
    } else {
      spans.push({ first: index, last: index, neededIn, atHorizon, urgent })
    }
  }
  return spans
}

function toRanges(wanted: readonly Wanted[]): PieceRange[] {
  return spansOf(wanted, Number.POSITIVE_INFINITY).map(({ first, last }) => ({ first, last }))
}
