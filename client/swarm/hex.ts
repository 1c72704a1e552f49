// Bytes as hex digits: peer ids, info hashes and the hashes of pieces are written so.

/** @returns two lower-case digits for each byte */
export function hexOf(bytes: Iterable<number>): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
