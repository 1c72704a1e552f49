// Piece arithmetic (BEP 3). The piece length depends on the size alone, so that placeholder and
// real torrent agree and bytes fetched before the real torrent exists are whole pieces later.

declare const pieceIndexBrand: unique symbol
/** Number of a piece, counted from 0; made by the functions of this file only. */
export type PieceIndex = number & { readonly [pieceIndexBrand]: true }

/** How a file of `size` bytes is cut into pieces. */
export interface PieceLayout {
  /** Bytes of the whole file, at least 1. */
  readonly size: number
  /** Bytes of every piece but the last. */
  readonly pieceLength: number
  /** Number of pieces. */
  readonly count: number
}

/** What peers are asked for at a time (BEP 3). */
export const BLOCK_BYTES = 16 * 1024
const MIN_PIECE_LENGTH = 256 * 1024
const MAX_PIECE_LENGTH = 4 * 1024 * 1024
const MAX_PIECES = 4096 // 80 kB of hashes, until pieces of 4 MiB are reached

/**
 * @param size bytes of the file, a positive integer
 * @returns the piece length in bytes: the smallest power of two from 256 KiB to 4 MiB that needs
 *   at most 4,096 pieces, and 4 MiB beyond that
 * @throws RangeError when `size` is not a positive safe integer
 */
export function pieceLengthFor(size: number): number {
  if (!Number.isSafeInteger(size) || size <= 0) {
    throw new RangeError(`a file has a positive whole number of bytes, not ${size}`)
  }
  let pieceLength = MIN_PIECE_LENGTH
  while (pieceLength < MAX_PIECE_LENGTH && size > pieceLength * MAX_PIECES) pieceLength *= 2
  return pieceLength
}

/**
 * @param size bytes of the file
 * @param pieceLength bytes of a piece; chosen from the size when left out
 * @throws RangeError when `size` is not a positive safe integer
 */
export function pieceLayout(size: number, pieceLength = pieceLengthFor(size)): PieceLayout {
  return { size, pieceLength, count: Math.ceil(size / pieceLength) }
}

/** @throws RangeError when the file has no piece of that number. */
export function pieceIndex(layout: PieceLayout, index: number): PieceIndex {
  if (!Number.isInteger(index) || index < 0 || index >= layout.count) {
    throw new RangeError(`piece ${index} is not one of ${layout.count}`)
  }
  return index as PieceIndex
}

/**
 * @param offset byte of the file, from 0
 * @throws RangeError when the file has no such byte
 */
export function pieceAt(layout: PieceLayout, offset: number): PieceIndex {
  return pieceIndex(layout, Math.floor(offset / layout.pieceLength))
}

/** @returns the pieces `first` to `last`, both included; none when `last` comes before `first`. */
export function piecesBetween(first: PieceIndex, last: PieceIndex): PieceIndex[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => (first + i) as PieceIndex)
}

/** @returns the first byte of a piece, counted from the start of the file. */
export function pieceStart(layout: PieceLayout, index: PieceIndex): number {
  return index * layout.pieceLength
}

/** @returns bytes of a piece; the last one is usually shorter. */
export function lengthOfPiece(layout: PieceLayout, index: PieceIndex): number {
  return Math.min(layout.pieceLength, layout.size - index * layout.pieceLength)
}
