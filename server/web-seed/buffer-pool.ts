// Buffers for file bytes on their way to sockets, in four sizes, given back and used again: a fresh
// buffer for each read costs a third of the speed, most of it the collector's. The more bodies are
// under way, the smaller the buffers, so that slow clients cannot pin much memory: 64 MiB, until there
// are 1,024 of them. What is free and kept beside that is at most 32 MiB.
import { fileBuffer } from '../blobs/file-buffer.ts'

const SIZES = [64 * 1024, 256 * 1024, 512 * 1024, 1024 * 1024] as const
/**
 * Buffers kept for reuse, by size; 32 MiB in all. A larger crowd keeps as many as it has bodies of the
 * size that they use; what is beyond that is left to the collector.
 */
const KEPT = [64, 32, 16, 12] as const
/** Up to so many bodies under way, a body may use a buffer of the size. */
const CROWD = [Number.POSITIVE_INFINITY, 256, 128, 64] as const

/** So long a crowd is remembered at least. */
const WINDOW_MS = 2_000

export class BufferPool {
  readonly #free: Buffer[][] = SIZES.map(() => [])
  readonly #now: () => number
  /** Most bodies at a time, of this window and the last: they come and go in waves. */
  #peaks = { present: 0, last: 0, since: 0 }

  /** @param now milliseconds, never going back */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /**
   * @param wanted bytes that are left to send
   * @param bodies bodies under way
   * @returns a buffer of at least `wanted` bytes, or of the largest size that the crowd allows
   */
  take(wanted: number, bodies: number): Buffer {
    const crowd = this.#crowdOf(bodies)
    let place = 0
    while (
      place + 1 < SIZES.length &&
      wanted > (SIZES[place] as number) &&
      crowd <= (CROWD[place + 1] as number)
    ) {
      place += 1
    }
    return this.#free[place]?.pop() ?? fileBuffer(SIZES[place] as number)
  }

  /**
   * Takes back a buffer that nothing reads or writes any more.
   * @param bodies bodies under way
   */
  give(buffer: Buffer, bodies: number): void {
    const crowd = this.#crowdOf(bodies)
    this.#free[SIZES.indexOf(buffer.length as (typeof SIZES)[number])]?.push(buffer)
    for (const [place, free] of this.#free.entries()) {
      const inUse = crowd <= (CROWD[place] as number) ? crowd : 0
      free.length = Math.min(free.length, Math.max(KEPT[place] as number, inUse))
    }
  }

  #crowdOf(bodies: number): number {
    const now = this.#now()
    const { present, last, since } = this.#peaks
    this.#peaks =
      now - since < WINDOW_MS
        ? { present: Math.max(present, bodies), last, since }
        : { present: bodies, last: present, since: now }
    return Math.max(this.#peaks.present, this.#peaks.last)
  }
}
