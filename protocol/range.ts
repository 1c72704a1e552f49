// The `Range` header as RFC 9110 §14 has it, for one file of known size. The web seed and the
// service worker's page read it by the same rules, so a `<video>` sees no difference.

/** What to send of a file: everything, one range, or a refusal. Byte numbers are inclusive. */
export type RangeDecision =
  | { readonly kind: 'whole' }
  | { readonly kind: 'range'; readonly start: number; readonly end: number }
  | { readonly kind: 'unsatisfiable' }

const WHOLE: RangeDecision = { kind: 'whole' }
const UNSATISFIABLE: RangeDecision = { kind: 'unsatisfiable' }

/**
 * Several ranges and units other than bytes are ignored, as RFC 9110 §14.2 lets a server do: the
 * answer is the whole file. A bytes range that is malformed, reversed or beyond the end is refused.
 * @param header text of `Range`; undefined or `null` when there was none
 * @param size bytes of the file
 */
export function decideRange(header: string | undefined | null, size: number): RangeDecision {
  if (header === undefined || header === null) return WHOLE
  const [, unit, set] = /^\s*([^\s=]+)\s*=\s*(.*?)\s*$/.exec(header) ?? []
  if (unit === undefined || set === undefined || unit.toLowerCase() !== 'bytes') return WHOLE
  if (set.includes(',')) return WHOLE
  const [, first, last] = /^(\d*)-(\d*)$/.exec(set) ?? []
  if (first === undefined || last === undefined) return UNSATISFIABLE
  if (first === '') {
    const length = Number(last) // of the suffix; NaN-free: digits or empty
    if (last === '' || length === 0) return UNSATISFIABLE
    return { kind: 'range', start: Math.max(0, size - length), end: size - 1 }
  }
  const start = Number(first)
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if (start >= size || (last !== '' && Number(last) < start)) return UNSATISFIABLE
  return { kind: 'range', start, end }
}
