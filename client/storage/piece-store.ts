// The one place where a title's pieces lie, whoever brought them. A piece is there from the moment
// `write` was called; it is read from memory until its backing has it. The origin-private file
// system is the backing when it can be had (another tab may hold it), the browser's Blobs take what
// finds no room there, up to a bound, and beyond that retention.ts names the piece that is given
// up; whoever told others of it listens with `onLost`. The engine owns and closes the store.
import { lengthOfPiece, type PieceIndex, type PieceLayout, pieceIndex } from '#protocol/pieces.ts'
import { BlobBacking } from './blob-backing.ts'
import { ByteGate } from './byte-gate.ts'
import { worstOf } from './retention.ts'

export type Bytes = Uint8Array<ArrayBuffer>

/** Where pieces are kept outside the page's own memory. */
export interface PieceBacking {
  /** @throws Error when it cannot take the piece, perhaps because others must be forgotten first */
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
  /** Settles when everything in it is gone: its worker died, the viewer had it deleted. */
  readonly gone?: Promise<void>
}

/** What the store may take. All in bytes. */
export interface StoreLimits {
  /** Pieces that no disk takes; the browser keeps them, outside the page's memory. */
  readonly memory: number
  /** Pieces that wait for the disk; with more of them the store is `isPressed`. */
  readonly queue: number
  /** What lies so far ahead of the playhead is never given up: as far as anybody fetches. */
  readonly ahead: number
}

const MIB = 1024 * 1024
const LIMITS: StoreLimits = { memory: 96 * MIB, queue: 24 * MIB, ahead: 64 * MIB }
/** Pieces on their way to the backing at once; each is copied once more. */
const WRITES_AT_ONCE = 2
/** On their way out to peers at once: 64 blocks of 16 KiB or a few pieces. Bytes. */
const READS_AT_ONCE = 8 * MIB
/** So much of what an earlier visit left is verified before the swarm is joined. Bytes. */
const VERIFIED_AT_ONCE = 64 * MIB

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
  readonly #limits: StoreLimits
  /** Pieces that wait for their backing, in the order of their coming. */
  readonly #fresh = new Map<PieceIndex, Bytes>()
  readonly #kept = new Map<PieceIndex, PieceBacking>()
  readonly #listeners = new Set<() => void>()
  readonly #lossListeners = new Set<(index: PieceIndex) => void>()
  readonly #blobs = new BlobBacking()
  readonly #opened: Promise<PieceBacking | null>
  /** `null` while it is being opened, when there is none, and when it is gone. */
  #disk: PieceBacking | null = null
  readonly #queue: PieceIndex[] = []
  #writing = 0
  readonly #reads = new ByteGate(READS_AT_ONCE)
  /** Pieces that came in this visit. */
  readonly #brought = new Set<PieceIndex>()
  #refetchedBytes = 0
  #focus = 0
  #closed = false

  /**
   * @param openPersistent opens the backing that outlives the page; `null` when there is none. May
   *   take its time and may fail.
   */
  constructor(
    layout: PieceLayout,
    openPersistent: () => Promise<PersistentBacking | null>,
    limits = LIMITS,
  ) {
    this.layout = layout
    this.#limits = limits
    this.#opened = openPersistent().then(
      (opened) => {
        if (this.#closed) opened?.backing.close()
        else if (opened) this.#restore(opened)
        return opened?.backing ?? null
      },
      () => null, // Blobs do as well, for as long as the page lives
    )
    this.restored = this.#opened.then(() => {})
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

  /** Bytes of pieces that came, were given up or lost, and had to come again. */
  get refetchedBytes(): number {
    return this.#refetchedBytes
  }

  /** True while the disk is slower than the network: then only what playback needs shall come. */
  get isPressed(): boolean {
    let bytes = 0
    for (const piece of this.#fresh.values()) bytes += piece.length
    return bytes >= this.#limits.queue
  }

  has(index: PieceIndex): boolean {
    return this.#fresh.has(index) || this.#kept.has(index)
  }

  /** @returns whether the piece came in this visit; of a held piece, else it was there before */
  cameNow(index: PieceIndex): boolean {
    return this.#brought.has(index)
  }

  /** @returns the numbers of all pieces held, in no order. */
  held(): Set<PieceIndex> {
    return new Set([...this.#kept.keys(), ...this.#fresh.keys()])
  }

  /** Says where playback stands: what lies far behind goes first when room is needed. */
  focusOn(index: PieceIndex): void {
    this.#focus = index
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
      if (this.#kept.get(index) === backing) this.#lose(index)
      throw error
    }
  }

  /** Takes a whole piece; the bytes belong to the store from now on. */
  write(index: PieceIndex, bytes: Bytes): void {
    if (this.#closed) return
    if (this.#brought.has(index) && !this.has(index)) this.#refetchedBytes += bytes.length
    this.#brought.add(index)
    this.#fresh.set(index, bytes)
    this.#queue.push(index)
    void this.#opened.then(() => this.#pump())
    this.#changed()
  }

  /** Forgets a piece that failed verification. */
  drop(index: PieceIndex): void {
    this.#brought.delete(index)
    this.#lose(index)
  }

  /** @returns the function that ends the subscription. */
  subscribe(onChange: () => void): () => void {
    this.#listeners.add(onChange)
    return () => this.#listeners.delete(onChange)
  }

  /** Tells of every piece that is not held any more. @returns the function that ends it */
  onLost(listener: (index: PieceIndex) => void): () => void {
    this.#lossListeners.add(listener)
    return () => this.#lossListeners.delete(listener)
  }

  /** The same pieces for WebTorrent. Closing or destroying that view leaves the store open. */
  chunkStore(): ChunkStore {
    let unverified = VERIFIED_AT_ONCE
    const read = async (chunk: number, offset: number | undefined, length: number) => {
      const index = pieceIndex(this.layout, chunk)
      if (!this.has(index)) throw new Error(`piece ${index} is not held`)
      // Whole pieces are read to be verified on joining. Gigabytes of them would take a while: the
      // engine verifies the others one by one, when the swarm is there.
      if (offset === undefined && !this.#fresh.has(index)) {
        unverified -= lengthOfPiece(this.layout, index)
        if (unverified < 0) throw new Error(`piece ${index} is verified later`)
      }
      return this.#reads.run(length, () => this.read(index, offset ?? 0, length))
    }
    return {
      chunkLength: this.layout.pieceLength,
      get: (index, options, done) => {
        const length = options?.length ?? this.layout.pieceLength - (options?.offset ?? 0)
        read(index, options?.offset, length).then(
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
    this.#lossListeners.clear()
    this.#fresh.clear()
    this.#kept.clear()
    this.#queue.length = 0
    this.#blobs.close()
    void this.#opened.then((backing) => backing?.close())
  }

  #restore({ backing, held, gone }: PersistentBacking): void {
    this.#disk = backing
    for (const index of held) if (!this.has(index)) this.#kept.set(index, backing)
    if (held.length > 0) this.#changed()
    void gone?.then(() => {
      if (this.#disk === backing) this.#disk = null
      for (const [index, where] of [...this.#kept]) if (where === backing) this.#lose(index)
    })
  }

  /** Hands waiting pieces to their backing, a few at a time: each is copied on its way. */
  #pump(): void {
    while (this.#writing < WRITES_AT_ONCE) {
      const index = this.#queue.shift()
      if (index === undefined) return
      const bytes = this.#fresh.get(index)
      if (!bytes) continue // dropped, or written anew and kept already
      this.#writing += 1
      void this.#keep(index, bytes).finally(() => {
        this.#writing -= 1
        this.#pump()
      })
    }
  }

  async #keep(index: PieceIndex, bytes: Bytes): Promise<void> {
    const backing = await this.#place(index, bytes)
    if (this.#closed) return
    if (this.#fresh.get(index) !== bytes) {
      if (!this.has(index)) backing?.forget(index) // dropped while it was being written
    } else if (backing === null || (backing !== this.#blobs && backing !== this.#disk)) {
      this.#lose(index) // given up, or its backing went the moment it was written
    } else {
      const before = this.#kept.get(index)
      if (before !== backing) before?.forget(index)
      this.#fresh.delete(index)
      this.#kept.set(index, backing)
    }
  }

  /** Writes a piece to where there is room. @returns `null` when it is the one to be given up */
  async #place(index: PieceIndex, bytes: Bytes): Promise<PieceBacking | null> {
    let disk = this.#disk
    if (disk && (await writeIfRoom(disk, index, bytes))) return disk
    while (!this.#closed && this.#blobs.bytes + bytes.length > this.#limits.memory) {
      const worst = this.#worst(index, disk)
      if (worst === index) return null
      if (worst === null) break // every piece is needed soon
      const place = this.#kept.get(worst)
      this.#lose(worst)
      if (disk && place === disk) {
        if (await writeIfRoom(disk, index, bytes)) return disk
        disk = null // it has other reasons: do not empty it for nothing
      }
    }
    await this.#blobs.write(index, bytes)
    return this.#blobs
  }

  /** @returns the piece to give up, of `index` and those that lie in `disk` or in memory */
  #worst(index: PieceIndex, disk: PieceBacking | null): PieceIndex | null {
    const candidates = [index]
    for (const [other, where] of this.#kept) {
      if (where === this.#blobs || where === disk) candidates.push(other)
    }
    const ahead = Math.ceil(this.#limits.ahead / this.layout.pieceLength)
    return worstOf(candidates, { at: this.#focus, ahead })
  }

  #lose(index: PieceIndex): void {
    this.#fresh.delete(index)
    this.#kept.get(index)?.forget(index)
    this.#kept.delete(index)
    for (const listener of this.#lossListeners) listener(index)
    this.#changed()
  }

  #changed(): void {
    for (const listener of this.#listeners) listener()
  }
}

/** @returns whether the backing has it; whatever goes wrong with a disk, memory does as well */
async function writeIfRoom(disk: PieceBacking, index: PieceIndex, bytes: Bytes): Promise<boolean> {
  try {
    await disk.write(index, bytes)
    return true
  } catch {
    return false
  }
}
