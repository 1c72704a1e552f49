// The first request for the bytes of a title. A script in the page itself (client/index.html) makes
// it, before any other script is there, or has a `<video>` make it, where the server can answer the
// stream's own address; the playback engine takes over what comes of it (client/playback/head-start.ts,
// early-response.ts). That saves a way to the server and back, and all that scripts and worker take.
import * as v from 'valibot'
import { bytesPerSecondOf, type MediaRecord, nameOfBytes } from './media.ts'
import {
  lengthOfPiece,
  type PieceIndex,
  type PieceLayout,
  pieceAt,
  pieceLayout,
  pieceLengthFor,
  pieceStart,
} from './pieces.ts'

/** What the decoder needs for the first frame: seconds of playback. */
export const START_SECONDS = 1.5
/** Taken for granted while size and duration do not tell: bytes per second. */
export const GUESSED_BYTES_PER_SECOND = 500_000

export const earlyRequestSchema = v.object({
  /** As `nameOfBytes` has it: who keeps pieces of it asks for others, or none. */
  title: v.string(),
  /** Of a web seed. */
  url: v.string(),
  /** The `Range` header. */
  range: v.string(),
  /**
   * The file's head: the bytes before this one. The server sends them at the stream's address
   * (stream.ts); `null` when the file lies elsewhere, or is not read from its start on. What it
   * lacks of its last piece comes like everything else.
   */
  headEnd: v.nullable(v.number()),
})
export type EarlyRequest = v.InferOutput<typeof earlyRequestSchema>

/**
 * @param ownAddress of this server, without a slash at its end
 * @returns what to ask for first, or `null` for a title that no web seed has
 */
export function earlyRequestOf(media: MediaRecord, ownAddress: string): EarlyRequest | null {
  const [url] = media.webSeeds
  if (url === undefined) return null
  const layout = pieceLayout(media.size)
  const last = lastPieceToStartWith(layout, startingRateOf(media))
  const end = pieceStart(layout, last) + lengthOfPiece(layout, last)
  const isHere = media.source === null && url.startsWith(`${ownAddress}/media/`)
  // Where the end is read first, the browser leaves the head half read.
  const headEnd = isHere && media.fastStart ? headEndOf(media, 0) : null
  return { title: nameOfBytes(media), url, range: `bytes=0-${end - 1}`, headEnd }
}

/**
 * Every viewer has the head from the origin, so it is no longer than it must be: of a small film a
 * piece is seconds. Half a piece is whole blocks (BEP 3), so peers can bring the other half.
 * @param start a byte of the file
 * @returns the byte after the last one of the half pieces that a decoder needs from there to begin
 */
export function headEndOf(facts: HeadFacts, start: number): number {
  const half = pieceLengthFor(facts.size) / 2
  const needed = start + START_SECONDS * startingRateOf(facts)
  return Math.min(facts.size, (Math.floor(needed / half) + 1) * half)
}

/** Bytes per second of playback, as far as they are known before it has begun. */
function startingRateOf({ size, duration }: HeadFacts): number {
  return bytesPerSecondOf(size, duration) ?? GUESSED_BYTES_PER_SECOND
}

/** Bytes and seconds of a title. */
export type HeadFacts = Pick<MediaRecord, 'size' | 'duration'>

/**
 * @param bytesPerSecond of playback
 * @returns the last of the pieces, from the first on, that the decoder needs for the first frame
 */
export function lastPieceToStartWith(layout: PieceLayout, bytesPerSecond: number): PieceIndex {
  const end = Math.floor(START_SECONDS * bytesPerSecond)
  return pieceAt(layout, Math.min(end, layout.size - 1))
}
