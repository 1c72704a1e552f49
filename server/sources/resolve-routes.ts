// `/api/resolve`: from the URL of media to its title, for the pages of any site.
import { type Request, type RequestHandler, type Response, Router } from 'express'
import { ipKeyGenerator, rateLimit } from 'express-rate-limit'
import type { Resolved } from '#protocol/sources.ts'
import { SlipstreamError } from '../http/errors.ts'
import type { OriginOf } from '../http/request-address.ts'
import type { SourceTitles } from './source-titles.ts'

/** URLs that are not known yet, from one address in a minute; a page of a thousand films is none. */
const MAX_NEW_URLS = 2_000
const WINDOW_MS = 60_000

/**
 * Lets pages of any site read the answers, errors included. To be mounted before the body is read,
 * whose errors they are to see as well.
 */
export const openToAnySite: RequestHandler = (_request, response, next) => {
  response
    .set('Access-Control-Allow-Origin', '*')
    .set('Access-Control-Expose-Headers', 'Retry-After')
  next()
}

/** `POST {url}` or `GET ?url=` answers `{id, torrent, watch, embed}`. */
export function resolveRoutes({
  titles,
  originOf,
}: {
  readonly titles: Pick<SourceTitles, 'resolve' | 'isKnown'>
  readonly originOf: OriginOf
}): Router {
  const router = Router()

  const limit = rateLimit({
    windowMs: WINDOW_MS,
    limit: MAX_NEW_URLS,
    keyGenerator: ({ ip }) => (ip === undefined ? 'unknown' : ipKeyGenerator(ip)),
    skip: async (request) => titles.isKnown(urlOf(request)),
    legacyHeaders: false,
    standardHeaders: false,
    validate: false, // its warnings go to the console; TRUST_PROXY is the operator's choice
    handler: (_request, _response, next) => {
      const message = 'Too many new titles were asked for from this address. Wait a minute.'
      const headers = { 'Retry-After': String(WINDOW_MS / 1000) }
      next(new SlipstreamError('too_many_requests', message, { headers }))
    },
  })

  const answer = async (request: Request, response: Response) => {
    const origin = originOf(request)
    const { id } = await titles.resolve(urlOf(request), origin)
    const body: Resolved = {
      id,
      torrent: `${origin}/api/media/${id}/torrent`,
      watch: `${origin}/watch/${id}`,
      embed: `${origin}/embed/${id}`,
    }
    response.json(body)
  }

  router.get('/', limit, async (request, response) => {
    response.set('Cache-Control', 'public, max-age=60')
    await answer(request, response)
  })
  router.post('/', limit, answer)
  router.options('/', (_request, response) => {
    response
      .set('Access-Control-Allow-Methods', 'GET, POST')
      .set('Access-Control-Allow-Headers', 'Content-Type')
      .set('Access-Control-Max-Age', '86400')
      .status(204)
      .end()
  })
  return router
}

function urlOf({ method, query, body }: Request): unknown {
  return method === 'POST' ? body?.url : query['url']
}
