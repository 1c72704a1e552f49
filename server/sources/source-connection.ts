// Requests to other web servers, redirects followed by hand: each hop is an allowed origin and goes
// to an address that was checked and is the one connected to, whatever a name resolves to next.
// Whoever made a connection closes it.
import { lookup as resolveName } from 'node:dns/promises'
import type { LookupFunction } from 'node:net'
import { Agent, type Dispatcher, errors } from 'undici'
import { SlipstreamError } from '../http/errors.ts'
import { mayReach, notPublic } from './address-guard.ts'
import { type AnswerHead, header, unsuitable } from './source-answer.ts'
import { parseSourceUrl } from './source-url.ts'

const MAX_REDIRECTS = 5
const REDIRECTS = [301, 302, 303, 307, 308]
const MAX_HEADER_BYTES = 16 * 1024
/** What is read of a body that nobody wants, so that its connection can be used again. */
const MAX_DUMP_BYTES = 4 * 1024

/** How long a source may take, milliseconds. */
export interface SourcePatience {
  /** To resolve its name and connect. */
  readonly connect: number
  /** From a request to the whole head of its answer. */
  readonly head: number
  /** From one piece of a body to the next. */
  readonly silence: number
  /** For all requests of an inspection. */
  readonly inspection: number
}

const PATIENCE: SourcePatience = {
  connect: 5_000,
  head: 10_000,
  silence: 20_000,
  inspection: 15_000,
}

/** @returns all addresses of a name */
export type Lookup = (
  hostname: string,
) => Promise<readonly { readonly address: string; readonly family: number }[]>

export interface SourceAnswer extends AnswerHead {
  readonly body: Dispatcher.ResponseData['body']
  /** The rest of the body is not wanted. */
  discard(): void
}

export interface SourceConnectionOptions {
  /** Throws SlipstreamError `source_not_allowed`. */
  readonly policy: { assertAllowed(url: URL): Promise<unknown> }
  /** Whether private and loopback addresses may be reached. */
  readonly allowPrivate: boolean
  /** Origin of the pages that will fetch from sources, sent so that their CORS answer can be seen. */
  readonly pageOrigin: string
  /** Name of this server for `Via` (RFC 9110 §7.6.3), by which it knows its own requests. */
  readonly via?: string
  /** The system's resolver when left out. */
  readonly lookup?: Lookup | undefined
  readonly patience?: Partial<SourcePatience> | undefined
}

export class SourceConnection {
  readonly patience: SourcePatience
  readonly #options: SourceConnectionOptions
  readonly #agent: Agent

  constructor(options: SourceConnectionOptions) {
    this.patience = { ...PATIENCE, ...options.patience }
    this.#options = options
    this.#agent = new Agent({
      allowH2: false, // a connection each: one that stalls holds up nobody else
      pipelining: 1,
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: this.patience.head,
      bodyTimeout: this.patience.silence,
      connect: {
        timeout: this.patience.connect,
        // Called for names only; addresses in URLs are checked by the policy.
        lookup: this.#guardedLookup(options.lookup ?? systemLookup),
      },
    })
  }

  /**
   * @returns the answer, whatever its status, that is not a redirect
   * @throws SlipstreamError `source_not_allowed`, `source_unreachable`, `source_unsuitable` for
   *   redirects that lead nowhere and what is not HTTP; the signal's reason when it is aborted
   */
  async send(
    method: 'HEAD' | 'GET',
    url: URL,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<SourceAnswer> {
    const { policy, pageOrigin } = this.#options
    let hop = url
    let origin = pageOrigin
    let isOpen = true
    for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
      await policy.assertAllowed(hop)
      const answer = await this.#request(method, hop, { ...headers, Origin: origin }, signal)
      const allows = header(answer, 'access-control-allow-origin')
      isOpen &&= allows === '*' || allows === origin
      const location = header(answer, 'location')
      if (!REDIRECTS.includes(answer.status) || location === null) return { ...answer, isOpen }
      answer.discard()
      const next = redirectTarget(location, hop)
      // Browsers hide the page from a server that another one sent them to (Fetch §4.4).
      if (next.origin !== hop.origin && hop.origin !== pageOrigin) origin = 'null'
      hop = next
    }
    throw unsuitable(`${url.host} redirects more than ${MAX_REDIRECTS} times. Use the final URL.`)
  }

  /** Ends all requests under way. */
  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  async #request(
    method: 'HEAD' | 'GET',
    url: URL,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<SourceAnswer> {
    const request = () => this.#withinPatience(method, url, headers, signal)
    try {
      return await request()
    } catch (error) {
      // A connection that was kept open may have been closed by the other side just now.
      const cause = (error as Error).cause as NodeJS.ErrnoException | undefined
      if (cause?.code !== 'UND_ERR_SOCKET' || signal.aborted) throw error
      return request()
    }
  }

  async #withinPatience(
    method: 'HEAD' | 'GET',
    url: URL,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<SourceAnswer> {
    // A head that drips in keeps the agent's own timer alive.
    const late = new AbortController()
    const timer = setTimeout(
      () => late.abort(unreachable(url.host, 'does not answer in time')),
      this.patience.connect + this.patience.head,
    )
    try {
      const {
        statusCode,
        headers: answered,
        body,
      } = await this.#agent.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method,
        headers: {
          'User-Agent': 'Slipstream',
          'Accept-Encoding': 'identity',
          Accept: '*/*',
          ...(this.#options.via && { Via: `1.1 ${this.#options.via}` }),
          ...headers,
        },
        signal: AbortSignal.any([signal, late.signal]),
      })
      return {
        status: statusCode,
        headers: answered,
        host: url.host,
        isOpen: false,
        body,
        discard() {
          body.on('error', () => {}) // it is cut off, and nobody listens any more
          if (statusCode === 200 && method === 'GET') body.destroy()
          else void body.dump({ limit: MAX_DUMP_BYTES }).catch(() => {})
        },
      }
    } catch (error) {
      if (signal.aborted) throw signal.reason
      if (isMalformed(error)) throw malformed(url.host, error)
      throw troubleWith(url.host, error)
    } finally {
      clearTimeout(timer)
    }
  }

  /** Resolves a name, checks all of its addresses, and hands these very addresses to the socket. */
  #guardedLookup(lookup: Lookup): LookupFunction {
    return (hostname, options, callback) => {
      lookup(hostname).then(
        (addresses) => {
          const [first] = addresses
          const { allowPrivate } = this.#options
          if (first === undefined) {
            callback(unreachable(hostname, 'has no address'), '')
          } else if (!addresses.every(({ address }) => mayReach(address, allowPrivate))) {
            callback(notPublic(hostname), '')
          } else if (options.all) callback(null, [...addresses])
          else callback(null, first.address, first.family)
        },
        (error) => callback(error, ''),
      )
    }
  }
}

export const systemLookup: Lookup = (hostname) => resolveName(hostname, { all: true })

function redirectTarget(location: string, from: URL): URL {
  const target = URL.canParse(location, from.href) ? new URL(location, from) : null
  try {
    return parseSourceUrl(target?.href)
  } catch (error) {
    const isScheme = error instanceof SlipstreamError && error.code === 'source_not_allowed'
    if (isScheme) throw error
    throw unsuitable(`${from.host} redirects to an address that cannot be used. Use the final URL.`)
  }
}

/** @returns whatever went wrong on the way to a source, as an error of ours */
export function troubleWith(host: string, error: unknown): SlipstreamError {
  if (error instanceof SlipstreamError) return error
  const code = String((error as NodeJS.ErrnoException | null)?.code ?? '')
  if (/^(ENOTFOUND|EAI_AGAIN|ENODATA)$/.test(code)) return unreachable(host, 'is not known', error)
  if (code === 'ECONNREFUSED') return unreachable(host, 'refuses connections', error)
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return unreachable(host, 'sends too long a head', error)
  if (/TIMEOUT|TIMEDOUT/.test(code)) return unreachable(host, 'does not answer in time', error)
  if (/CERT|TLS|SSL|SELF_SIGNED|VERIFY/.test(code)) {
    return unreachable(host, 'has no certificate that can be trusted', error)
  }
  return unreachable(host, 'breaks the connection off', error)
}

/**
 * Whether the head of an answer broke the rules of HTTP, as it will the next time. In a body the same
 * errors may come of a connection that was cut.
 */
function isMalformed(error: unknown): boolean {
  return (
    error instanceof errors.HTTPParserError ||
    error instanceof errors.ResponseContentLengthMismatchError
  )
}

function malformed(host: string, cause: unknown): SlipstreamError {
  const message =
    `The answer of ${host} is not proper HTTP, such as one with a negative Content-Length or two ` +
    'different ones. Check the URL and the web server.'
  return new SlipstreamError('source_unsuitable', message, { cause })
}

export function unreachable(host: string, what: string, cause?: unknown): SlipstreamError {
  const message = `${host} ${what}. Check the URL, or try again later.`
  return new SlipstreamError('source_unreachable', message, { cause })
}
