// Memory for what is read from files. Node's own large buffers begin 16 bytes into a page of memory,
// and to there some processors (AMD EPYC among them) copy a page of a file at a quarter of their
// speed: 1.2 instead of 5 GB/s, measured with Node 24 and glibc 2.36 (docs/decisions/0006).

const MALLOC_HEADER_BYTES = 16
const LINE_BYTES = 64

/**
 * @returns a buffer of `bytes` bytes with any content. Where glibc maps it, from 128 KiB on, it begins
 *   where a cache line does; elsewhere anywhere, which is seldom that bad place
 */
export function fileBuffer(bytes: number): Buffer {
  const start = LINE_BYTES - MALLOC_HEADER_BYTES
  return Buffer.allocUnsafeSlow(bytes + LINE_BYTES).subarray(start, start + bytes)
}
