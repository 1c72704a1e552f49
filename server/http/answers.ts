// Answers on the bare `node:http` server, shared by the paths that Express does not see.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import type { Logger } from 'pino'
import { toSlipstreamError } from './errors.ts'

/**
 * Answers with whatever was thrown, as JSON `{error: {code, message}}`, and logs it: 4xx at info,
 * 5xx at error with the cause. When an answer has begun already, the connection is cut.
 */
export function sendError(
  request: IncomingMessage,
  response: ServerResponse,
  thrown: unknown,
  log: Logger,
): void {
  const error = toSlipstreamError(thrown)
  const facts = { method: request.method, path: pathOf(request), code: error.code }
  if (error.code === 'internal') log.error({ ...facts, err: error.cause ?? error }, error.message)
  else log.info(facts, error.message)
  if (response.headersSent) {
    response.destroy()
    return
  }
  const body = JSON.stringify(error.body)
  for (const name of ['ETag', 'Last-Modified', 'Content-Encoding']) response.removeHeader(name)
  response.writeHead(error.status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    ...error.headers,
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}

/** The request's path without its query, which may carry words of a viewer. */
function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?', 1)[0] as string
}

/** Below this gzip saves less than it costs. */
const GZIP_FROM_BYTES = 512

/**
 * Sends a body that is in memory, compressed when it is worth it and the client takes gzip.
 * Status and headers already set on the response stay.
 */
export function sendBuffer(
  request: IncomingMessage,
  response: ServerResponse,
  body: Uint8Array,
): void {
  response.setHeader('Vary', 'Accept-Encoding')
  const compress = body.length >= GZIP_FROM_BYTES && takesGzip(request.headers['accept-encoding'])
  // The level is the cheapest: hashes do not compress, and the zeros of a placeholder do at any.
  const bytes = compress ? gzipSync(body, { level: 1 }) : body
  if (compress) response.setHeader('Content-Encoding', 'gzip')
  response.setHeader('Content-Length', bytes.length)
  response.end(request.method === 'HEAD' ? undefined : bytes)
}

function takesGzip(header: string | string[] | undefined): boolean {
  return String(header ?? '')
    .split(',')
    .some((coding) => /^\s*(gzip|\*)\s*(;\s*q=(?!0(\.0*)?\s*$).*)?$/i.test(coding))
}
