// The answer to a request that failed, shared by Express and the paths that it does not see.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import type { ErrorCode } from '#protocol/errors.ts'
import { type SlipstreamError, toSlipstreamError } from './errors.ts'

/**
 * Answers with whatever was thrown, as JSON `{error: {code, message}}`, and logs it as `logError`
 * does. When an answer has begun already, the connection is cut.
 */
export function sendError(
  request: IncomingMessage,
  response: ServerResponse,
  thrown: unknown,
  log: Logger,
): void {
  const error = toSlipstreamError(thrown)
  const facts = { method: request.method, path: pathOf(request), code: error.code }
  logError(error, facts, log)
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

/** Answers of 5xx that say nothing of this server's health. */
const NO_TROUBLE: readonly ErrorCode[] = ['torrent_not_ready', 'not_implemented']

/** 4xx at info, 5xx at error with the cause; trouble of somebody else's web server at warn. */
export function logError(error: SlipstreamError, facts: object, log: Logger): void {
  if (error.status < 500 || NO_TROUBLE.includes(error.code)) log.info(facts, error.message)
  else if (error.code === 'source_unreachable')
    log.warn({ ...facts, err: error.cause ?? error }, error.message)
  else log.error({ ...facts, err: error.cause ?? error }, error.message)
}

/** The request's path without its query, which may carry words of a viewer. */
function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?', 1)[0] as string
}
