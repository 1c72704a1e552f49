// What the origin's rate says of range requests: how many pieces the next one may have, and when those
// under way will bring theirs. Pure; the simulator reckons with it as well.
import {
  lengthOfPiece,
  type PieceIndex,
  type PieceLayout,
  pieceAt,
  pieceStart,
} from '#protocol/pieces.ts'
import type { SpanIntent } from '../swarm/intent-message.ts'

const MAX_SPAN_BYTES = 4 * 1024 * 1024
/** Taken for granted until a rate is measured: bytes per second. */
const UNKNOWN_RATE = 1_000_000

/** What is known of an origin. */
interface OriginFigures {
  readonly layout: PieceLayout
  /** Bytes per second, or `null` when not measured yet. */
  readonly rate: number | null
  /** Milliseconds from a request to its first byte. */
  readonly latencyMs: number
}

/** A span under way. Positions are bytes of the file. */
interface SpanUnderWay {
  readonly last: PieceIndex
  readonly next: number
  readonly end: number
}

/**
 * @param pieces that a span might have until now
 * @returns pieces that the next one may have: twice as many, up to 1 s of throughput or 4 MiB
 */
export function grownSpan(
  pieces: number,
  { layout: { pieceLength }, rate }: Omit<OriginFigures, 'latencyMs'>,
): number {
  const most = Math.min(MAX_SPAN_BYTES, rate ?? pieceLength * pieces)
  return Math.max(1, Math.min(pieces * 2, Math.floor(most / pieceLength)))
}

/** @returns what peers are told of a span: the pieces that are not whole yet, and when they will be */
export function intentOf(
  { last, next, end }: SpanUnderWay,
  { layout, rate, latencyMs }: OriginFigures,
): SpanIntent {
  const bytesPerMs = (rate ?? UNKNOWN_RATE) / 1000
  const first = pieceAt(layout, Math.min(next, end - 1))
  const missing = pieceStart(layout, first) + lengthOfPiece(layout, first) - next
  const firstMs = latencyMs + missing / bytesPerMs
  return { first, last, firstMs, pieceMs: layout.pieceLength / bytesPerMs }
}
