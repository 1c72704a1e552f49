// One title's pieces in two files of synchronous access handles. `data` is cut into slots of one
// piece each and is as long as the pieces are many, for a browser counts the whole length of a
// file, holes too; `table` says which piece each slot has. Invariant: a slot is entered only after
// its bytes were written and struck out before they change, so a page or browser that ends in
// between loses pieces but never invents one. Nothing waits for the disk itself: what a power cut
// garbles is found when the swarm verifies it. Whoever opened the handles closes the file.
import { lengthOfPiece, type PieceIndex, type PieceLayout } from '#protocol/pieces.ts'

/** As in the File System standard; TypeScript lists it for workers only. */
export interface SyncAccessHandle {
  read(buffer: Uint8Array, options: { at: number }): number
  write(buffer: Uint8Array, options: { at: number }): number
  getSize(): number
  truncate(size: number): void
  close(): void
}

/** "SLP" and the version of this format. */
const MAGIC = 0x534c5001
/** Magic, piece length (32 bits each), size of the title and time of opening (64-bit floats). */
const HEADER_BYTES = 24
/** Piece number plus 1, or 0 for a free slot. */
const ENTRY_BYTES = 4

export class PieceFile {
  readonly #data: SyncAccessHandle
  readonly #table: SyncAccessHandle
  readonly #layout: PieceLayout
  readonly #slots = new Map<PieceIndex, number>()
  /** Lowest first. */
  #free: number[] = []
  #slotCount = 0

  /**
   * Takes up what the files hold; files of another layout or format are emptied.
   * @param openedAt milliseconds since 1970, noted in the table
   */
  constructor(
    data: SyncAccessHandle,
    table: SyncAccessHandle,
    layout: PieceLayout,
    openedAt: number,
  ) {
    this.#data = data
    this.#table = table
    this.#layout = layout
    const header = new Uint8Array(HEADER_BYTES)
    const view = new DataView(header.buffer)
    const isOurs =
      table.read(header, { at: 0 }) === HEADER_BYTES &&
      view.getUint32(0) === MAGIC &&
      view.getUint32(4) === layout.pieceLength &&
      view.getFloat64(8) === layout.size
    if (isOurs) this.#readTable()
    else {
      table.truncate(0)
      data.truncate(0)
    }
    view.setUint32(0, MAGIC)
    view.setUint32(4, layout.pieceLength)
    view.setFloat64(8, layout.size)
    view.setFloat64(16, openedAt)
    writeAll(table, header, 0)
  }

  get held(): PieceIndex[] {
    return [...this.#slots.keys()]
  }

  /** Bytes that the pieces' file has on the disk, free slots included. */
  get size(): number {
    return this.#data.getSize()
  }

  /** @returns bytes by which the file would grow if this piece were written */
  growthFor(index: PieceIndex): number {
    const slot = this.#slots.get(index) ?? this.#free[0] ?? this.#slotCount
    const end = slot * this.#layout.pieceLength + lengthOfPiece(this.#layout, index)
    return Math.max(0, end - this.size)
  }

  /** @throws Error when the browser refuses the room; the piece is not held then */
  write(index: PieceIndex, bytes: Uint8Array): void {
    const slot = this.#slots.get(index) ?? this.#free.shift() ?? this.#newSlot()
    if (this.#slots.delete(index)) this.#enter(slot, 0)
    try {
      writeAll(this.#data, bytes, slot * this.#layout.pieceLength)
      this.#enter(slot, index + 1)
    } catch (error) {
      this.#release(slot)
      throw error
    }
    this.#slots.set(index, slot)
  }

  /** @throws Error when the piece is not held or its bytes are not all there */
  read(index: PieceIndex, offset: number, length: number): Uint8Array<ArrayBuffer> {
    const slot = this.#slots.get(index)
    if (slot === undefined) throw new Error(`piece ${index} is not in the file`)
    const bytes = new Uint8Array(length)
    const at = slot * this.#layout.pieceLength + offset
    if (this.#data.read(bytes, { at }) !== length) {
      throw new Error(`piece ${index} is cut short on disk`)
    }
    return bytes
  }

  /** Frees a piece's slot for another one. */
  forget(index: PieceIndex): void {
    const slot = this.#slots.get(index)
    if (slot === undefined) return
    this.#slots.delete(index)
    this.#release(slot)
    this.#enter(slot, 0)
  }

  close(): void {
    this.#data.close()
    this.#table.close()
  }

  #readTable(): void {
    const { pieceLength, count } = this.#layout
    const size = this.size
    const bytes = new Uint8Array(Math.max(0, this.#table.getSize() - HEADER_BYTES))
    const view = new DataView(bytes.buffer, 0, this.#table.read(bytes, { at: HEADER_BYTES }))
    this.#slotCount = Math.min(Math.floor(view.byteLength / ENTRY_BYTES), count)
    for (let slot = 0; slot < this.#slotCount; slot += 1) {
      const index = (view.getUint32(slot * ENTRY_BYTES) - 1) as PieceIndex
      const isHeld =
        index >= 0 &&
        index < count &&
        !this.#slots.has(index) &&
        slot * pieceLength + lengthOfPiece(this.#layout, index) <= size
      if (isHeld) this.#slots.set(index, slot)
      else this.#free.push(slot)
    }
  }

  #newSlot(): number {
    this.#slotCount += 1
    return this.#slotCount - 1
  }

  #release(slot: number): void {
    this.#free = [...this.#free, slot].sort((a, b) => a - b)
  }

  #enter(slot: number, value: number): void {
    const entry = new Uint8Array(ENTRY_BYTES)
    new DataView(entry.buffer).setUint32(0, value)
    writeAll(this.#table, entry, HEADER_BYTES + slot * ENTRY_BYTES)
  }
}

/** A full disk shows as an exception in some browsers and as a short write in others. */
function writeAll(file: SyncAccessHandle, bytes: Uint8Array, at: number): void {
  if (file.write(bytes, { at }) !== bytes.length) {
    throw new Error('the browser keeps no more for this site')
  }
}
