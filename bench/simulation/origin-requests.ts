// What a viewer asks of the origin: range requests as client/playback/origin.ts makes them, without
// bytes. Owned by the viewer, who divides its line between them and its peers.
import {
  lengthOfPiece,
  type PieceIndex,
  type PieceLayout,
  pieceAt,
  pieceStart,
} from '#protocol/pieces.ts'
import { Pace } from '../../client/playback/pace.ts'
import { grownSpan, intentOf } from '../../client/playback/span-reckoning.ts'
import type { SpanIntent } from '../../client/swarm/intent-message.ts'
import type { Clock } from './wire.ts'

/** A range request under way. */
interface Span {
  readonly first: PieceIndex
  readonly last: PieceIndex
  next: number
  readonly end: number
  /** When the first byte gets here. */
  readonly readyAt: number
  /** For so long it had the line, or its share of it. */
  flowed: number
}

export class OriginRequests {
  readonly spans: Span[] = []
  /** Pieces that one request may have. */
  spanPieces = 1
  /** Bytes per second, or `null` when not measured yet. */
  rate: number | null = null
  latencyMs = 100
  /** Bytes in all. */
  received = 0
  /** Bytes of pieces that were on their way when the page closed. */
  cutOff = 0
  readonly #layout: PieceLayout
  readonly #clock: Clock
  readonly #stepSeconds: number
  readonly #roundTrip: number
  readonly #onPiece: (piece: PieceIndex) => void
  readonly #pace = new Pace()

  /** @param roundTrip to the origin: seconds. @param onPiece is told of each piece that is whole */
  constructor(
    { layout, clock, stepSeconds, roundTrip }: OriginRequestsSettings,
    onPiece: (piece: PieceIndex) => void,
  ) {
    this.#layout = layout
    this.#clock = clock
    this.#stepSeconds = stepSeconds
    this.#roundTrip = roundTrip
    this.#onPiece = onPiece
  }

  /** Bytes per second while something is asked for, as origin.ts measures it; 0 when not known. */
  get pace(): number {
    return this.#pace.rate(this.#clock.now * 1000)
  }

  isFetching(index: PieceIndex): boolean {
    for (const { next, last } of this.spans) {
      if (pieceAt(this.#layout, next) <= index && index <= last) return true
    }
    return false
  }

  fetch(first: PieceIndex, last: PieceIndex): void {
    this.#pace.asked(this.#clock.now * 1000)
    this.spans.push({
      first,
      last,
      next: pieceStart(this.#layout, first),
      end: pieceStart(this.#layout, last) + lengthOfPiece(this.#layout, last),
      readyAt: this.#clock.now + this.#roundTrip,
      flowed: 0,
    })
  }

  /** @returns how many spans bytes may flow in by now */
  flows(): number {
    let flows = 0
    for (const { readyAt } of this.spans) if (readyAt < this.#clock.now) flows += 1
    return flows
  }

  /** @param share bytes that the origin sends at most for each. @returns bytes that may come */
  offer(share: number): number {
    let bytes = 0
    for (const { readyAt, next, end } of this.spans) {
      if (readyAt < this.#clock.now) bytes += Math.min(share, end - next)
    }
    return bytes
  }

  /**
   * @param bytes that all flows get together in the step that ends now
   * @param line bytes that the line can carry in it
   * @returns bytes that came, whole ones
   */
  receive(bytes: number, flows: number, line: number): number {
    const { now } = this.#clock
    let received = 0
    let isDone = false
    for (const span of this.spans) {
      if (span.readyAt >= now) continue
      const part = Math.min(span.end - span.next, Math.floor(bytes / flows))
      const time = Math.min(this.#stepSeconds, now - span.readyAt)
      const full = span.next + part < span.end
      span.flowed += full ? time : time * Math.min(1, part / (line / flows))
      received += part
      this.#advance(span, part)
      isDone ||= span.next === span.end
    }
    this.received += received
    if (isDone) this.#finish()
    if (received > 0) this.#pace.answered(received, this.spans.length > 0, now * 1000)
    return received
  }

  /**
   * What has arrived of a piece can be read before the rest has.
   * @returns the first byte from `position` on that is not here, of the piece that ends at `end`
   */
  readOn(position: number, end: number): number {
    let reached = position
    for (const { next, first } of this.spans) {
      const isHere = pieceStart(this.#layout, first) <= reached && next > reached
      if (isHere && next < end) reached = next
    }
    return reached
  }

  promises(): SpanIntent[] {
    const { rate, latencyMs } = this
    return this.spans.map((span) => intentOf(span, { layout: this.#layout, rate, latencyMs }))
  }

  close(): void {
    for (const { next } of this.spans) {
      if (next < this.#layout.size) this.cutOff += next % this.#layout.pieceLength
    }
    this.spans.length = 0
  }

  #advance(span: Span, bytes: number): void {
    const layout = this.#layout
    let piece = pieceAt(layout, span.next)
    span.next += bytes
    for (; piece <= span.last; piece = (piece + 1) as PieceIndex) {
      if (span.next < pieceStart(layout, piece) + lengthOfPiece(layout, piece)) break
      this.#onPiece(piece)
    }
  }

  /** As origin.ts measures its rate. */
  #finish(): void {
    for (const span of this.spans) {
      if (span.next < span.end) continue
      const bytes = span.end - pieceStart(this.#layout, span.first)
      const rate = bytes / Math.max(span.flowed, 0.001)
      this.rate = this.rate === null ? rate : (this.rate + rate) / 2
      this.latencyMs += 0.3 * (this.#roundTrip * 1000 - this.latencyMs)
      this.spanPieces = grownSpan(this.spanPieces, { layout: this.#layout, rate: this.rate })
    }
    const open = this.spans.filter(({ next, end }) => next < end)
    this.spans.splice(0, this.spans.length, ...open)
  }
}

interface OriginRequestsSettings {
  readonly layout: PieceLayout
  readonly clock: Clock
  readonly stepSeconds: number
  readonly roundTrip: number
}
