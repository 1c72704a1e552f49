// The piece in which a head ends (head-start.ts) comes in two parts, whichever first: its beginning with
// the head, and its rest by a range request, unless peers bring that. Pure bookkeeping; the origin
// fetcher owns it.
import {
  lengthOfPiece,
  type PieceIndex,
  type PieceLayout,
  pieceAt,
  pieceStart,
} from '#protocol/pieces.ts'
import type { Bytes } from '../storage/piece-store.ts'

export class HeadSeam {
  /** `null` when the head ends with a piece. */
  readonly #index: PieceIndex | null
  readonly #start: number
  /** Of the piece, what the head has: bytes. */
  readonly #seam: number
  /** Of the whole piece. */
  readonly #bytes: Bytes
  #hasBeginning = false
  #hasRest = false
  /** It was whole once, was spoiled, or the head will not be had: from then on it is like all others. */
  #isOver = false

  /** @param end the byte after the last one of the head, 0 when there is none */
  constructor(layout: PieceLayout, end: number) {
    const index = end > 0 && end < layout.size ? pieceAt(layout, end) : null
    this.#start = index === null ? 0 : pieceStart(layout, index)
    this.#seam = end - this.#start
    this.#index = this.#seam > 0 ? index : null
    this.#bytes = new Uint8Array(this.#index === null ? 0 : lengthOfPiece(layout, this.#index))
  }

  /** The piece, as long as it comes in two parts. */
  get index(): PieceIndex | null {
    return this.#isOver ? null : this.#index
  }

  /** Bytes of the piece that come with the head. */
  get length(): number {
    return this.index === null ? 0 : this.#seam
  }

  get hasRest(): boolean {
    return this.#hasRest
  }

  /** What came with the head, or `null` as long as it has not come. */
  get beginning(): Bytes | null {
    return this.#hasBeginning ? this.#bytes.subarray(0, this.#seam) : null
  }

  /** @returns the piece, when it is whole now */
  begin(bytes: Bytes): Bytes | null {
    this.#bytes.set(bytes)
    this.#hasBeginning = true
    return this.#whole()
  }

  /**
   * @param bytes as long as the piece, with its rest in place
   * @returns the piece, when it is whole now
   */
  finish(bytes: Bytes): Bytes | null {
    this.#bytes.set(bytes.subarray(this.#seam), this.#seam)
    this.#hasRest = true
    return this.#whole()
  }

  /** @returns a copy of what is here from that byte of the file on, at most `length`, or `null` */
  bytesAt(position: number, length: number): Bytes | null {
    const at = position - this.#start
    if (at < 0 || at >= this.#bytes.length) return null
    if (!(at < this.#seam ? this.#hasBeginning : this.#hasRest)) return null
    const end = this.#hasRest ? this.#bytes.length : this.#seam
    return this.#bytes.slice(at, Math.min(end, at + length))
  }

  /** The head will not be had, unless it is here. What came of the rest can be read, and no more. */
  lose(): void {
    if (!this.#hasBeginning) this.#isOver = true
  }

  /**
   * The piece was wrong, with the head in it: like all others, it comes anew.
   * @returns bytes of the head that came for nothing
   */
  spoil(): number {
    this.#isOver = true
    return this.#seam
  }

  #whole(): Bytes | null {
    if (!this.#hasBeginning || !this.#hasRest) return null
    this.#isOver = true // should it be dropped, it is fetched like all others
    return this.#bytes
  }
}
