// Buffers for file bytes on their way to sockets, in four sizes, given back and used again: a fresh
// buffer for each read costs a third of the speed, most of it the collector's. The more bodies are
// under way, the smaller the buffers, so that slow clients cannot pin much memory: 48 MiB, until there
// are 768 of them. What is free and kept beside that is less than 80 MiB, in a crowd of 96.
import { fileBuffer } from '../blobs/file-buffer.ts'

const SIZES = [64 * 1024, 256 * 1024, 512 * 1024, 1024 * 1024] as const
/**
 * Buffers kept for reuse, by size; 32 MiB in all. A larger crowd keeps as many as it has bodies of the
 * size that they use; what is beyond that is left to the collector.
 */
const KEPT = [64, 32, 16, 12] as const
/** Up to so many bodies under way, a body may use a buffer of the size. */
const CROWD = [Number.POSITIVE_INFINITY, 192, 96, 48] as const

export class BufferPool {
  readonly #free: Buffer[][] = SIZES.map(() => [])

  /**
   * @param wanted bytes that are left to send
   * @param bodies bodies under way
   * @returns a buffer of at least `wanted` bytes, or of the largest size that the crowd allows
   */
  take(wanted: number, bodies: number): Buffer {
    let place = 0
    while (
      place + 1 < SIZES.length &&
      wanted > (SIZES[place] as number) &&
      bodies <= (CROWD[place + 1] as number)
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
    this.#free[SIZES.indexOf(buffer.length as (typeof SIZES)[number])]?.push(buffer)
    for (const [place, free] of this.#free.entries()) {
      const inUse = bodies <= (CROWD[place] as number) ? bodies : 0
      free.length = Math.min(free.length, Math.max(KEPT[place] as number, inUse))
    }
  }
}
