// Subtitles over HTTP, below `/api/media/:id/tracks`: files for every site, changes for who is
// signed in.
import express, { type RequestHandler, Router } from 'express'
import * as v from 'valibot'
import { parseMediaId } from '#protocol/ids.ts'
import { MAX_TRACK_BYTES, trackFactsSchema } from '#protocol/tracks.ts'
import { SlipstreamError } from '../http/errors.ts'
import type { OriginOf } from '../http/request-address.ts'
import { assertSameOrigin } from '../http/same-origin.ts'
import { type Catalogue, type Media, toRecord } from './catalogue.ts'
import type { Tracks } from './tracks.ts'

interface TrackRoutesPorts {
  readonly catalogue: Pick<Catalogue, 'get'>
  readonly tracks: Tracks
  readonly originOf: OriginOf
  readonly requireAccount: RequestHandler
}

export function trackRoutes({ catalogue, tracks, originOf, requireAccount }: TrackRoutesPorts) {
  const router = Router()
  router.use((request, _response, next) => {
    assertSameOrigin(request, originOf)
    next()
  })

  const find = async (idText: unknown): Promise<Media> => {
    const id = parseMediaId(idText)
    const media = id && (await catalogue.get(id))
    if (media) return media
    throw new SlipstreamError('not_found', 'There is no such title. It may have been deleted.')
  }

  const readFile = express.raw({ type: 'text/vtt', limit: MAX_TRACK_BYTES })
  router.post('/:id/tracks', requireAccount, readFile, async (request, response) => {
    const { id } = await find(request.params['id'])
    const facts = v.safeParse(trackFactsSchema, request.query)
    if (!facts.success) {
      const [issue] = facts.issues
      const message = `The parameter ${v.getDotPath(issue)} ${issue.message}.`
      throw new SlipstreamError('bad_request', message)
    }
    if (!Buffer.isBuffer(request.body)) {
      const message = 'The request must carry a WebVTT file, with the content type text/vtt.'
      throw new SlipstreamError('unsupported_media', message)
    }
    await tracks.add(id, facts.output, request.body)
    response.status(201).json(toRecord(await find(id), originOf(request)))
  })

  router.get('/:id/tracks/:file', async (request, response) => {
    const { id, file } = request.params
    const mediaId = parseMediaId(id)
    const track = /^([0-9a-f]{16})\.vtt$/.exec(file)?.[1]
    const text = mediaId && track ? await tracks.text(mediaId, track) : null
    if (text === null) throw missing()
    response
      .set({
        'Access-Control-Allow-Origin': '*',
        'Cache-Control': 'no-cache',
        'Content-Type': 'text/vtt; charset=utf-8',
        'Cross-Origin-Resource-Policy': 'cross-origin',
      })
      .send(text)
  })

  router.delete('/:id/tracks/:track', requireAccount, async (request, response) => {
    const { id } = await find(request.params['id'])
    if (!(await tracks.remove(id, String(request.params['track'])))) throw missing()
    response.json(toRecord(await find(id), originOf(request)))
  })

  return router
}

function missing(): SlipstreamError {
  return new SlipstreamError(
    'not_found',
    'There are no such subtitles. They may have been removed.',
  )
}
