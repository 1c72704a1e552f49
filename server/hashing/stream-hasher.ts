// SHA-1 of every piece (BEP 3) of bytes that come in over time, from the network for one. One
// thread serves all streams, so that builds from elsewhere never take more than one core.
// Bytes from a socket share their memory with what came beside them, so they are gathered in blocks,
// which are transferred to the thread and back: at most 2 MiB of a stream are on their way.
// Whoever made the hasher closes it; whoever opened a stream closes that.
import { Worker } from 'node:worker_threads'
import type { PieceLayout } from '#protocol/pieces.ts'
import { HASH_BYTES, type StreamCommand, type StreamReply } from './hash-task.ts'

const BLOCK_BYTES = 256 * 1024 // eight of them wait for the thread, of each stream
const BLOCKS = 8

interface StreamOptions {
  /** Hashes of the first pieces, from an earlier run; a multiple of 20 bytes. */
  readonly done?: Uint8Array
  /** Called after each piece with all hashes from the first piece on, without a gap. */
  readonly onProgress?: (hashes: Uint8Array) => void
}

export class StreamHasher {
  readonly #streams = new Map<number, HashStream>()
  #worker: Worker | null = null
  #last = 0
  #closed = false

  /** @returns a stream that wants the bytes from the first piece on that is not done */
  open(layout: PieceLayout, options: StreamOptions = {}): HashStream {
    if (this.#closed) throw new Error('the stream hasher is closed')
    const id = ++this.#last
    const worker = this.#warmWorker()
    const send = (command: StreamCommand) =>
      worker.postMessage(command, command.kind === 'bytes' ? [command.block.buffer] : [])
    const onClose = () => {
      this.#streams.delete(id)
      if (this.#streams.size === 0) worker.unref()
    }
    const stream = new HashStream(id, layout, { ...options, send, onClose })
    this.#streams.set(id, stream)
    worker.ref()
    return stream
  }

  #warmWorker(): Worker {
    if (this.#worker) return this.#worker
    const worker = new Worker(new URL('./stream-worker.ts', import.meta.url), {
      resourceLimits: { maxYoungGenerationSizeMb: 2 },
    })
    const fail = (cause: Error) => {
      if (this.#worker === worker) this.#worker = null
      for (const stream of [...this.#streams.values()]) stream.fail(cause)
    }
    worker.on('message', (reply: StreamReply) => this.#streams.get(reply.stream)?.receive(reply))
    worker.on('error', fail)
    worker.on('exit', () => fail(new Error('the thread that hashes streams ended')))
    worker.unref()
    this.#worker = worker
    return worker
  }

  /** Ends the thread; open streams fail. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#worker?.terminate()
  }
}

interface StreamPorts extends StreamOptions {
  readonly send: (command: StreamCommand) => void
  readonly onClose: () => void
}

/** The bytes of one file, in order; one `write` at a time. */
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
   * Takes the next bytes; they may be overwritten afterwards.
   * @returns when more may come
   * @throws RangeError when they are more than the file has
   * @throws Error when the thread or the hasher ended
   */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#position + bytes.length > this.#layout.size) {
      throw new RangeError(`more bytes came than the ${this.#layout.size} of the file`)
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

  /** For the hasher: the thread's answer. */
  receive({ block, hashes }: StreamReply): void {
    this.#free.push(block)
    if (hashes.length > 0) {
      this.#hashes.set(hashes, this.#pieces * HASH_BYTES)
      this.#pieces += hashes.length / HASH_BYTES
      this.#ports.onProgress?.(this.hashes)
    }
    this.#changed()
  }

  /** For the hasher: no more answers come. */
  fail(cause: Error): void {
    this.#failure ??= cause
    this.#changed()
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
