// Asks a web seed for a range of the file, and believes only an answer that is exactly those bytes of
// the title's revision (RFC 9110 §14). Any site may be asked: what its server hides from pages of
// others (CORS) is judged by what is left.
import type { Bytes } from '../storage/piece-store.ts'
import type { SeedFault } from './web-seeds.ts'

/** Says why an attempt failed, and how long the server asked to be left alone. */
export class AttemptError extends Error {
  readonly fault: SeedFault
  /** Nothing came for so long that somebody may be waiting already. */
  readonly silent: boolean
  readonly retryAfter: string | null
  constructor(
    message: string,
    { fault = 'failed' as SeedFault, silent = false, retryAfter = null as string | null } = {},
  ) {
    super(message)
    this.fault = fault
    this.silent = silent
    this.retryAfter = retryAfter
  }
}

/** @param range as in the header; a single one, so that another site is not asked for leave first */
export function askForRange(url: string, range: string, signal: AbortSignal): Promise<Response> {
  return fetch(url, {
    headers: { range },
    signal,
    // The piece store is the cache. The HTTP cache would keep everything twice, make parallel
    // ranges of one URL wait for each other, and hide bytes from the origin's own count.
    cache: 'no-store',
    credentials: 'same-origin',
    referrerPolicy: 'no-referrer',
  })
}

export interface AskedRange {
  /** First byte. */
  readonly start: number
  /** The byte after the last one. */
  readonly end: number
  /** Bytes of the whole file. */
  readonly size: number
}

/** @throws AttemptError unless the response carries exactly the bytes asked for */
export function bodyOfRange(
  { status, headers, body, url }: Response,
  { start, end, size }: AskedRange,
): ReadableStream<Bytes> {
  const fail = (message: string, details = {}): never => {
    void body?.cancel()
    throw new AttemptError(message, details)
  }
  const length = end - start
  const contentRange = headers.get('content-range')
  const total = /^bytes [^/]+\/(\d+)$/.exec(contentRange ?? '')?.[1]
  if (status === 404) fail('the file is gone (404)', { fault: 'deleted' })
  if (status === 410) fail('this revision of the file is gone (410)', { fault: 'changed' })
  if ((status === 206 || status === 416) && total !== undefined && Number(total) !== size) {
    fail(`the file has ${total} bytes instead of ${size}`, { fault: 'changed' })
  }
  if (status !== 206 && status !== 200) {
    fail(`the server answered ${status}`, { retryAfter: headers.get('retry-after') })
  }
  const wrong = (message: string): never => fail(message, { fault: 'wrong' })
  const encoding = headers.get('content-encoding') ?? 'identity'
  if (encoding !== 'identity') wrong(`the bytes are compressed (${encoding})`)
  if (status === 200 && length !== size) wrong('the server ignores ranges')
  const contentLength = headers.get('content-length')
  if (status === 206) {
    const expected = `bytes ${start}-${end - 1}/`
    // Another site may hide the header from us (CORS); then the length must do.
    const right = contentRange
      ? contentRange === `${expected}${size}` || contentRange === `${expected}*`
      : new URL(url).origin !== globalThis.location?.origin && contentLength === `${length}`
    if (!right) wrong(`asked for ${expected}${size}, got ${contentRange ?? 'an unnamed range'}`)
  }
  if (contentLength !== null && Number(contentLength) !== length) {
    wrong(`the server announces ${contentLength} bytes instead of ${length}`)
  }
  return (body as ReadableStream<Bytes> | null) ?? fail('the answer has no body')
}

/** Remembers for each URL what its server called the file at first. */
export class Validators {
  readonly #known = new Map<string, { readonly name: string; readonly value: string }>()

  /** @throws AttemptError when the file at the URL is another one than before */
  check(url: string, { headers, body }: Response): void {
    const seen = validatorOf(headers)
    const known = this.#known.get(url)
    if (seen === null) return
    if (known === undefined) this.#known.set(url, seen)
    else if (known.name === seen.name && known.value !== seen.value) {
      void body?.cancel()
      throw new AttemptError('the file has changed', { fault: 'changed' })
    }
  }
}

/** @returns a strong entity tag, or the date where none is to be seen */
function validatorOf(headers: Headers): { readonly name: string; readonly value: string } | null {
  const etag = headers.get('etag')
  if (etag?.startsWith('"')) return { name: 'etag', value: etag }
  const date = headers.get('last-modified')
  return date === null ? null : { name: 'last-modified', value: date }
}
