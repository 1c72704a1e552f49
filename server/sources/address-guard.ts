// Which internet addresses this server may connect to for somebody else: global unicast, and nothing
// that leads to this machine, its network or a tunnel whose other end the address does not tell.
// What is not known to be harmless is refused. Pure.
import ipaddr from 'ipaddr.js'
import { SlipstreamError } from '../http/errors.ts'

/** What an operator's intranet may use, when it is allowed; never link-local (cloud metadata). */
const PRIVATE = ['private', 'loopback', 'uniqueLocal']
/** Global unicast (RFC 4291 §2.4); outside of it are IPv4-compatible addresses, among others. */
const GLOBAL_V6 = ipaddr.IPv6.parseCIDR('2000::/3')
/** Interface identifiers of ISATAP begin so (RFC 5214 §6.1); an IPv4 address follows. */
const ISATAP = 0x5efe

/**
 * @param address IPv4 or IPv6 as a resolver or a URL has it, IPv6 with or without brackets
 * @param allowPrivate whether private (RFC 1918, RFC 4193) and loopback addresses may be reached too
 * @returns false also for what is not an address
 */
export function mayReach(address: string, allowPrivate: boolean): boolean {
  const text = address.replace(/^\[(.*)\]$/, '$1')
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) {
    const range = ipaddr.IPv4.parse(text).range()
    return range === 'unicast' || (allowPrivate && PRIVATE.includes(range))
  }
  if (!ipaddr.IPv6.isValid(text)) return false
  const v6 = ipaddr.IPv6.parse(text)
  const range = v6.range()
  if (allowPrivate && PRIVATE.includes(range)) return true
  return range === 'unicast' && v6.match(GLOBAL_V6) && v6.parts[5] !== ISATAP
}

/**
 * @param host of a URL (WHATWG), which has every spelling of an IPv4 address in dotted decimal
 * @returns true when it is an address and not a name
 */
export function isAddress(host: string): boolean {
  return host.startsWith('[') || ipaddr.IPv4.isValidFourPartDecimal(host)
}

/** @returns an error for an address that is not reached, or a name that has one */
export function notPublic(host: string): SlipstreamError {
  const message =
    `${host} is not an address on the public internet. To use media of your own network, have the ` +
    'operator set ALLOW_PRIVATE_SOURCES=1.'
  return new SlipstreamError('source_not_allowed', message)
}
