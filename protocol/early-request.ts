// The first request for the bytes of a title. A script in the page itself (client/index.html) makes
// it, before any other script is there; the playback engine, which would ask for the same, takes it
// over (client/playback/early-response.ts). On a first visit that saves a way to the server and back.
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
})
export type EarlyRequest = v.InferOutput<typeof earlyRequestSchema>

/** @returns what to ask for first, or `null` for a title that no web seed has */
export function earlyRequestOf(media: MediaRecord): EarlyRequest | null {
  const { size, duration, webSeeds } = media
  const [url] = webSeeds
  if (url === undefined) return null
  const bytesPerSecond = bytesPerSecondOf(size, duration) ?? GUESSED_BYTES_PER_SECOND
  const layout = pieceLayout(size)
  const last = lastPieceToStartWith(layout, bytesPerSecond)
  const end = pieceStart(layout, last) + lengthOfPiece(layout, last)
  return { title: nameOfBytes(media), url, range: `bytes=0-${end - 1}` }
}

/**
 * @param bytesPerSecond of playback
 * @returns the last of the pieces, from the first on, that the decoder needs for the first frame
 */
export function lastPieceToStartWith(layout: PieceLayout, bytesPerSecond: number): PieceIndex {
  return pieceAt(layout, Math.min(Math.floor(START_SECONDS * bytesPerSecond), layout.size - 1))
}
