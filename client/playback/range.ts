// The `Range` header as RFC 9110 §14 has it, for one file of known size.

/** Bytes `start` to `end`, the end not included. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/**
 * @param header value of the `Range` header, or `null`
 * @param size bytes of the file, at least 1
 * @returns the one range asked for (206); `'whole'` (200) when there is no header, another unit,
 *   several ranges or a malformed one, which RFC 9110 §14.2 allows to ignore; `'unsatisfiable'`
 *   (416) when it begins beyond the end or asks for the last 0 bytes
 */
export function parseRange(
  header: string | null,
  size: number,
): ByteRange | 'whole' | 'unsatisfiable' {
  const match = /^\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*$/i.exec(header ?? '')
  if (!match) return 'whole'
  const [, first = '', last = ''] = match
  if (first === '') {
    if (last === '') return 'whole'
    const length = Math.min(Number(last), size)
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size }
  }
  const start = Number(first)
  if (last !== '' && Number(last) < start) return 'whole'
  if (start >= size) return 'unsatisfiable'
  return { start, end: last === '' ? size : Math.min(Number(last) + 1, size) }
}
