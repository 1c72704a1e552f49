// Refuses writes that another website makes a visitor's browser send (CSRF). Browsers say where a
// request comes from in headers that a page cannot set; programs send none and pass: they have no
// cookie jar that somebody else could misuse.
import type { IncomingMessage } from 'node:http'
import { SlipstreamError } from './errors.ts'
import type { OriginOf } from './request-address.ts'

const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS']

/**
 * Does nothing for GET, HEAD and OPTIONS.
 * @throws SlipstreamError `cross_origin` when the request comes from another site's page,
 *   `bad_request` for a `Host` that is none
 */
export function assertSameOrigin(request: IncomingMessage, originOf: OriginOf): void {
  if (SAFE_METHODS.includes(request.method ?? '')) return
  const { origin, host } = request.headers
  if (origin !== undefined) {
    if (isOurs(origin, new URL(originOf(request)).origin, host)) return
    throw refusal(`the page's address ${JSON.stringify(origin.slice(0, 200))} is not this server's`)
  }
  const site = request.headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    throw refusal('it comes from another site')
  }
}

/** Host and port must agree; a page over https is fine even when we do not see the TLS in front. */
function isOurs(origin: string, expected: string, host: string | undefined): boolean {
  if (origin === expected) return true
  if (!URL.canParse(origin)) return false // `null` among others
  const page = new URL(origin)
  if (page.origin !== origin) return false
  const own = new URL(expected)
  const downgraded = page.protocol === 'http:' && own.protocol === 'https:'
  if (page.host === own.host || hostAs(page.protocol, own.host) === page.host) return !downgraded
  // PUBLIC_URL names another host, but this one was asked for: on the machine itself, for example.
  return host !== undefined && hostAs(page.protocol, host) === page.host
}

/** @returns host and port without the scheme's default port. */
function hostAs(protocol: string, host: string): string | null {
  return URL.canParse(`${protocol}//${host}`) ? new URL(`${protocol}//${host}`).host : null
}

function refusal(why: string): SlipstreamError {
  const message =
    `The request was refused because ${why}. Open Slipstream itself and try again; ` +
    'behind a proxy, set PUBLIC_URL to the address that visitors use.'
  return new SlipstreamError('cross_origin', message)
}
