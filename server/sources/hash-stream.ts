// SHA-1 of every piece (BEP 3) of the bytes of one file, which come over time and are hashed by the
// build thread. Bytes that lie there already stay there. Others share their memory with what came
// beside them, so they are gathered in blocks, which are transferred to the thread and back: at most
// 2 MiB of a stream are on their way. Whoever opened a stream closes it.
import type { PieceLayout } from '#protocol/pieces.ts'
import { HASH_BYTES } from '../hashing/hash-task.ts'
import type { HashCommand } from './build-thread-messages.ts'
import { ThreadBytes } from './thread-bytes.ts'

const BLOCK_BYTES = 256 * 1024 // eight of them wait for the thread, of each stream
const BLOCKS = 8

export interface StreamOptions {
  /** Hashes of the first pieces, from an earlier run; a multiple of 20 bytes. */
  readonly done?: Uint8Array
  /** Called after each piece with all hashes from the first piece on, without a gap. */
  readonly onProgress?: (hashes: Uint8Array) => void
}

interface StreamPorts extends StreamOptions {
  readonly send: (command: HashCommand) => void
  readonly onClose: () => void
}

/** One `write` at a time. */
export class HashStream {
  readonly #id: number
  readonly #layout: PieceLayout
  readonly #ports: StreamPorts
  readonly #hashes: Uint8Array
  readonly #free: Uint8Array<ArrayBuffer>[] = []
  #blocks = 0
  #filling: Uint8Array<ArrayBuffer> | null = null
  #filled = 0
  #pieces: number
  #position: number
  #failure: Error | null = null
  #changed: () => void = () => {}

  constructor(id: number, layout: PieceLayout, ports: StreamPorts) {
    const { done = new Uint8Array(), send } = ports
    this.#id = id
    this.#layout = layout
    this.#ports = ports
    this.#hashes = new Uint8Array(layout.count * HASH_BYTES)
    this.#pieces = Math.min(Math.floor(done.length / HASH_BYTES), layout.count)
    this.#hashes.set(done.subarray(0, this.#pieces * HASH_BYTES))
    this.#position = Math.min(this.#pieces * layout.pieceLength, layout.size)
    send({ kind: 'open', stream: id, layout, firstPiece: this.#pieces })
  }

  /** The byte of the file that is to come next. */
  get position(): number {
    return this.#position
  }

  /** Hashes of all pieces so far, from the first on without a gap. */
  get hashes(): Uint8Array {
    return this.#hashes.subarray(0, this.#pieces * HASH_BYTES)
  }

  /**
   * Takes the next bytes; when they lie on this side, they may be overwritten afterwards.
   * @returns when more may come
   * @throws RangeError when they are more than the file has
   * @throws OwnTrouble when the thread ended
   */
  async write(bytes: Uint8Array | ThreadBytes): Promise<void> {
    if (this.#position + bytes.length > this.#layout.size) {
      throw new RangeError(`more bytes came than the ${this.#layout.size} of the file`)
    }
    if (bytes instanceof ThreadBytes) {
      this.#hashThere(bytes)
      return
    }
    for (let offset = 0; offset < bytes.length; ) {
      this.#filling ??= await this.#freeBlock()
      const taken = Math.min(BLOCK_BYTES - this.#filled, bytes.length - offset)
      this.#filling.set(bytes.subarray(offset, offset + taken), this.#filled)
      this.#filled += taken
      this.#position += taken
      offset += taken
      if (this.#filled === BLOCK_BYTES) this.#flush()
    }
  }

  /** @returns the hashes of all pieces, when all bytes were written */
  async end(): Promise<Uint8Array> {
    if (this.#position !== this.#layout.size) {
      throw new RangeError(`the bytes end at ${this.#position} of ${this.#layout.size}`)
    }
    this.#flush()
    while (this.#pieces < this.#layout.count) await this.#change()
    return this.hashes
  }

  /** Nothing is hashed any more. */
  close(): void {
    this.#ports.send({ kind: 'close', stream: this.#id })
    this.#ports.onClose()
  }

  /** For the thread's owner: some more pieces are done. */
  hashed(hashes: Uint8Array): void {
    this.#hashes.set(hashes, this.#pieces * HASH_BYTES)
    this.#pieces += hashes.length / HASH_BYTES
    this.#ports.onProgress?.(this.hashes)
    this.#changed()
  }

  /** For the thread's owner: a block is given back. */
  freed(block: Uint8Array<ArrayBuffer>): void {
    this.#free.push(block)
    this.#changed()
  }

  /** For the thread's owner: no more answers come. */
  fail(cause: Error): void {
    this.#failure ??= cause
    this.#changed()
  }

  #hashThere({ request, from, to, length }: ThreadBytes): void {
    if (this.#failure) throw this.#failure
    this.#flush()
    this.#position += length
    this.#ports.send({ kind: 'take', stream: this.#id, request, from, to })
  }

  #flush(): void {
    if (this.#filling === null) return
    const [block, length] = [this.#filling, this.#filled]
    this.#filling = null
    this.#filled = 0
    this.#ports.send({ kind: 'bytes', stream: this.#id, block, length })
  }

  async #freeBlock(): Promise<Uint8Array<ArrayBuffer>> {
    for (;;) {
      const free = this.#free.pop()
      if (free && this.#failure === null) return free
      if (this.#blocks < BLOCKS && this.#failure === null) {
        this.#blocks += 1
        return new Uint8Array(BLOCK_BYTES)
      }
      await this.#change()
    }
  }

  async #change(): Promise<void> {
    if (this.#failure === null) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve
      })
    }
    if (this.#failure) throw this.#failure
  }
}
