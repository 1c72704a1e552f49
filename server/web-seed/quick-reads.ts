// Reads that do not leave the main thread. Bytes that lie in the system's page cache are there in a
// tenth of the time that it takes to ask a thread for them, and at a single connection nothing else
// could be done meanwhile. Where a read waits for the disk the next ones are not tried for a while.
import { readSync } from 'node:fs'

/** Longer than any read from memory; what waits for a disk that turns takes longer. */
const SLOW_MS = 4
const REST_MS = 10_000

export class QuickReads {
  readonly #now: () => number
  #restsUntil = Number.NEGATIVE_INFINITY

  /** @param now milliseconds, never going back */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /**
   * @param position of the first byte in the file
   * @returns how many bytes of the buffer are filled; 0 when the other way should be gone, which
   *   also tells of errors
   */
  read(fd: number, buffer: Buffer, length: number, position: number): number {
    const startedAt = this.#now()
    if (startedAt < this.#restsUntil) return 0
    let bytes = 0
    try {
      bytes = readSync(fd, buffer, 0, length, position)
    } catch {}
    const endedAt = this.#now()
    if (endedAt - startedAt > SLOW_MS) this.#restsUntil = endedAt + REST_MS
    return bytes
  }
}
