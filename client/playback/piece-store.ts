// The one place where a title's pieces lie, whoever brought them. A piece is there from the moment
// `write` was called; it is read from memory until its backing has it. The origin-private file
// system is the backing when it can be had (another tab may hold it, the disk may be full), the
// browser's Blobs otherwise; opening it never delays anybody. The engine owns and closes the store.
import { lengthOfPiece, type PieceIndex, type PieceLayout, pieceIndex } from '#protocol/pieces.ts'

export type Bytes = Uint8Array<ArrayBuffer>

/** Where pieces are kept outside the page's own memory. */
export interface PieceBacking {
  write(index: PieceIndex, bytes: Bytes): Promise<void>
  /** @returns `length` bytes from byte `offset` of the piece */
  read(index: PieceIndex, offset: number, length: number): Promise<Bytes>
  forget(index: PieceIndex): void
  close(): void
}

/** A backing that outlives the page, with the pieces that an earlier visit left in it. */
export interface PersistentBacking {
  readonly backing: PieceBacking
  readonly held: readonly PieceIndex[]
}

/** The abstract-chunk-store interface, as far as WebTorrent's `preloadedStore` uses it. */
export interface ChunkStore {
  readonly chunkLength: number
  get(
    index: number,
    options: { offset?: number; length?: number } | null | undefined,
    done: (error: Error | null, bytes?: Uint8Array) => void,
  ): void
  put(index: number, bytes: Uint8Array, done: (error: Error | null) => void): void
  close(done: (error: Error | null) => void): void
  destroy(done: (error: Error | null) => void): void
}

export class PieceStore {
  readonly layout: PieceLayout
  /** Settles once the pieces of an earlier visit are here, or there are none to come. */
  readonly restored: Promise<void>
  readonly #fresh = new Map<PieceIndex, Bytes>()
  readonly #kept = new Map<PieceIndex, PieceBacking>()
  readonly #listeners = new Set<() => void>()
  readonly #blobs = new BlobBacking()
  readonly #persistent: Promise<PieceBacking | null>
  #closed = false

  /**
   * @param openPersistent opens the backing that outlives the page; `null` when there is none. May
   *   take its time and may fail.
   */
  constructor(layout: PieceLayout, openPersistent: () => Promise<PersistentBacking | null>) {
    this.layout = layout
    this.#persistent = openPersistent().then(
      (opened) => {
        if (this.#closed) opened?.backing.close()
        else if (opened) this.#restore(opened)
        return this.#closed ? null : (opened?.backing ?? null)
      },
      () => null, // Blobs do as well, for as long as the page lives
    )
    this.restored = this.#persistent.then(() => {})
  }

  /** Waits for `restored`, but not longer than `ms`. */
  async restoredWithin(ms: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms)
    })
    await Promise.race([this.restored, late])
    clearTimeout(timer)
  }

  /** Pieces held. */
  get count(): number {
    let count = this.#kept.size
    for (const index of this.#fresh.keys()) if (!this.#kept.has(index)) count += 1
    return count
  }

  has(index: PieceIndex): boolean {
    return this.#fresh.has(index) || this.#kept.has(index)
  }

  /** @returns the numbers of all pieces held, in no order. */
  held(): Set<PieceIndex> {
    return new Set([...this.#kept.keys(), ...this.#fresh.keys()])
  }

  /**
   * @param length bytes, cut off at the end of the piece
   * @returns a copy that the caller may transfer
   * @throws Error when the piece is not held, or its backing lost it (it is forgotten then)
   */
  async read(index: PieceIndex, offset: number, length: number): Promise<Bytes> {
    const wanted = Math.min(length, lengthOfPiece(this.layout, index) - offset)
    const fresh = this.#fresh.get(index)
    if (fresh) return fresh.slice(offset, offset + wanted)
    const backing = this.#kept.get(index)
    if (!backing) throw new Error(`piece ${index} is not held`)
    try {
      return await backing.read(index, offset, wanted)
    } catch (error) {
      if (this.#kept.get(index) === backing) this.drop(index)
      throw error
    }
  }

  /** Takes a whole piece; the bytes belong to the store from now on. */
  write(index: PieceIndex, bytes: Bytes): void {
    if (this.#closed) return
    this.#fresh.set(index, bytes)
    void this.#keep(index, bytes)
    this.#changed()
  }

  /** Forgets a piece, for instance one that failed verification. */
  drop(index: PieceIndex): void {
    this.#fresh.delete(index)
    this.#kept.get(index)?.forget(index)
    this.#kept.delete(index)
    this.#changed()
  }

  /** @returns the function that ends the subscription. */
  subscribe(onChange: () => void): () => void {
    this.#listeners.add(onChange)
    return () => this.#listeners.delete(onChange)
  }

  /** The same pieces for WebTorrent. Closing or destroying that view leaves the store open. */
  chunkStore(): ChunkStore {
    return {
      chunkLength: this.layout.pieceLength,
      get: (index, options, done) => {
        const offset = options?.offset ?? 0
        const length = options?.length ?? this.layout.pieceLength - offset
        const read = async () => this.read(pieceIndex(this.layout, index), offset, length)
        read().then(
          (bytes) => done(null, bytes),
          (error: Error) => done(error),
        )
      },
      put: (index, bytes, done) => {
        this.write(pieceIndex(this.layout, index), bytes as Bytes)
        queueMicrotask(() => done(null))
      },
      close: (done) => queueMicrotask(() => done(null)),
      destroy: (done) => queueMicrotask(() => done(null)),
    }
  }

  close(): void {
    this.#closed = true
    this.#listeners.clear()
    this.#fresh.clear()
    this.#kept.clear()
    void this.#persistent.then((backing) => backing?.close())
  }

  #restore({ backing, held }: PersistentBacking): void {
    for (const index of held) if (!this.has(index)) this.#kept.set(index, backing)
    if (held.length > 0) this.#changed()
  }

  async #keep(index: PieceIndex, bytes: Bytes): Promise<void> {
    let backing = (await this.#persistent) ?? this.#blobs
    try {
      await backing.write(index, bytes)
    } catch {
      backing = this.#blobs // the disk's share is used up
      await backing.write(index, bytes)
    }
    if (this.#fresh.get(index) === bytes) {
      this.#fresh.delete(index)
      this.#kept.set(index, backing)
    } else if (!this.has(index)) {
      backing.forget(index) // dropped while it was being written
    }
  }

  #changed(): void {
    for (const listener of this.#listeners) listener()
  }
}

/** Blobs, because a browser keeps large ones outside the page's memory, on disk when need be. */
class BlobBacking implements PieceBacking {
  readonly #blobs = new Map<PieceIndex, Blob>()

  async write(index: PieceIndex, bytes: Bytes): Promise<void> {
    this.#blobs.set(index, new Blob([bytes]))
  }

  async read(index: PieceIndex, offset: number, length: number): Promise<Bytes> {
    const blob = this.#blobs.get(index)
    if (!blob) throw new Error(`piece ${index} is not held`)
    return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer())
  }

  forget(index: PieceIndex): void {
    this.#blobs.delete(index)
  }

  close(): void {
    this.#blobs.clear()
  }
}
