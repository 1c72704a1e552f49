// `GET /api/media/:id/torrent`: the best torrent there is now. Never waits for hashing; the first
// request starts the build job. Answers on the bare `node:http` server: every viewer comes here.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { create as contentDisposition } from 'content-disposition'
import { parseMediaId } from '#protocol/ids.ts'
import { TORRENT_KIND_HEADER } from '#protocol/media.ts'
import { SlipstreamError } from '../http/errors.ts'
import type { OriginOf } from '../http/request-address.ts'
import type { BuildQueue } from '../jobs/build-queue.ts'
import { type Catalogue, type Media, webSeedsOf } from '../media/catalogue.ts'
import type { RecentMedia } from '../media/recent-media.ts'
import { evaluateConditions } from '../web-seed/conditions.ts'
import { type RealInfo, realTorrent } from './metainfo.ts'
import { PlaceholderAnswer } from './placeholder-answer.ts'

const TORRENT_TYPE = 'application/x-bittorrent'
const RETRY_AFTER_S = '5'
/** A build that gave up goes on only when somebody restarts it. */
const RETRY_AFTER_FAILURE_S = '3600'

interface TorrentEndpointPorts {
  readonly recent: Pick<RecentMedia, 'get'>
  readonly catalogue: Pick<Catalogue, 'torrentInfo'>
  readonly queue: Pick<BuildQueue, 'request' | 'wanted'>
  readonly originOf: OriginOf
}

/** @returns the handler; it throws SlipstreamError for everything that is not a 2xx or 3xx */
export function torrentEndpoint({ recent, catalogue, queue, originOf }: TorrentEndpointPorts) {
  const placeholders = new PlaceholderAnswer()
  return async (request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> => {
    response.setHeader('Access-Control-Allow-Origin', '*')
    response.setHeader('Access-Control-Expose-Headers', `${TORRENT_KIND_HEADER}, ETag, Retry-After`)
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      const message = 'A torrent answers GET and HEAD only.'
      throw new SlipstreamError('method_not_allowed', message, { headers: { Allow: 'GET, HEAD' } })
    }
    const kind = url.searchParams.get('kind')
    if (kind !== null && kind !== 'real') {
      throw new SlipstreamError(
        'bad_request',
        'The kind of a torrent can only be "real"; or leave it out.',
      )
    }
    const id = parseMediaId(url.pathname.split('/')[3])
    const media = id && (await recent.get(id))
    if (!media) {
      throw new SlipstreamError('not_found', 'There is no such title. It may have been deleted.')
    }
    const origin = originOf(request)
    const real = media.info_hash && (await catalogue.torrentInfo(media.id, media.revision))
    if (real) {
      sendReal(request, response, { media, real, origin, asDownload: kind === 'real' })
      return
    }
    if (media.job_state === null) await queue.request(media.id, media.revision)
    else if (media.job_state === 'queued') queue.wanted(media.id, media.revision)
    if (kind === 'real') {
      throw notReady(media)
    }
    response.setHeader('Content-Type', TORRENT_TYPE)
    response.setHeader(TORRENT_KIND_HEADER, 'placeholder')
    response.setHeader('Cache-Control', 'no-store')
    placeholders.send(request, response, media, webSeedsOf(media, origin))
  }
}

function notReady(media: Media): SlipstreamError {
  const failed = media.job_state === 'failed'
  const message = failed
    ? `The torrent of this title could not be built: ${media.reason ?? 'the build failed.'} ` +
      'The title plays without it; an administrator can have it built again.'
    : 'The torrent of this title is still being built. Try again in some seconds.'
  const headers = { 'Retry-After': failed ? RETRY_AFTER_FAILURE_S : RETRY_AFTER_S }
  return new SlipstreamError('torrent_not_ready', message, { headers })
}

interface RealAnswer {
  readonly media: Media
  readonly real: RealInfo
  readonly origin: string
  readonly asDownload: boolean
}

function sendReal(request: IncomingMessage, response: ServerResponse, answer: RealAnswer): void {
  const { media, real, origin, asDownload } = answer
  const validators = { etag: `"${real.infoHash}"`, lastModified: 0 }
  response.setHeader('Content-Type', TORRENT_TYPE)
  response.setHeader(TORRENT_KIND_HEADER, 'real')
  response.setHeader('ETag', validators.etag)
  response.setHeader('Cache-Control', 'no-cache')
  if (asDownload) {
    const disposition = contentDisposition(`${media.filename}.torrent`)
    response.setHeader('Content-Disposition', disposition)
  }
  const conditions = { 'if-none-match': request.headers['if-none-match'] }
  if (evaluateConditions(conditions, validators) === 'not-modified') {
    response.writeHead(304).end()
    return
  }
  const announce = `${origin}/announce`
  const trackers = [announce.replace(/^http/, 'ws'), announce]
  const body = realTorrent(real, { webSeeds: webSeedsOf(media, origin), trackers })
  response.setHeader('Content-Length', body.length)
  response.end(request.method === 'HEAD' ? undefined : body) // hashes do not compress
}
