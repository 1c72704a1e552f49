// How many URLs that are not known yet one address may name, by whatever door: each costs a question to
// its source, and makes a title.
import type { Request } from 'express'
import { ipKeyGenerator, rateLimit } from 'express-rate-limit'
import { SlipstreamError } from '../http/errors.ts'
import type { SourceTitles } from './source-titles.ts'

/** From one address in a minute; a page of a thousand films is none. */
const MAX_NEW_URLS = 2_000
const WINDOW_MS = 60_000

/**
 * Counts a request whose URL is new.
 * @throws SlipstreamError `too_many_requests` when there were too many from its address
 */
export type AdmitUrl = (request: Request) => Promise<void>

/** One for all doors. */
export function newUrlLimit(titles: Pick<SourceTitles, 'isKnown'>): AdmitUrl {
  const limit = rateLimit({
    windowMs: WINDOW_MS,
    limit: MAX_NEW_URLS,
    keyGenerator: ({ ip }) => (ip === undefined ? 'unknown' : ipKeyGenerator(ip)),
    skip: (request) => titles.isKnown(urlOf(request)),
    legacyHeaders: false,
    standardHeaders: false,
    validate: false, // its warnings go to the console; TRUST_PROXY is the operator's choice
    handler: (_request, _response, next) => {
      const message = 'Too many new titles were asked for from this address. Wait a minute.'
      const headers = { 'Retry-After': String(WINDOW_MS / 1000) }
      next(new SlipstreamError('too_many_requests', message, { headers }))
    },
  })
  return async (request) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const next = (error?: unknown) => (error === undefined ? resolve() : reject(error))
    if (request.res === undefined) throw new Error('a request of Express is wanted')
    await Promise.all([limit(request, request.res, next), promise])
  }
}

/** @returns what the request names as the URL of media, of `POST {url}` and `?url=` */
export function urlOf({ method, query, body }: Request): unknown {
  return method === 'POST' ? body?.url : query['url']
}
