// A copy of a file elsewhere while it comes in: bytes are appended to a file, and readers follow,
// each waiting for the bytes it wants. Who reads keeps its own descriptor, so the file may be renamed
// or removed under it. Owned by `SourceCopies`.
import { type FileHandle, open } from 'node:fs/promises'
import { fileBuffer } from '../blobs/file-buffer.ts'

const READ_BYTES = 256 * 1024

/** The disk is to blame, not the source. */
export class CopyFailed extends Error {
  override readonly name = 'CopyFailed'
}

/** A reader waited for too long. */
export class CopyLate extends Error {
  override readonly name = 'CopyLate'
}

interface ReadOptions {
  readonly signal: AbortSignal
  /** How long the bytes may take to get nearer, milliseconds; for ever when left out. */
  readonly patience?: number
}

export class GrowingCopy {
  /** Resolves when the copy is whole and in its place; rejects when it never will be. */
  readonly whole: Promise<void>
  readonly #path: string
  readonly #finalPath: string
  readonly #settle: { readonly resolve: () => void; readonly reject: (cause: unknown) => void }
  #length = 0
  #failure: { readonly cause: unknown } | null = null
  readonly #waiting = new Set<() => void>()

  /**
   * @param path of the file while it grows
   * @param finalPath where it is moved when it is whole
   */
  constructor(path: string, finalPath: string) {
    this.#path = path
    this.#finalPath = finalPath
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.whole = promise
    promise.catch(() => {}) // who reads is told as well
    this.#settle = { resolve, reject }
  }

  /** Bytes that are there, from the first on without a gap. */
  get length(): number {
    return this.#length
  }

  /** True once a viewer has read from it, not only a build. */
  isWatched = false

  /** For the owner: more bytes are there. */
  grewTo(length: number): void {
    this.#length = length
    this.#wakeAll()
  }

  finished(): void {
    this.#settle.resolve()
  }

  failed(cause: unknown): void {
    this.#failure = { cause }
    this.#settle.reject(cause)
    this.#wakeAll()
  }

  /**
   * @param start first byte
   * @param end the byte after the last one
   * @returns the bytes as they come; a chunk is overwritten when the next one is asked for
   * @throws why the copy failed; CopyLate
   */
  async *read(start: number, end: number, options: ReadOptions): AsyncGenerator<Buffer, void> {
    if (start >= end) return
    await this.#reached(start, options)
    await using file = await this.#open()
    const buffer = fileBuffer(Math.min(READ_BYTES, end - start))
    for (let position = start; position < end; ) {
      await this.#reached(position, options)
      const wanted = Math.min(buffer.length, end - position, this.#length - position)
      const { bytesRead } = await file.read(buffer, 0, wanted, position)
      if (bytesRead === 0) throw new CopyFailed(`the copy ends at byte ${position}`)
      position += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  }

  async #open(): Promise<FileHandle> {
    try {
      return await open(this.#path, 'r')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      return open(this.#finalPath, 'r')
    }
  }

  /** Waits until the byte at `position` is there. */
  async #reached(position: number, { signal, patience }: ReadOptions): Promise<void> {
    const startedAt = performance.now()
    while (this.#length <= position) {
      if (this.#failure) throw this.#failure.cause
      signal.throwIfAborted()
      const left = patience === undefined ? null : patience - (performance.now() - startedAt)
      if (left !== null && left <= 0) throw new CopyLate('the copy does not come near fast enough')
      const { promise, resolve } = Promise.withResolvers<void>()
      const go = () => resolve()
      const timer = left === null ? undefined : setTimeout(go, left)
      this.#waiting.add(go)
      signal.addEventListener('abort', go)
      await promise
      clearTimeout(timer)
      this.#waiting.delete(go)
      signal.removeEventListener('abort', go)
    }
  }

  #wakeAll(): void {
    for (const wake of [...this.#waiting]) wake()
  }
}
