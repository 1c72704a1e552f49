// Conditional requests by RFC 9110 §13, as pure functions of header texts.

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
