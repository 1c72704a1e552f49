// Reads that do not leave the main thread. Bytes that lie in the system's page cache are there in a
// tenth of the time that it takes to ask a thread for them, and at a single connection nothing else
// could be done meanwhile. A thread reads first, and again whenever a read was slow or the last one is
// long ago: a disk that has to be waited for holds up the server for one read at most.
import { read, readSync } from 'node:fs'

/** Longer than any read from memory; what waits for a disk that turns takes longer. */
const SLOW_MS = 4
/** A disk may have gone to sleep by then. */
const TRUST_MS = 10_000

export class QuickReads {
  readonly #now: () => number
  #trustedUntil = Number.NEGATIVE_INFINITY

  /** @param now milliseconds, never going back */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /**
   * As `fs.read`, into the buffer's beginning.
   * @param position of the first byte in the file
   * @param onRead called in a later turn of the event loop, so that others have theirs
   */
  read(
    fd: number,
    buffer: Buffer,
    length: number,
    position: number,
    onRead: (error: Error | null, bytes: number) => void,
  ): void {
    if (this.#now() < this.#trustedUntil) {
      setImmediate(() => onRead(...this.#readNow(fd, buffer, length, position)))
      return
    }
    const startedAt = this.#now()
    read(fd, buffer, 0, length, position, (error, bytes) => {
      this.#judge(startedAt)
      onRead(error, bytes)
    })
  }

  #readNow(
    fd: number,
    buffer: Buffer,
    length: number,
    position: number,
  ): [error: Error | null, bytes: number] {
    const startedAt = this.#now()
    try {
      return [null, readSync(fd, buffer, 0, length, position)]
    } catch (error) {
      return [error as Error, 0]
    } finally {
      this.#judge(startedAt)
    }
  }

  #judge(startedAt: number): void {
    const now = this.#now()
    this.#trustedUntil = now - startedAt > SLOW_MS ? Number.NEGATIVE_INFINITY : now + TRUST_MS
  }
}
