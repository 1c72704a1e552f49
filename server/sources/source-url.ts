// URLs of media as strangers send them, brought to one form, and the question whether they lie below
// an allowed origin. A URL that two programs could read as two paths is refused. Pure.
import { SlipstreamError } from '../http/errors.ts'

/** Characters of a URL; browsers and servers take more, links do not. */
export const MAX_URL = 2_000

/**
 * What another program may decode to a separator, to `..` or to an end of text, once or twice over, or
 * by a decoder that takes overlong UTF-8 (`%c0%af`) or `%u002f`.
 */
const AMBIGUOUS = /%(25)*(2f|5c|00|u00|c[01]%[89ab]|e0%80)|%25(25)*2e/i
/** Some servers cut what follows the semicolon off a segment: `..;x`. */
const PARAMETER = /(^|\/)(\.|%2e){1,2};/i
/** RFC 3986 §2.3: encoded or not, they mean the same. */
const UNRESERVED = /^[\w.~-]$/

/**
 * @param text as sent, any text at all
 * @returns without fragment, its default port left out, letters of the path encoded only where needed
 * @throws SlipstreamError `bad_request` when it is no URL, too long, has a user name, or a path that
 *   can be read in two ways; `source_not_allowed` for a scheme other than http and https
 */
export function parseSourceUrl(text: unknown): URL {
  if (typeof text !== 'string' || !URL.canParse(text)) {
    throw refused('The parameter "url" must be an absolute URL of a media file.')
  }
  const sent = text.trim()
  if (sent.length > MAX_URL) throw refused(`The URL has more than ${MAX_URL} characters.`)
  const url = new URL(sent)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    const message = `Media come from http and https addresses only, not from ${url.protocol.slice(0, 20)}.`
    throw new SlipstreamError('source_not_allowed', message)
  }
  if (url.username !== '' || url.password !== '') {
    throw refused('The URL carries a user name or password. Leave it out.')
  }
  const path = sent.split(/[?#]/, 1)[0] ?? ''
  url.hash = ''
  url.pathname = url.pathname.replaceAll(/%[\da-f]{2}/gi, (encoded) => {
    const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16))
    return UNRESERVED.test(character) ? character : encoded.toUpperCase()
  })
  // The parser drops tabs and line ends, and takes a backslash for a slash: others do not. And what
  // was decoded may make an escape with its neighbours: `%%32f` is `%2f` now.
  const isPlain = ![path, url.pathname].some((one) => AMBIGUOUS.test(one) || PARAMETER.test(one))
  if (/[\p{Cc}\\]/u.test(sent) || !isPlain) {
    throw refused(
      'The URL can be read in two ways: it has a backslash, a control character, or an ' +
        'encoded slash or dot. Use a plain path.',
    )
  }
  if (url.href.length > MAX_URL) throw refused(`The URL has more than ${MAX_URL} characters.`)
  return url
}

/**
 * @param url from `parseSourceUrl`
 * @param origin scheme, host, port and path prefix with a slash at its end
 */
export function isBelow(url: URL, origin: string): boolean {
  if (!URL.canParse(origin)) return false
  const allowed = new URL(origin)
  return url.origin === allowed.origin && url.pathname.startsWith(allowed.pathname)
}

/** @returns the last segment of the path, decoded where that is possible; may be empty */
export function lastSegmentOf(url: URL): string {
  const segment = url.pathname.split('/').at(-1) ?? ''
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

function refused(message: string): SlipstreamError {
  return new SlipstreamError('bad_request', message)
}
