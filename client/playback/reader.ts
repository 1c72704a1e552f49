// Reads a range of the file in order, from wherever its bytes are: a held piece, or the part of a
// piece that has just arrived. It asks for nothing itself; where it stands and whether it waits is
// what the engine's policy goes by. Whoever opened it closes it.
import { lengthOfPiece, type PieceLayout, pieceAt, pieceStart } from '#protocol/pieces.ts'
import type { Bytes, PieceStore } from '../storage/piece-store.ts'
import type { OriginFetcher } from './origin.ts'

/** One message to the service worker; larger ones only cost memory. */
const CHUNK_BYTES = 256 * 1024

/** Bytes `start` to `end`, the end not included. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

export interface ReaderSource {
  readonly layout: PieceLayout
  readonly store: PieceStore
  readonly fetcher: OriginFetcher
  /** Called when a reader moved, waits and did not before, or was closed. */
  readonly onReader: (reader: Reader) => void
  /** @returns how many of the bytes, which are here, may be handed out now: 0 makes the reader wait */
  readonly allow: (reader: Reader, bytes: Bytes) => number
}

export class Reader {
  /** The first byte to be read. */
  readonly start: number
  /** The next byte that will be read. */
  position: number
  /** The byte after the last one. */
  readonly end: number
  /** True while somebody waits for bytes that are not there. */
  waiting = false
  closed = false
  readonly #source: ReaderSource
  #wake: (() => void) | null = null
  #wakes = 0

  constructor(source: ReaderSource, range: ByteRange) {
    this.#source = source
    this.start = range.start
    this.position = range.start
    this.end = range.end
  }

  /**
   * @returns the next bytes, at least one, as soon as there are any; `null` at the end and after
   *   `close`
   */
  async read(): Promise<Bytes | null> {
    while (!this.closed && this.position < this.end) {
      const wakes = this.#wakes
      const bytes = this.#allowed(await this.#bytesAtHand())
      if (this.closed) break
      const isNews = bytes !== null || !this.waiting
      this.waiting = bytes === null
      if (bytes) this.position += bytes.length
      if (isNews) this.#source.onReader(this)
      if (bytes) return bytes
      if (this.#wakes !== wakes) continue // they came while we looked
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return null
  }

  /** To be called when bytes have arrived, or more may be handed out: a waiting reader looks again. */
  wake(): void {
    this.#wakes += 1
    const wake = this.#wake
    this.#wake = null
    wake?.()
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    this.waiting = false
    this.wake()
    this.#source.onReader(this)
  }

  #allowed(bytes: Bytes | null): Bytes | null {
    if (bytes === null || this.closed) return null
    const count = this.#source.allow(this, bytes)
    if (count === 0) return null
    return count < bytes.length ? bytes.slice(0, count) : bytes
  }

  async #bytesAtHand(): Promise<Bytes | null> {
    const { layout, store, fetcher } = this.#source
    const index = pieceAt(layout, this.position)
    const offset = this.position - pieceStart(layout, index)
    const length = Math.min(
      CHUNK_BYTES,
      this.end - this.position,
      lengthOfPiece(layout, index) - offset,
    )
    if (!store.has(index)) return fetcher.bytesAt(this.position, length)
    try {
      return await store.read(index, offset, length)
    } catch {
      return null // the store has just dropped the piece: it is fetched again
    }
  }
}
