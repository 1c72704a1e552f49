// The address under which a client sees this server, for absolute URLs in records and torrents:
// `PUBLIC_URL` when the operator set it, else what the request itself says.
import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { SlipstreamError } from './errors.ts'

const HOST = /^([a-z0-9._-]+|\[[0-9a-f:.]+\])(:\d{1,5})?$/i

export interface RequestAddressOptions {
  readonly publicUrl: string | null
  /** Whether the peer at this address is a proxy whose `X-Forwarded-*` headers count. */
  readonly isTrustedProxy: (address: string | undefined) => boolean
}

export type OriginOf = (request: IncomingMessage) => string

/**
 * @returns a function from request to origin (`https://media.example.org`), which throws
 *   SlipstreamError `bad_request` for a `Host` that is none
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
    if (!HOST.test(host)) {
      throw new SlipstreamError('bad_request', 'The request names no valid host.')
    }
    const encrypted = (request.socket as Partial<TLSSocket>).encrypted === true
    const scheme = (forwarded('x-forwarded-proto') || (encrypted ? 'https' : 'http')).toLowerCase()
    return `${scheme === 'https' ? 'https' : 'http'}://${host}`
  }
}
