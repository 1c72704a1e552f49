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
   * (stream.ts); `null` when the file lies elsewhere, or is not read from its start on.
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
  const end = headEndOf(media, 0)
  const isHere = media.source === null && url.startsWith(`${ownAddress}/media/`)
  // Where the end is read first, the browser leaves the head half read.
  const headEnd = isHere && media.fastStart ? end : null
  return { title: nameOfBytes(media), url, range: `bytes=0-${end - 1}`, headEnd }
}

/**
 * @param start a byte of the file
 * @returns the byte after the last one of the whole pieces that a decoder needs from there to begin
 */
export function headEndOf({ size, duration }: HeadFacts, start: number): number {
  const bytesPerSecond = bytesPerSecondOf(size, duration) ?? GUESSED_BYTES_PER_SECOND
  const layout = pieceLayout(size)
  const last = lastPieceToStartWith(layout, bytesPerSecond, start)
  return pieceStart(layout, last) + lengthOfPiece(layout, last)
}

/** Bytes and seconds of a title. */
export type HeadFacts = Pick<MediaRecord, 'size' | 'duration'>

/**
 * @param bytesPerSecond of playback
 * @param start a byte of the file
 * @returns the last of the pieces, from there on, that the decoder needs for the first frame
 */
export function lastPieceToStartWith(
  layout: PieceLayout,
  bytesPerSecond: number,
  start = 0,
): PieceIndex {
  const end = Math.floor(start + START_SECONDS * bytesPerSecond)
  return pieceAt(layout, Math.min(end, layout.size - 1))
}
