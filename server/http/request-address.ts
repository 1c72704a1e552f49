// The address under which a client sees this server, for absolute URLs in records and torrents:
// `PUBLIC_URL` when the operator set it, else what the request itself says. And the address from
// which the client comes. `X-Forwarded-*` headers count only from proxies that the operator trusts.
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import type { TLSSocket } from 'node:tls'
import proxyAddress from 'proxy-addr'
import { SlipstreamError } from './errors.ts'

const HOST = /^([a-z0-9._-]+|\[[0-9a-f:.]+\])(:\d{1,5})?$/i

export interface RequestAddressOptions {
  /** May have a path, without a slash at the end. */
  readonly publicUrl: string | null
  /** Whether the peer at this address is a proxy whose `X-Forwarded-*` headers count. */
  readonly isTrustedProxy: (address: string | undefined) => boolean
}

export type OriginOf = (request: IncomingMessage) => string

/**
 * @returns a function from request to what our own paths are put behind: the origin
 *   (`https://media.example.org`), and the path of `PUBLIC_URL` where it has one
 *   (`https://example.org/video`). It throws SlipstreamError `bad_request` for a `Host` that is none
 */
export function requestOrigin({ publicUrl, isTrustedProxy }: RequestAddressOptions): OriginOf {
  return (request) => {
    if (publicUrl !== null) return publicUrl
    const trusted = isTrustedProxy(request.socket.remoteAddress)
    const forwarded = (name: string) =>
      trusted
        ? String(request.headers[name] ?? '')
            .split(',', 1)[0]
            ?.trim()
        : ''
    const host = forwarded('x-forwarded-host') || request.headers.host || ''
    if (!HOST.test(host) || !URL.canParse(`http://${host}`)) {
      throw new SlipstreamError('bad_request', 'The request names no valid host.')
    }
    const encrypted = (request.socket as Partial<TLSSocket>).encrypted === true
    const scheme = (forwarded('x-forwarded-proto') || (encrypted ? 'https' : 'http')).toLowerCase()
    return `${scheme === 'https' ? 'https' : 'http'}://${host}`
  }
}

/** @returns the client's IP address, or `null` when the connection is gone */
export type AddressOf = (request: IncomingMessage) => string | null

/**
 * @param isTrustedProxy whether the hop at this address, counted from 0 at our side, is a proxy
 *   whose `X-Forwarded-For` counts
 */
export function clientAddress(
  isTrustedProxy: (address: string, hop: number) => boolean,
): AddressOf {
  return (request) => {
    const peer = request.socket.remoteAddress
    if (peer === undefined) return null
    const forwarded = proxyAddress(request, isTrustedProxy)
    const address = isIP(forwarded) ? forwarded : peer // a proxy may pass on any text
    return address.replace(/^::ffff:(?=\d+\.)/i, '') // IPv4 on a socket for both
  }
}
