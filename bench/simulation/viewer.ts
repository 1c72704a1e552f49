// A viewer as the simulation sees it: what client/playback/engine.ts, origin.ts and WebTorrent do
// around the origin policy, without bytes and browsers. The policy itself is the one that browsers
// run; the viewer is its own snapshot. Bytes are counted, whole ones; times are seconds. Most of the
// time of a simulation goes into `decide`, and there into naming rivals for pieces that come in time.
import {
  lengthOfPiece,
  type PieceIndex,
  type PieceLayout,
  pieceAt,
  pieceStart,
} from '#protocol/pieces.ts'
import {
  lookAheadFor,
  type PolicySettings,
  STARTING_SETTINGS,
  strangersAmong,
} from '../../client/playback/look-ahead.ts'
import {
  type Demand,
  decide,
  type PieceRange,
  type PolicyDecision,
  type PolicySnapshot,
} from '../../client/playback/origin-policy.ts'
import { mayPlay, PATIENCE_SECONDS } from '../../client/playback/play-gate.ts'
import { Uplink } from '../../client/playback/uplink.ts'
import type { Intent } from '../../client/swarm/intent-message.ts'
import type { Ledger } from './ledger.ts'
import { OriginRequests } from './origin-requests.ts'
import { latencyBetween, ORIGIN_PLACE, type Scenario, type Visit } from './scenario.ts'
import type { Clock, Wire } from './wire.ts'

const BLOCK_BYTES = 16 * 1024
/** The decoder starts, and starts again after a stall, with so much. Seconds of playback. */
const PLAYABLE_SECONDS = 0.5
/** About as feed.ts tells a slow line: who has no first frame by then looks for peers without one. */
const SLOW_START_SECONDS = 0.5
/** As in peer-intents.ts. */
const REFRESH_SECONDS = 1

/** Bytes of a piece that comes from peers. */
interface Partial {
  /** Not here yet. */
  missing: number
  /** Not asked for yet. */
  unasked: number
  /** When the first of it came. */
  begunAt: number | null
}

/** A message to the peers. */
export interface Told {
  readonly intent: Intent
  readonly at: number
}

/** What all viewers of a simulation have in common. */
export interface Surroundings {
  readonly layout: PieceLayout
  readonly world: Scenario
  readonly clock: Clock
  readonly ledger: Ledger
}

export class SimulatedViewer implements PolicySnapshot {
  readonly layout: PieceLayout
  readonly bytesPerSecond: number
  readonly ownId: string
  readonly visit: Visit
  readonly ledger: Ledger
  /** In the ledger. */
  readonly number: number
  /** The directions in which it receives. */
  readonly peers: Wire[] = []
  readonly demands: readonly Demand[]
  expected: readonly string[] = []
  /** Viewers that the tracker has told of. */
  others = 0
  /** For each piece when it came; `Infinity` before. */
  readonly heldAt: Float64Array
  readonly origin: OriginRequests
  /** As swarm.ts measures it. */
  peerSeconds = 0.5
  readonly originIsDown = false
  leads = true
  /** Playback that is there ahead of the picture. */
  bufferedSeconds = 0
  waits = 0

  /** Bytes that a wire which has shown no speed yet is asked for. */
  readonly leastPipeline: number

  /** Payload bytes from peers, those that came for nothing included. */
  receivedFromPeers = 0
  /** Bytes from peers that came for nothing. */
  wasted = 0
  sent = 0
  /** Whether bytes for others had to wait since it was last asked. */
  waitsToSend = false
  stalls = 0
  stalledSeconds = 0
  /** From pressing play to the first frame, or `null`. */
  startUpSeconds: number | null = null
  /** Seconds of the clip that were shown. */
  played = 0
  /** Bytes from the start that playback had come to when the first wire came up, or in all. */
  get neededAlone(): number {
    return this.#neededAlone ?? this.#playedBytes()
  }
  decisions = 0

  readonly #world: Scenario
  readonly #clock: Clock
  readonly #slots: number
  readonly #uplink = new Uplink()
  /** Where it has come to in the file. */
  readonly #reader: { position: number; readonly end: number; readonly waiting: boolean }
  readonly #originLatency: number
  readonly #busy: Wire[] = []
  readonly #partials = new Map<PieceIndex, Partial>()
  /** What peers shall bring and was not asked for in full, in order. */
  #queue: PieceIndex[] = []
  #decision: PolicyDecision | null = null
  #decidedAt = 0
  /** Changes with the contents of the queue, but for what is taken off it. */
  #queueNumber = 0
  #turn = 0
  #stalled = false
  /** When bytes were first there that it could have played. */
  #couldPlayAt: number | null = null
  #endedAt: number | null = null
  #joinedAt: number | null = null
  #neededAlone: number | null = null
  #nextTickAt = 0
  #pieceCame = false
  #told: Told | null = null
  #toldBefore: Told | null = null

  /** @param number of the viewer in the ledger */
  constructor(visit: Visit, { layout, world, clock, ledger }: Surroundings, number: number) {
    this.visit = visit
    this.layout = layout
    this.ledger = ledger
    this.number = number
    this.#world = world
    this.#clock = clock
    this.#slots = world.uploadSlots
    this.bytesPerSecond = world.clip.bitrate / 8
    this.ownId = visit.id
    this.#reader = { position: 0, end: layout.size, waiting: true }
    this.demands = [this.#reader]
    this.heldAt = new Float64Array(layout.count).fill(Number.POSITIVE_INFINITY)
    this.#originLatency = 2 * latencyBetween(visit, ORIGIN_PLACE)
    const { stepSeconds } = world
    this.origin = new OriginRequests(
      { layout, clock, stepSeconds, roundTrip: this.#originLatency },
      (piece) => this.#hold(piece),
    )
    // A coarse step asks once where a browser asks many times.
    this.leastPipeline = 2 * BLOCK_BYTES * Math.max(1, Math.round(world.stepSeconds / 0.05))
    const bytes = Math.floor(STARTING_SETTINGS.lookAheadSeconds * this.bytesPerSecond)
    this.#fetch(0 as PieceIndex, pieceAt(layout, Math.min(bytes, layout.size - 1)))
  }

  get spans(): PolicySnapshot['spans'] {
    return this.origin.spans
  }

  get spanPieces(): number {
    return this.origin.spanPieces
  }

  get originRate(): number | null {
    return this.origin.rate
  }

  get originLatencyMs(): number {
    return this.origin.latencyMs
  }

  get sends(): boolean {
    return this.visit.sends
  }

  get uploads(): boolean {
    return this.visit.up > 0
  }

  get hasFreeSlot(): boolean {
    return (this.ledger.served[this.number] as number) < this.#slots
  }

  /** When the page closes: a time, or `Infinity` while that is open. */
  get leavesAt(): number {
    const end = this.#endedAt === null ? Number.POSITIVE_INFINITY : this.#endedAt + this.visit.stays
    return Math.min(this.visit.givesUpAt, end)
  }

  has(index: PieceIndex): boolean {
    return this.heldAt[index] !== Number.POSITIVE_INFINITY
  }

  isFetching(index: PieceIndex): boolean {
    return this.origin.isFetching(index)
  }

  missing(index: PieceIndex): number | null {
    return this.#partials.get(index)?.missing ?? null
  }

  queued(index: PieceIndex): number {
    if (!this.#partials.has(index)) return 0
    return this.#busy.reduce((most, wire) => Math.max(most, wire.queued(index)), 0)
  }

  /** As the engine has it for a title whose torrent is there. */
  get settings(): PolicySettings {
    return lookAheadFor({
      stage: this.startUpSeconds !== null || this.#startsSlowly ? 'watching' : 'starting',
      swarm: this.#joinedAt === null ? 'soon' : 'joined',
      joinedSeconds: this.#clock.now - (this.#joinedAt ?? this.#clock.now),
      others: this.peers.length + this.expected.length + this.strangers,
      isPressed: false,
    })
  }

  get strangers(): number {
    if (this.#joinedAt === null) return 0
    const known = this.peers.length + this.expected.length
    return strangersAmong(this.#clock.now - this.#joinedAt, this.others, known)
  }

  /** What it last told its peers, as those know who have heard everything until then. */
  heard(until: number): Told | null {
    if (this.#told && this.#told.at <= until) return this.#told
    return this.#toldBefore
  }

  /** @returns true once: when the first frame shows, WebTorrent is loaded and it joins the swarm */
  mayJoin(): boolean {
    const { now } = this.#clock
    const { startUpSeconds, visit } = this
    const from = startUpSeconds ?? (this.#startsSlowly ? SLOW_START_SECONDS : null)
    if (this.#joinedAt !== null || from === null) return false
    const loaded = visit.arrivesAt + from + visit.joins + this.#originLatency
    if (now < loaded) return false
    this.#joinedAt = now
    return true
  }

  get #startsSlowly(): boolean {
    return this.#clock.now >= this.visit.arrivesAt + SLOW_START_SECONDS
  }

  /** A connection to that viewer is on its way. */
  expect(peer: SimulatedViewer): void {
    if (this.peers.some(({ sender }) => sender === peer)) return
    this.expected = [...this.expected, peer.ownId]
  }

  connect(wire: Wire): void {
    this.#neededAlone ??= this.#playedBytes()
    this.expected = this.expected.filter((id) => id !== wire.sender.ownId)
    this.peers.push(wire)
  }

  /** The peer is gone. @returns false when there was no wire to it */
  disconnect(peer: SimulatedViewer): boolean {
    this.expected = this.expected.filter((id) => id !== peer.ownId)
    const at = this.peers.findIndex(({ sender }) => sender === peer)
    const [wire] = at < 0 ? [] : this.peers.splice(at, 1)
    if (!wire) return false
    for (const { piece } of [...wire.requests]) this.#cancel(wire, piece)
    if (this.#busy.includes(wire)) this.#busy.splice(this.#busy.indexOf(wire), 1)
    return true
  }

  /** Nothing is asked for any longer. */
  close(): void {
    for (const { sender } of [...this.peers]) this.disconnect(sender)
    this.origin.close()
  }

  /** Bytes received of pieces that never became whole. */
  get unfinished(): number {
    let bytes = 0
    for (const [piece, { missing }] of this.#partials) {
      bytes += lengthOfPiece(this.layout, piece) - missing
    }
    return bytes + this.origin.cutOff
  }

  /** Divides the upload of the coming step among those who get something. */
  shareUpload(): void {
    const { ledger, number, visit } = this
    const served = ledger.served[number] as number
    ledger.uploadShare[number] = served > 0 ? (visit.up * this.#world.stepSeconds) / served : 0
  }

  /**
   * Lives through a step that ends now.
   * @param originShare bytes that the origin sends at most for each request under way
   * @returns bytes that it sent
   */
  step(originShare: number): number {
    const { now } = this.#clock
    const fromOrigin = this.#receive(originShare)
    this.#play()
    if (this.#pieceCame || now >= this.#nextTickAt) this.#tick()
    if (this.#queue.length > 0) this.#ask()
    return fromOrigin
  }

  /** What lines can carry in the step is divided fairly between requests of both kinds. */
  #receive(originShare: number): number {
    const { now } = this.#clock
    const { stepSeconds } = this.#world
    let peerBytes = 0
    let peerFlows = 0
    for (const wire of this.#busy) {
      if (wire.readyAt >= now) continue
      peerFlows += 1
      peerBytes += this.#offer(wire)
    }
    const originFlows = this.origin.flows()
    const originBytes = originFlows > 0 ? this.origin.offer(originShare) : 0
    if (peerFlows + originFlows === 0) return 0
    const line = this.visit.down * stepSeconds
    const fair = (line * originFlows) / (originFlows + peerFlows)
    const originGets = Math.min(originBytes, Math.max(fair, line - peerBytes))
    const peerShare = peerBytes > 0 ? Math.min(1, (line - originGets) / peerBytes) : 0
    if (peerFlows > 0) this.#receiveFromPeers(peerShare)
    return originFlows > 0 ? this.origin.receive(originGets, originFlows, line) : 0
  }

  #offer(wire: Wire): number {
    const { stepSeconds } = this.#world
    const part = Math.min(1, (this.#clock.now - wire.readyAt) / stepSeconds)
    return Math.min(wire.outstanding, wire.uploadShare * part)
  }

  #receiveFromPeers(share: number): void {
    const { stepSeconds } = this.#world
    let idle = false
    for (const wire of this.#busy) {
      if (wire.readyAt >= this.#clock.now) continue
      const bytes = Math.floor(this.#offer(wire) * share)
      wire.sender.sent += bytes
      wire.deliver(bytes, stepSeconds, this.#onBlock)
      // This end could take more.
      if (share === 1 && wire.outstanding > 0) wire.sender.waitsToSend = true
      idle ||= wire.outstanding === 0
    }
    if (idle) this.#dropIdle()
  }

  #dropIdle(): void {
    let kept = 0
    for (const wire of this.#busy) if (wire.outstanding > 0) this.#busy[kept++] = wire
    this.#busy.length = kept
  }

  readonly #onBlock = (piece: PieceIndex, bytes: number): void => {
    this.receivedFromPeers += bytes
    const partial = this.#partials.get(piece)
    if (!partial) throw new Error(`Piece ${piece} came from a peer and was not asked for.`)
    partial.begunAt ??= this.#clock.now - this.#world.stepSeconds
    partial.missing -= bytes
    if (partial.missing > 0) return
    this.peerSeconds += 0.2 * (this.#clock.now - partial.begunAt - this.peerSeconds)
    this.#partials.delete(piece)
    this.#hold(piece)
  }

  #hold(piece: PieceIndex): void {
    this.heldAt[piece] = this.#clock.now
    this.ledger.newestAt[this.number] = this.#clock.now
    this.ledger.held[this.number * this.layout.count + piece] = 1
    this.#pieceCame = true
  }

  /** A browser pulls whatever is there, and plays. */
  #play(): void {
    if (this.#endedAt !== null) return
    const { layout, bytesPerSecond } = this
    this.#readOn()
    const { stepSeconds, clip } = this.#world
    const { now } = this.#clock
    const isWhole = this.#reader.position >= layout.size
    const buffered = this.#reader.position / bytesPerSecond - this.played
    if (this.startUpSeconds === null) {
      if (this.#mayPlay(buffered, isWhole)) this.startUpSeconds = now - this.visit.arrivesAt
    } else if (this.#stalled && buffered < PLAYABLE_SECONDS && !isWhole) {
      this.stalledSeconds += stepSeconds
    } else {
      this.#stalled = false
      this.waits = 0
      this.played = Math.min(clip.seconds, this.played + Math.min(stepSeconds, buffered))
      if (this.played >= clip.seconds - 1e-6) this.#endedAt = now
      else if (buffered < stepSeconds && !isWhole) {
        this.#stalled = true
        this.stalls += 1
      }
    }
    this.bufferedSeconds = Math.max(0, this.#reader.position / bytesPerSecond - this.played)
  }

  /** The page lets the decoder have what it can play. */
  #mayPlay(ahead: number, isWhole: boolean): boolean {
    const { now } = this.#clock
    if (ahead > 0) this.#couldPlayAt ??= now
    const waited = now - (this.#couldPlayAt ?? now)
    const { pace } = this.origin
    const { bytesPerSecond } = this
    const waitsForOthers = false // no film is held here at its first frame
    const isGiven = mayPlay({ ahead, isWhole, pace, waitsForOthers, bytesPerSecond, waited })
    this.waits = isGiven || pace === 0 ? 0 : Math.max(0, PATIENCE_SECONDS - waited)
    return isGiven && (ahead >= PLAYABLE_SECONDS || isWhole)
  }

  #readOn(): void {
    const { layout } = this
    while (this.#reader.position < layout.size) {
      const piece = pieceAt(layout, this.#reader.position)
      const end = pieceStart(layout, piece) + lengthOfPiece(layout, piece)
      if (this.has(piece)) {
        this.#reader.position = end
        continue
      }
      this.#reader.position = this.origin.readOn(this.#reader.position, end)
      break
    }
  }

  #playedBytes(): number {
    const started = this.startUpSeconds === null ? 0 : PLAYABLE_SECONDS
    return Math.floor(Math.max(started, this.played) * this.bytesPerSecond)
  }

  #tick(): void {
    this.#pieceCame = false
    this.#nextTickAt = this.#clock.now + this.#world.tickSeconds
    if (this.#reader.position >= this.layout.size && this.#told?.intent.wants === null) return
    this.decisions += 1
    this.#uplink.look(this.sent, this.waitsToSend, this.#clock.now * 1000)
    this.waitsToSend = false
    this.leads = this.#uplink.leads(this.bytesPerSecond, null, this.#clock.now * 1000)
    const decision = decide(this)
    const { fromOrigin, fromPeers, wanted } = decision
    this.#decision = decision
    this.#decidedAt = this.#clock.now
    for (const { first, last } of fromOrigin) this.#fetch(first, last)
    this.#tell(wanted)
    this.#queue = []
    this.#queueNumber += 1
    for (const { first, last } of fromPeers) {
      for (let piece = first; piece <= last; piece = (piece + 1) as PieceIndex) {
        if (this.#partials.get(piece)?.unasked !== 0) this.#queue.push(piece)
      }
    }
  }

  /** As peer-intents.ts tells. */
  #tell(wants: PieceRange | null): void {
    const { now } = this.#clock
    const spans = this.origin.promises()
    const intent = { sends: this.sends, leads: this.leads, wants, spans }
    if (this.#told && isSame(this.#told.intent, intent)) {
      if (spans.length === 0 || now - this.#told.at < REFRESH_SECONDS) return
    }
    this.#toldBefore = this.#told
    this.#told = { intent, at: now }
  }

  #fetch(first: PieceIndex, last: PieceIndex): void {
    for (let piece = first; piece <= last; piece = (piece + 1) as PieceIndex) this.#release(piece)
    this.origin.fetch(first, last)
  }

  /** Peers need not send it any more; what they have sent was sent for nothing. */
  #release(piece: PieceIndex): void {
    if (!this.#partials.has(piece)) return
    for (const wire of this.#busy) this.#cancel(wire, piece)
    this.#dropIdle()
    const partial = this.#partials.get(piece)
    if (partial) this.wasted += lengthOfPiece(this.layout, piece) - partial.missing
    this.#partials.delete(piece)
  }

  #cancel(wire: Wire, piece: PieceIndex): void {
    const bytes = wire.cancel(piece)
    const partial = this.#partials.get(piece)
    if (!partial || bytes === 0) return
    partial.unasked += bytes
    if (!this.#queue.includes(piece)) this.#queue.push(piece) // until the next decision
    this.#queueNumber += 1
  }

  /** Fills the wires, each with what comes first in the order and its peer has. */
  #ask(): void {
    this.#turn += 1
    const { peers } = this
    for (let i = 0; i < peers.length && this.#queue.length > 0; i += 1) {
      const wire = peers[(i + this.#turn) % peers.length] as Wire
      if (wire.hasNothing(this.#queueNumber)) continue
      const room = wire.room()
      if (room > 0) this.#fill(wire, room)
      else if (wire.outstanding === 0) wire.noteRefusal()
    }
  }

  #fill(wire: Wire, room: number): void {
    let left = room
    let found = false
    let kept = 0
    const { outstanding: queued, rate } = wire
    const age = this.#clock.now - this.#decidedAt
    const mayAsk = (piece: PieceIndex) =>
      this.#decision?.mayAsk(piece, { queued, rate, age }) ?? true
    for (const piece of this.#queue) {
      const has = left > 0 && wire.has(piece) && mayAsk(piece)
      found ||= has
      if (has) left -= this.#askFor(wire, piece, left)
      if (!has || this.#partials.get(piece)?.unasked !== 0) this.#queue[kept++] = piece
    }
    this.#queue.length = kept
    if (!found) wire.noteNothing(this.#queueNumber)
  }

  /** @returns bytes asked for */
  #askFor(wire: Wire, piece: PieceIndex, room: number): number {
    let partial = this.#partials.get(piece)
    if (!partial) {
      const length = lengthOfPiece(this.layout, piece)
      partial = { missing: length, unasked: length, begunAt: null }
      this.#partials.set(piece, partial)
    }
    const blocks = Math.ceil(room / BLOCK_BYTES) * BLOCK_BYTES
    const bytes = Math.min(partial.unasked, blocks)
    if (bytes === 0) return 0
    partial.unasked -= bytes
    if (wire.outstanding === 0) this.#busy.push(wire)
    wire.ask(piece, bytes)
    return bytes
  }
}

/** @returns whether two intents are the same but for their times */
function isSame(a: Intent, b: Intent): boolean {
  return (
    a.leads === b.leads &&
    a.spans.length === b.spans.length &&
    a.wants?.first === b.wants?.first &&
    a.wants?.last === b.wants?.last &&
    a.spans.every(({ first, last }, i) => first === b.spans[i]?.first && last === b.spans[i]?.last)
  )
}
