// `/api/resolve`: from the URL of media to its title, for the pages of any site.
import { type Request, type RequestHandler, type Response, Router } from 'express'
import type { Resolved } from '#protocol/sources.ts'
import type { OriginOf } from '../http/request-address.ts'
import { type AdmitUrl, urlOf } from './new-url-limit.ts'
import type { SourceTitles } from './source-titles.ts'

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
  admit,
  originOf,
}: {
  readonly titles: Pick<SourceTitles, 'resolve'>
  readonly admit: AdmitUrl
  readonly originOf: OriginOf
}): Router {
  const router = Router()

  const answer = async (request: Request, response: Response) => {
    await admit(request)
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

  router.get('/', async (request, response) => {
    // Who forwards another name of this server gets other addresses: not to be kept for the rest.
    response.set('Cache-Control', 'public, max-age=60').vary('X-Forwarded-Host')
    response.vary('X-Forwarded-Proto')
    await answer(request, response)
  })
  router.post('/', answer)
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
