// Keeps pieces as Blobs, because a browser keeps large ones outside the page's memory, on disk when
// need be. They live as long as the page. The piece store owns it and keeps it within bounds.
import type { PieceIndex } from '#protocol/pieces.ts'
import type { Bytes, PieceBacking } from './piece-store.ts'

export class BlobBacking implements PieceBacking {
  readonly #blobs = new Map<PieceIndex, Blob>()
  #bytes = 0

  /** Bytes of all pieces in it. */
  get bytes(): number {
    return this.#bytes
  }

  async write(index: PieceIndex, bytes: Bytes): Promise<void> {
    this.forget(index)
    this.#blobs.set(index, new Blob([bytes]))
    this.#bytes += bytes.length
  }

  async read(index: PieceIndex, offset: number, length: number): Promise<Bytes> {
    const blob = this.#blobs.get(index)
    if (!blob) throw new Error(`piece ${index} is not held`)
    return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer())
  }

  forget(index: PieceIndex): void {
    this.#bytes -= this.#blobs.get(index)?.size ?? 0
    this.#blobs.delete(index)
  }

  close(): void {
    this.#blobs.clear()
    this.#bytes = 0
  }
}
