// Range and conditional requests by RFC 9110 §13 and §14, as pure functions of header texts.

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
 * @param header text of `Range`, or undefined
 * @param size bytes of the file
 */
export function decideRange(header: string | undefined, size: number): RangeDecision {
  if (header === undefined) return WHOLE
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

/** Validators of the file as it is now. */
export interface Validators {
  /** Strong, with its quotes. */
  readonly etag: string
  /** Milliseconds since 1970. */
  readonly lastModified: number
}

/** The conditional headers of a request, as `node:http` gives them. */
export interface Conditions {
  readonly 'if-match'?: string | undefined
  readonly 'if-none-match'?: string | undefined
  readonly 'if-modified-since'?: string | undefined
  readonly 'if-unmodified-since'?: string | undefined
  readonly 'if-range'?: string | undefined
}

/**
 * RFC 9110 §13.2.2, the order of precedence for GET and HEAD.
 * @returns `proceed`, `not-modified` (304) or `failed` (412)
 */
export function evaluateConditions(
  conditions: Conditions,
  validators: Validators,
): 'proceed' | 'not-modified' | 'failed' {
  const modified = Math.floor(validators.lastModified / 1000) * 1000 // HTTP dates have seconds
  const match = conditions['if-match']
  if (match !== undefined) {
    if (!lists(match, validators.etag, 'strong')) return 'failed'
  } else {
    const since = parseDate(conditions['if-unmodified-since'])
    if (since !== null && modified > since) return 'failed'
  }
  const noneMatch = conditions['if-none-match']
  if (noneMatch !== undefined) {
    return lists(noneMatch, validators.etag, 'weak') ? 'not-modified' : 'proceed'
  }
  const since = parseDate(conditions['if-modified-since'])
  return since !== null && modified <= since ? 'not-modified' : 'proceed'
}

/**
 * RFC 9110 §13.1.5.
 * @returns whether a `Range` header counts: always without `If-Range`, else only when it names the
 *   file as it is now
 */
export function rangeApplies(conditions: Conditions, validators: Validators): boolean {
  const condition = conditions['if-range']?.trim()
  if (condition === undefined) return true
  if (condition.startsWith('"')) return condition === validators.etag
  if (condition.startsWith('W/')) return false
  return parseDate(condition) === Math.floor(validators.lastModified / 1000) * 1000
}

function lists(header: string, etag: string, comparison: 'strong' | 'weak'): boolean {
  if (header.trim() === '*') return true
  return header
    .split(',')
    .map((tag) => tag.trim())
    .some((tag) => tag === etag || (comparison === 'weak' && tag === `W/${etag}`))
}

function parseDate(text: string | undefined): number | null {
  const time = text === undefined ? Number.NaN : Date.parse(text)
  return Number.isNaN(time) ? null : time
}
