// The catalogue over HTTP: records for everybody, changes for who is signed in.
import { type RequestHandler, Router } from 'express'
import * as v from 'valibot'
import { type MediaId, parseMediaId } from '#protocol/ids.ts'
import { type CataloguePage, type MediaRecord, mediaEditSchema } from '#protocol/media.ts'
import { SlipstreamError } from '../http/errors.ts'
import type { OriginOf } from '../http/request-address.ts'
import { assertSameOrigin } from '../http/same-origin.ts'
import type { BuildQueue } from '../jobs/build-queue.ts'
import { type Catalogue, type Media, toRecord } from './catalogue.ts'

const PAGE_ITEMS = 24
const MAX_QUERY_LENGTH = 200

interface MediaRoutesPorts {
  readonly catalogue: Catalogue
  readonly queue: Pick<BuildQueue, 'request' | 'restart'>
  readonly originOf: OriginOf
  readonly requireAccount: RequestHandler
  /** Checks URLs of the same file elsewhere and keeps them. @throws SlipstreamError */
  readonly setMirrors: (media: Media, urls: readonly string[]) => Promise<void>
  /** Makes the next revision of a title whose file lies elsewhere. @throws SlipstreamError */
  readonly remake: (media: Media) => Promise<Media | null>
  /** A title says something else now. */
  readonly onEdit: (media: Media) => Promise<void>
  /** Forgets the title everywhere and removes its bytes. */
  readonly deleteMedia: (media: Media) => Promise<void>
}

/** Routes below `/api/media`; the torrent of a title is answered before Express. */
export function mediaRoutes(ports: MediaRoutesPorts): Router {
  const { catalogue, queue, originOf, requireAccount, setMirrors, remake, onEdit, deleteMedia } =
    ports
  const router = Router()

  router.use((request, _response, next) => {
    assertSameOrigin(request, originOf)
    next()
  })

  const find = async (idText: unknown): Promise<Media> => {
    const id = parseMediaId(idText)
    const media = id && (await catalogue.get(id))
    if (!media) {
      throw new SlipstreamError('not_found', 'There is no such title. It may have been deleted.')
    }
    return media
  }

  router.get('/', async (request, response) => {
    const page = await catalogue.page({
      cursor: queryText(request.query['cursor'], 'cursor'),
      query: queryText(request.query['q'], 'q'),
      limit: PAGE_ITEMS,
    })
    const origin = originOf(request)
    const items = page.items.map((media) => toRecord(media, origin))
    const body: CataloguePage = { items, nextCursor: page.nextCursor }
    response.set('Cache-Control', 'no-cache').json(body)
  })

  router.get('/:id', async (request, response) => {
    const record: MediaRecord = toRecord(await find(request.params.id), originOf(request))
    response.set('Cache-Control', 'no-cache').json(record)
  })

  router.patch('/:id', requireAccount, async (request, response) => {
    const media = await find(request.params['id'])
    const { id } = media
    const edit = v.safeParse(mediaEditSchema, request.body)
    if (!edit.success) {
      const [issue] = edit.issues
      const field = v.getDotPath(issue)
      const message = field
        ? `The field ${field} ${issue.message}.`
        : 'The request must carry JSON with title, description or p2p.'
      throw new SlipstreamError('bad_request', message)
    }
    if (edit.output.mirrors) await setMirrors(media, edit.output.mirrors)
    await catalogue.edit(id, edit.output)
    const edited = await find(id)
    await onEdit(edited)
    response.json(toRecord(edited, originOf(request)))
  })

  router.post('/:id/build', requireAccount, async (request, response) => {
    const present = await find(request.params['id'])
    const isDone = present.info_hash !== null && present.source !== null
    const media = (isDone && (await remake(present))) || present
    const restarted = await queue.restart(media.id, media.revision)
    if (!restarted && media.info_hash === null) await queue.request(media.id, media.revision)
    response.status(202).json(toRecord(await find(media.id), originOf(request)))
  })

  router.delete('/:id', requireAccount, async (request, response) => {
    await deleteMedia(await find(request.params['id']))
    response.status(204).end()
  })

  return router
}

function queryText(value: unknown, name: string): string | undefined {
  if (value === undefined || value === '') return undefined
  if (typeof value === 'string' && value.length <= MAX_QUERY_LENGTH) return value
  const message = `The parameter "${name}" must be one text of at most ${MAX_QUERY_LENGTH} characters.`
  throw new SlipstreamError('bad_request', message)
}

/** @returns the media id that a page's path names (`/watch/:id`, `/embed/:id`), or `null` */
export function mediaIdOfPage(path: string): MediaId | null {
  return parseMediaId(/^\/(?:watch|embed)\/([^/]+)\/?$/.exec(path)?.[1])
}
