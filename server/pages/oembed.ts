// oEmbed (oembed.com, 1.0): from the address of a title's page to the code that embeds it, for editors
// and chats in which people paste links.
import { type Request, type Response, Router } from 'express'
import { frameCode } from '#protocol/embed.ts'
import { type MediaId, parseMediaId } from '#protocol/ids.ts'
import type { MediaRecord } from '#protocol/media.ts'
import { SlipstreamError } from '../http/errors.ts'
import { shapeOf } from './page-head.ts'

/** Of a player for whom nobody names a width, pixels. */
const USUAL_WIDTH = 640
const CACHE_S = 3600

interface OembedPorts {
  /** Address of this server as the client sees it, without a slash at its end. */
  readonly baseOf: (request: Request) => string
  readonly findRecord: (id: MediaId, request: Request) => Promise<MediaRecord | null>
  /** Sites that may embed the title, `null` for every site. */
  readonly embedSitesOf: (media: MediaRecord) => Promise<readonly string[] | null>
}

/** `GET /oembed?url=&maxwidth=&maxheight=&format=json`, readable for any site. */
export function oembedRoutes({ baseOf, findRecord, embedSitesOf }: OembedPorts): Router {
  const router = Router()
  router.get('/oembed', async (request: Request, response: Response) => {
    response.set('Access-Control-Allow-Origin', '*')
    const { url, format = 'json' } = request.query
    if (format !== 'json') {
      const message = 'Only JSON is answered here: leave "format" out, or make it json.'
      throw new SlipstreamError('not_implemented', message)
    }
    const base = baseOf(request)
    const id = typeof url === 'string' ? titleAt(url, base) : null
    const media = id && (await findRecord(id, request))
    if (!media) {
      const message = 'The parameter "url" is not the address of a title on this server.'
      throw new SlipstreamError('not_found', message)
    }
    if ((await embedSitesOf(media))?.length === 0) {
      const message = 'The title may not be embedded in other sites. Link to its page instead.'
      throw new SlipstreamError('site_not_allowed', message)
    }
    const { width, height } = fitted(shapeOf(media), {
      width: pixels(request.query['maxwidth'], 'maxwidth'),
      height: pixels(request.query['maxheight'], 'maxheight'),
    })
    const { title, poster } = media
    response.set('Cache-Control', 'no-cache').json({
      version: '1.0',
      type: 'video',
      title,
      provider_name: 'Slipstream',
      provider_url: `${base}/`,
      cache_age: CACHE_S,
      width,
      height,
      html: frameCode({ url: `${base}/embed/${media.id}`, title, width, height }),
      ...(poster !== null && {
        thumbnail_url: poster,
        thumbnail_width: width,
        thumbnail_height: height,
      }),
    })
  })
  return router
}

/** @returns the title whose watch or embed page the address is, or `null` */
function titleAt(text: string, base: string): MediaId | null {
  if (!URL.canParse(text)) return null
  const { origin, pathname } = new URL(text)
  const address = origin + pathname
  // Pasted links may say http for https, or the other way round.
  const below = (prefix: string): string => prefix.replace(/^https?:/, '')
  if (!below(address).startsWith(`${below(base)}/`)) return null
  const path = below(address).slice(below(base).length)
  return parseMediaId(/^\/(?:watch|embed)\/([^/]+)\/?$/.exec(path)?.[1])
}

/** @returns a whole number of pixels, or `null` when it was not named */
function pixels(value: unknown, name: string): number | null {
  if (value === undefined || value === '') return null
  if (typeof value === 'string' && /^[1-9]\d{0,4}$/.test(value)) return Number(value)
  const message = `The parameter "${name}" must be a whole number of pixels.`
  throw new SlipstreamError('bad_request', message)
}

interface Size {
  readonly width: number
  readonly height: number
}

/**
 * @param most width and height that the player may have at most, `null` for any
 * @returns the largest size of that shape within them; `USUAL_WIDTH` wide when no width is named
 */
export function fitted(
  shape: Size,
  most: { readonly width: number | null; readonly height: number | null },
): Size {
  const ratio = shape.height / shape.width
  let width = most.width ?? USUAL_WIDTH
  if (most.height !== null) width = Math.min(width, most.height / ratio)
  return {
    width: Math.max(1, Math.floor(width)),
    height: Math.max(
      1,
      Math.min(Math.round(width * ratio), most.height ?? Number.MAX_SAFE_INTEGER),
    ),
  }
}
