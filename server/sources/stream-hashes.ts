// The build thread's side of `HashStream`: SHA-1 of every piece (BEP 3) of bytes that come in over time.
import { createHash, type Hash } from 'node:crypto'
import type { PieceLayout } from '#protocol/pieces.ts'
import { HASH_BYTES } from '../hashing/hash-task.ts'

export class StreamHashes {
  readonly #layout: PieceLayout
  #piece: number
  #hash: Hash = createHash('sha1')
  /** Bytes of the piece that are still to come. */
  #missing: number

  constructor(layout: PieceLayout, firstPiece: number) {
    this.#layout = layout
    this.#piece = firstPiece
    this.#missing = this.#lengthOf(firstPiece)
  }

  /**
   * Takes the next bytes, in as many parts as they are in.
   * @returns the hashes of the pieces that they complete, 20 bytes each
   */
  take(parts: Iterable<Uint8Array>): Uint8Array {
    const hashes: Buffer[] = []
    for (const bytes of parts) {
      for (let offset = 0; offset < bytes.length; ) {
        const taken = Math.min(this.#missing, bytes.length - offset)
        this.#hash.update(bytes.subarray(offset, offset + taken))
        offset += taken
        this.#missing -= taken
        if (this.#missing > 0) continue
        hashes.push(this.#hash.digest())
        this.#piece += 1
        this.#hash = createHash('sha1')
        this.#missing = this.#lengthOf(this.#piece)
      }
    }
    const all = new Uint8Array(hashes.length * HASH_BYTES)
    hashes.forEach((hash, place) => {
      all.set(hash, place * HASH_BYTES)
    })
    return all
  }

  #lengthOf(piece: number): number {
    const { size, pieceLength } = this.#layout
    return Math.min(pieceLength, size - piece * pieceLength)
  }
}
