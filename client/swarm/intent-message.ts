// The extension message (BEP 10, `slipstream_intent`) by which viewers tell each other what they want
// next and which pieces the origin is sending them, so that nobody asks the origin for the same
// piece meanwhile. Pure: bytes to values and back. Clients that do not know it ignore it.
//
// Numbers are unsigned, 32 bits, big endian: 0 if the viewer uploads nothing, else 1, or 3 if it does so
// too slowly to lead; first and last wanted piece (first > last: none); then for each span under way its
// first and last piece, milliseconds until its first piece is whole, and milliseconds from there to each
// next one. A message replaces the one before.
import { type PieceIndex, type PieceLayout, pieceIndex } from '#protocol/pieces.ts'
import type { PieceRange } from '../playback/origin-policy.ts'

/** The extension's name in the handshake. */
export const INTENT_EXTENSION = 'slipstream_intent'

/** Pieces that the origin is sending to a viewer. */
export interface SpanIntent extends PieceRange {
  /** Milliseconds from now until the first one is whole. */
  readonly firstMs: number
  /** Milliseconds from one piece to the next. */
  readonly pieceMs: number
}

export interface Intent {
  /** False when the viewer uploads nothing. */
  readonly sends: boolean
  /** False when it uploads too slowly to fetch for others what nobody has. */
  readonly leads: boolean
  /** What the viewer looks ahead to, held or not. */
  readonly wants: PieceRange | null
  readonly spans: readonly SpanIntent[]
}

const SENDS = 1
const IS_SLOW = 2
const HEAD_BYTES = 12
const SPAN_BYTES = 16
/** More than a viewer ever has under way. */
const MAX_SPANS = 16
/** The same, in pieces of one span: who promises everything keeps nothing. */
const MAX_SPAN_PIECES = 256
const MAX_NUMBER = 0xffff_ffff

export function encodeIntent({ sends, leads, wants, spans }: Intent): Uint8Array<ArrayBuffer> {
  const sent = spans.slice(0, MAX_SPANS)
  const numbers = [
    sends ? SENDS | (leads ? 0 : IS_SLOW) : 0,
    ...(wants ? [wants.first, wants.last] : [1, 0]),
    ...sent.flatMap(({ first, last, firstMs, pieceMs }) => [first, last, firstMs, pieceMs]),
  ]
  const view = new DataView(new ArrayBuffer(HEAD_BYTES + SPAN_BYTES * sent.length))
  for (const [place, number] of numbers.entries()) {
    view.setUint32(4 * place, Math.min(MAX_NUMBER, Math.max(0, Math.round(number))))
  }
  return new Uint8Array(view.buffer)
}

/** @returns what the peer says, or `null` when it is no such message for this title */
export function decodeIntent(bytes: Uint8Array, layout: PieceLayout): Intent | null {
  const spanBytes = bytes.length - HEAD_BYTES
  if (spanBytes < 0 || spanBytes % SPAN_BYTES !== 0 || spanBytes > SPAN_BYTES * MAX_SPANS)
    return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const range = (offset: number): PieceRange | null => {
    const [first, last] = [view.getUint32(offset), view.getUint32(offset + 4)]
    if (first > last || last >= layout.count) return null
    return { first: pieceIndex(layout, first), last: pieceIndex(layout, last) }
  }
  const spans: SpanIntent[] = []
  for (let offset = HEAD_BYTES; offset < bytes.length; offset += SPAN_BYTES) {
    const span = range(offset)
    if (!span || span.last - span.first >= MAX_SPAN_PIECES) return null
    const [firstMs, pieceMs] = [view.getUint32(offset + 8), view.getUint32(offset + 12)]
    spans.push({ ...span, firstMs, pieceMs })
  }
  const sending = view.getUint32(0)
  return { sends: sending !== 0, leads: (sending & IS_SLOW) === 0, wants: range(4), spans }
}

/** Once a piece is overdue for so long, its promise is not believed any more. Milliseconds. */
const OVERDUE_MS = 2000

/**
 * @param ageMs milliseconds since the intent came
 * @returns seconds until the peer has the piece, or `null` when it does not fetch it
 */
export function arrivesIn(intent: Intent, index: PieceIndex, ageMs: number): number | null {
  for (const { first, last, firstMs, pieceMs } of intent.spans) {
    if (index < first || index > last) continue
    const ms = firstMs + (index - first) * pieceMs - ageMs
    return ms < -OVERDUE_MS ? null : Math.max(0, ms) / 1000
  }
  return null
}
