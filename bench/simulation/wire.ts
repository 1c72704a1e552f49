// One direction of a connection: what `receiver` asks of `sender` and gets. It is at the same time
// the peer that the receiver's origin policy sees. What the sender has and says becomes known one
// latency later. Owned by the receiver.
import type { PieceIndex } from '#protocol/pieces.ts'
import type { PolicyPeer } from '../../client/playback/origin-policy.ts'
import { arrivesIn } from '../../client/swarm/intent-message.ts'
import type { Ledger } from './ledger.ts'
import type { SimulatedViewer, Told } from './viewer.ts'

/** Seconds since the start; shared by everybody in a simulation. */
export interface Clock {
  readonly now: number
}

/** Bytes of a piece that were asked for and have not come. */
interface Request {
  readonly piece: PieceIndex
  bytes: number
}

/** A peer that others wait for is not served for longer than that without a break. */
const TURN_SECONDS = 10

/** Who has choked the receiver for so long is taken to give nothing. */
const WITHHOLDS_SECONDS = 5

/** Places of a wire's numbers in the ledger. */
const LATENCY = 0
const READY_AT = 1
const RATE = 2
const ACTIVE_SINCE = 3
const NOTHING_SINCE = 4
const TOLD_FOR = 5
const SINCE = 6

export class Wire implements PolicyPeer {
  readonly id: string
  readonly sender: SimulatedViewer
  /** What was asked for, oldest first. */
  readonly requests: Request[] = []
  /** Bytes of all requests. */
  outstanding = 0
  readonly #clock: Clock
  readonly #ledger: Ledger
  readonly #senderNumber: number
  /** The first of the sender's pieces in the ledger. */
  readonly #senderPieces: number
  readonly #senderHeldAt: Float64Array
  readonly #senderUploads: boolean
  readonly #leastPipeline: number
  readonly #numbers: Float64Array
  readonly #from: number
  #nothingOf = -1
  #toldThen: Told | null = null

  constructor(sender: SimulatedViewer, latency: number, clock: Clock) {
    this.id = sender.ownId
    this.sender = sender
    this.#clock = clock
    this.#ledger = sender.ledger
    this.#senderNumber = sender.number
    this.#senderPieces = sender.number * sender.layout.count
    this.#senderHeldAt = sender.heldAt
    this.#senderUploads = sender.uploads
    this.#leastPipeline = sender.leastPipeline
    const { numbers, from } = sender.ledger.takeNumbers()
    this.#numbers = numbers
    this.#from = from
    numbers[from + LATENCY] = latency
    numbers[from + TOLD_FOR] = -1
    numbers[from + SINCE] = clock.now
  }

  /** One way: seconds. */
  get latency(): number {
    return this.#numbers[this.#from + LATENCY] as number
  }

  /** When the first answer to the present run of requests gets here. */
  get readyAt(): number {
    return this.#numbers[this.#from + READY_AT] as number
  }

  /** What the sender gives to each in the present step: bytes. */
  get uploadShare(): number {
    return this.#ledger.uploadShare[this.#senderNumber] as number
  }

  has(index: PieceIndex): boolean {
    if (this.#ledger.held[this.#senderPieces + index] === 0) return false
    return (this.#senderHeldAt[index] as number) + this.latency <= this.#clock.now
  }

  /** An idle wire gets a slot as soon as it asks, if there is one. */
  get choking(): boolean {
    return !this.#senderUploads || (this.outstanding === 0 && !this.sender.hasFreeSlot)
  }

  /** As peer-patience.ts: by the time that it has kept the receiver out. */
  get withholds(): boolean {
    const since = this.#numbers[this.#from + SINCE] as number
    return !this.#senderUploads && this.#clock.now - since >= WITHHOLDS_SECONDS
  }

  /** As pace.ts: by the time in which something was asked for. */
  get rate(): number {
    return this.#numbers[this.#from + RATE] as number
  }

  get promises(): boolean {
    const told = this.#told
    return told !== null && told.intent.spans.length > 0
  }

  arrives(index: PieceIndex): number | null {
    const told = this.#told
    if (!told) return null
    return arrivesIn(told.intent, index, (this.#clock.now - this.latency - told.at) * 1000)
  }

  wants(index: PieceIndex): boolean {
    const told = this.#told
    if (!told) return true
    const { wants } = told.intent
    return wants !== null && wants.first <= index && index <= wants.last
  }

  get sends(): boolean {
    return this.#told?.intent.sends ?? true
  }

  /** Whoever is there does; the others leave, and are gone at once. */
  get answers(): boolean {
    return true
  }

  get leads(): boolean {
    return this.#told?.intent.leads ?? true
  }

  /** A decision asks over and over for what the sender has told. */
  get #told(): Told | null {
    const { now } = this.#clock
    if (now !== this.#numbers[this.#from + TOLD_FOR]) {
      this.#numbers[this.#from + TOLD_FOR] = now
      this.#toldThen = this.sender.heard(now - this.latency)
    }
    return this.#toldThen
  }

  /** @returns true while the sender still has nothing of the receiver's queue of that number */
  hasNothing(queue: number): boolean {
    if (queue !== this.#nothingOf) return false
    const newestAt = this.#ledger.newestAt[this.#senderNumber] as number
    return newestAt + this.latency <= (this.#numbers[this.#from + NOTHING_SINCE] as number)
  }

  /** The sender has nothing of that queue. */
  noteNothing(queue: number): void {
    this.#nothingOf = queue
    this.#numbers[this.#from + NOTHING_SINCE] = this.#clock.now
  }

  /** The sender had no slot. */
  noteRefusal(): void {
    if (this.#senderUploads) this.#ledger.refusedAt[this.#senderNumber] = this.#clock.now
  }

  /** @returns bytes that may be asked for now: so much that the line does not run dry */
  room(): number {
    const { now } = this.#clock
    if (this.outstanding === 0) return this.choking ? 0 : this.#pipeline(1)
    if (this.outstanding > this.#pipeline(0.5)) return 0
    const active = now - (this.#numbers[this.#from + ACTIVE_SINCE] as number)
    const refusedAt = this.#ledger.refusedAt[this.#senderNumber] as number
    return active > TURN_SECONDS && refusedAt > now - 1 ? 0 : this.#pipeline(1) - this.outstanding
  }

  /** @returns seconds until everything of the piece that was asked for has come, at the present rate */
  queued(piece: PieceIndex): number {
    const last = this.requests.findLastIndex((request) => request.piece === piece)
    if (last < 0) return 0
    let bytes = 0
    for (let i = 0; i <= last; i += 1) bytes += (this.requests[i] as Request).bytes
    return this.rate > 0 ? bytes / this.rate : 0
  }

  ask(piece: PieceIndex, bytes: number): void {
    if (this.outstanding === 0) {
      this.#numbers[this.#from + ACTIVE_SINCE] = this.#clock.now
      this.#numbers[this.#from + READY_AT] = this.#clock.now + 2 * this.latency
      this.#serve(1)
    }
    const last = this.requests.at(-1)
    if (last?.piece === piece) last.bytes += bytes
    else this.requests.push({ piece, bytes })
    this.outstanding += bytes
  }

  /** Takes `bytes` off the requests. @param onBytes is told what came of which piece */
  deliver(
    bytes: number,
    stepSeconds: number,
    onBytes: (piece: PieceIndex, bytes: number) => void,
  ): void {
    const before = this.rate
    const measured = bytes / stepSeconds
    const change = (measured - before) * Math.min(1, stepSeconds)
    this.#numbers[this.#from + RATE] = before === 0 ? measured : before + change
    let rest = bytes
    while (rest > 0) {
      const request = this.requests[0]
      if (!request) break
      const part = Math.min(rest, request.bytes)
      request.bytes -= part
      rest -= part
      this.#lower(part)
      if (request.bytes === 0) this.requests.shift()
      onBytes(request.piece, part)
    }
  }

  /** @returns bytes of the piece that are no longer asked for */
  cancel(piece: PieceIndex): number {
    let cancelled = 0
    for (let i = this.requests.length - 1; i >= 0; i -= 1) {
      const request = this.requests[i] as Request
      if (request.piece !== piece) continue
      this.requests.splice(i, 1)
      cancelled += request.bytes
    }
    this.#lower(cancelled)
    return cancelled
  }

  #lower(bytes: number): void {
    if (bytes === 0) return
    this.outstanding -= bytes
    if (this.outstanding === 0) this.#serve(-1)
  }

  /** One more or one less. */
  #serve(change: number): void {
    const { served } = this.#ledger
    served[this.#senderNumber] = (served[this.#senderNumber] as number) + change
  }

  /** As block-choice.ts: two blocks, and what comes in `seconds`. In bytes. */
  #pipeline(seconds: number): number {
    return Math.floor(this.#leastPipeline + seconds * this.rate)
  }
}
