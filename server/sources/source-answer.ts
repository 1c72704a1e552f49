// What the answer of a source says of its file, and whether it is an answer to what was asked.
// Nothing in it is believed further than it can be checked. Pure.
import { parse as parseDisposition } from 'content-disposition'
import { SlipstreamError } from '../http/errors.ts'
import {
  type KnownSource,
  SourceChanged,
  type SourceFacts,
  type SourceSpan,
} from './source-client.ts'

/** Status line and headers of an answer, its redirects followed. */
export interface AnswerHead {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Host that was asked, for messages. */
  readonly host: string
  /** Pages of any site may read this answer, and could follow the redirects to it (CORS). */
  readonly isOpen: boolean
}

/** What one answer tells; `null` where it is silent. */
export interface ToldFacts extends Omit<SourceFacts, 'size' | 'ranges'> {
  readonly size: number | null
  readonly ranges: boolean | null
}

/** Longer ones are not kept. */
const MAX_ETAG = 256
/** For how long at most a source may ask to be left alone, seconds. */
const MAX_RETRY_AFTER = 3_600

/** @returns facts from an answer of 200 or 206 */
export function factsOf(head: AnswerHead): ToldFacts {
  const accepts = header(head, 'accept-ranges')?.trim().toLowerCase()
  const contentLength = lengthOf(head)
  const range = contentRangeOf(head)
  const isPartial = head.status === 206
  const size = isPartial ? (range?.size ?? null) : contentLength
  const lengthIsSeen = contentLength !== null || exposes(head, 'content-range')
  return {
    size: isEncoded(head) ? null : size,
    type: header(head, 'content-type')?.split(';', 1)[0]?.trim().toLowerCase() || null,
    etag: etagOf(head),
    lastModified: lastModifiedOf(head),
    ranges: isPartial ? true : accepts === 'bytes' ? true : accepts === 'none' ? false : null,
    cors: head.isOpen && lengthIsSeen,
    filename: filenameOf(head),
  }
}

/** @returns true when the body is compressed, so that its bytes are not the file's */
export function isEncoded(head: AnswerHead): boolean {
  const coding = header(head, 'content-encoding')?.trim().toLowerCase()
  return coding !== undefined && coding !== '' && coding !== 'identity'
}

/** @returns true when a file's length or validator shows that it is not the known one */
export function isAnotherFile(
  known: Omit<KnownSource, 'ranges'>,
  seen: Pick<ToldFacts, 'size' | 'etag' | 'lastModified'>,
): boolean {
  if (seen.size !== null && seen.size !== known.size) return true
  if (known.etag !== null && seen.etag !== null) return known.etag !== seen.etag
  return (
    known.lastModified !== null &&
    seen.lastModified !== null &&
    known.lastModified !== seen.lastModified
  )
}

/**
 * @throws SourceChanged, SlipstreamError unless the answer carries exactly the bytes of the span
 */
export function assertSpan(head: AnswerHead, { start, end, known }: SourceSpan): void {
  const { status, host } = head
  if (status === 412 || status === 416) throw new SourceChanged(`${host} answered ${status}`)
  if (status !== 200 && status !== 206) throw refusalOf(head)
  if (isEncoded(head)) {
    throw unsuitable(`${host} compresses the file on its way. Have it send the file as it is.`)
  }
  const seen = factsOf(head)
  if (isAnotherFile(known, seen)) throw new SourceChanged(`${host} has another file now`)
  const isWhole = start === 0 && end === known.size
  if (status === 200 && !isWhole) {
    throw new SourceChanged(`${host} ignores ranges, though it said that it answers them`)
  }
  const range = contentRangeOf(head)
  if (status === 206 && (!known.ranges || range?.start !== start || range.end !== end)) {
    throw unsuitable(
      `${host} was asked for bytes ${start} to ${end - 1} and answers ` +
        `${JSON.stringify(header(head, 'content-range')?.slice(0, 100) ?? 'without a Content-Range')}.`,
    )
  }
  const isNamed = header(head, 'etag') !== null || header(head, 'last-modified') !== null
  if (status === 206 && known.etag !== null && !isNamed) {
    throw unsuitable(
      `${host} sends the file with an ETag, but parts of it without one, so that a change between two ` +
        'parts would not be seen. Have it send the ETag with each answer (RFC 9110 §15.3.7).',
    )
  }
  const length = lengthOf(head)
  if (length !== null && length !== end - start) {
    throw unsuitable(`${host} announces ${length} bytes instead of ${end - start}.`)
  }
}

/** @returns the error for a status that is neither 200 nor 206 */
export function refusalOf(head: AnswerHead): SlipstreamError {
  const { status, host } = head
  if (status === 404 || status === 410) {
    return new SlipstreamError('not_found', `${host} has no such file (${status}). Check the URL.`)
  }
  const isPassing = status >= 500 || [408, 425, 429].includes(status)
  if (!isPassing)
    return unsuitable(
      `${host} answered ${status} instead of the file. Let it send the file to everybody.`,
    )
  const seconds = retryAfterOf(head)
  return new SlipstreamError(
    'source_unreachable',
    `${host} answered ${status}. Try again later.`,
    seconds === null ? {} : { headers: { 'Retry-After': String(seconds) } },
  )
}

/** @returns an error that another attempt does not mend */
export function unsuitable(message: string): SlipstreamError {
  return new SlipstreamError('source_unsuitable', message)
}

/** @returns the header, several of a name joined as RFC 9110 §5.3 says */
export function header({ headers }: Pick<AnswerHead, 'headers'>, name: string): string | null {
  const value = headers[name]
  return value === undefined ? null : [value].flat().join(', ')
}

/** @returns the range that the answer carries, `end` behind its last byte; `size` may be unknown */
function contentRangeOf(head: AnswerHead) {
  const match = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16}|\*)$/i.exec(
    header(head, 'content-range')?.trim() ?? '',
  )
  if (match === null) return null
  const size = match[3] === '*' ? null : Number(match[3])
  return { start: Number(match[1]), end: Number(match[2]) + 1, size }
}

function lengthOf(head: AnswerHead): number | null {
  const text = header(head, 'content-length')
  return text !== null && /^\d{1,16}$/.test(text) ? Number(text) : null
}

function etagOf(head: AnswerHead): string | null {
  const text = header(head, 'etag')?.trim() ?? ''
  return text.length <= MAX_ETAG && /^"[\x21\x23-\x7e]*"$/.test(text) ? text : null
}

function lastModifiedOf(head: AnswerHead): string | null {
  const text = header(head, 'last-modified')?.trim() ?? ''
  return /^[\w,: +-]{10,64}$/.test(text) && !Number.isNaN(Date.parse(text)) ? text : null
}

function filenameOf(head: AnswerHead): string | null {
  const text = header(head, 'content-disposition')
  if (text === null) return null
  try {
    return parseDisposition(text).parameters['filename'] || null
  } catch {
    return null
  }
}

function exposes(head: AnswerHead, name: string): boolean {
  const names = header(head, 'access-control-expose-headers')?.toLowerCase().split(',') ?? []
  return names.some((one) => one.trim() === name || one.trim() === '*')
}

function retryAfterOf(head: AnswerHead): number | null {
  const text = header(head, 'retry-after')?.trim() ?? ''
  if (!/^\d{1,9}$/.test(text)) return null // a date needs a clock that agrees with ours
  return Math.min(MAX_RETRY_AFTER, Math.max(1, Number(text)))
}
