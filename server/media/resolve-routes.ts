// `/api/resolve`: from the URL of media to its title. Knows the URLs of this server's own titles;
// other origins are refused until an administrator can allow them.
import { type Request, type Response, Router } from 'express'
import { type MediaId, parseMediaId } from '#protocol/ids.ts'
import { ownPathOf } from '../http/base-path.ts'
import { SlipstreamError } from '../http/errors.ts'
import type { OriginOf } from '../http/request-address.ts'
import type { Catalogue } from './catalogue.ts'

interface ResolvePorts {
  readonly catalogue: Pick<Catalogue, 'get'>
  readonly originOf: OriginOf
}

/** `POST {url}` or `GET ?url=` answers `{id, torrent, watch, embed}`, for any site. */
export function resolveRoutes({ catalogue, originOf }: ResolvePorts): Router {
  const router = Router()

  const answer = async (text: unknown, request: Request, response: Response) => {
    response.set('Access-Control-Allow-Origin', '*')
    if (typeof text !== 'string' || !URL.canParse(text)) {
      const message = 'The parameter "url" must be an absolute URL of a media file.'
      throw new SlipstreamError('bad_request', message)
    }
    const url = new URL(text)
    const origin = originOf(request)
    const path = ownPathOf(origin, url)
    if (path === null) {
      const message = `Media of ${url.origin} are not allowed on this server. Ask its administrator.`
      throw new SlipstreamError('source_not_allowed', message)
    }
    const id = mediaIdIn(path)
    if (id === null || (await catalogue.get(id)) === null) {
      throw new SlipstreamError(
        'not_found',
        'There is no title at that URL. It may have been deleted.',
      )
    }
    response.json({
      id,
      torrent: `${origin}/api/media/${id}/torrent`,
      watch: `${origin}/watch/${id}`,
      embed: `${origin}/embed/${id}`,
    })
  }

  router.get('/', (request, response) => answer(request.query['url'], request, response))
  router.post('/', (request, response) => answer(request.body?.url, request, response))
  router.options('/', (_request, response) => {
    response
      .set('Access-Control-Allow-Origin', '*')
      .set('Access-Control-Allow-Methods', 'GET, POST')
      .set('Access-Control-Allow-Headers', 'Content-Type')
      .status(204)
      .end()
  })
  return router
}

/** The title that a path of this server names: its file, its watch page or its embed page. */
function mediaIdIn(path: string): MediaId | null {
  return parseMediaId(/^\/(?:media|watch|embed)\/([^/]+)/.exec(path)?.[1])
}
