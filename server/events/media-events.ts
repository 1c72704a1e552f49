// `GET /api/media/:id/events`: Server-Sent Events of one title. What is sent is derived from the
// tables at the moment of sending, so a late or returning subscriber misses nothing; hints and a
// poll only say when to look.
import { createHash } from 'node:crypto'
import { createSession, type Session } from 'better-sse'
import type { Request, Response } from 'express'
import type { Logger } from 'pino'
import { type MediaId, parseMediaId } from '#protocol/ids.ts'
import type { MediaEvent } from '#protocol/media.ts'
import { pieceLayout } from '#protocol/pieces.ts'
import { SlipstreamError } from '../http/errors.ts'
import type { Catalogue, Media } from '../media/catalogue.ts'

/** How often the tables are looked at for changes that another process made. */
const POLL_MS = 1_000
/** Proxies cut connections on which nothing comes. */
const KEEP_ALIVE_MS = 15_000

interface Subscriber {
  readonly session: Session
  readonly response: Response
  /** Ids of what it was told last. */
  readonly known: Record<Aspect, string>
}

/** What of a title changes on its own: how far its torrent is, and what its publisher says. */
type Aspect = 'torrent' | 'p2p'

interface News {
  readonly aspect: Aspect
  /** The same for the same state. */
  readonly id: string
  readonly event: MediaEvent
}

export class MediaEvents {
  readonly #catalogue: Pick<Catalogue, 'get'>
  readonly #log: Logger
  readonly #subscribers = new Map<MediaId, Set<Subscriber>>()
  #poll: NodeJS.Timeout | undefined

  constructor(catalogue: Pick<Catalogue, 'get'>, log: Logger) {
    this.#catalogue = catalogue
    this.#log = log
  }

  /** Express handler. @throws SlipstreamError `not_found` */
  readonly handle = async (request: Request, response: Response): Promise<void> => {
    const id = parseMediaId(request.params['id'])
    const media = id && (await this.#catalogue.get(id))
    if (!id || !media) {
      throw new SlipstreamError('not_found', 'There is no such title. It may have been deleted.')
    }
    if (request.method === 'HEAD') {
      response.type('text/event-stream').end()
      return
    }
    const session = await createSession(request, response, {
      keepAlive: null, // a session that begins after its client has left would keep it up for ever
      retry: 1_000,
      headers: { 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' },
    })
    if (response.destroyed) return
    const subscriber: Subscriber = { session, response, known: parseEventId(session.lastId) }
    const group = this.#subscribers.get(id) ?? new Set()
    group.add(subscriber)
    this.#subscribers.set(id, group)
    const keepAlive = setInterval(() => {
      if (!response.writableEnded) response.write(':\n\n')
    }, KEEP_ALIVE_MS)
    response.once('close', () => {
      clearInterval(keepAlive)
      group.delete(subscriber)
      if (group.size === 0 && this.#subscribers.get(id) === group) this.#subscribers.delete(id)
      this.#keepPolling()
    })
    this.#keepPolling()
    await this.#look(id)
  }

  /** Hint that a title may have changed. */
  changed(id: MediaId): void {
    if (!this.#subscribers.has(id)) return
    this.#look(id).catch((cause) => {
      this.#log.error({ err: cause, media: id }, 'events of a title could not be read')
    })
  }

  /** Ends all streams; browsers come back by themselves. */
  close(): void {
    for (const group of this.#subscribers.values()) {
      for (const { response } of group) response.end()
    }
    this.#subscribers.clear()
    this.#keepPolling()
  }

  #keepPolling(): void {
    if (this.#subscribers.size === 0) {
      clearInterval(this.#poll)
      this.#poll = undefined
      return
    }
    this.#poll ??= setInterval(() => {
      for (const id of this.#subscribers.keys()) this.changed(id)
    }, POLL_MS)
  }

  async #look(id: MediaId): Promise<void> {
    const media = await this.#catalogue.get(id)
    const news = media === null ? [DELETED] : [torrentNews(media), p2pNews(media)]
    for (const { session, response, known } of this.#subscribers.get(id) ?? []) {
      for (const { aspect, id: newsId, event } of news) {
        if (known[aspect] === newsId || !session.isConnected) continue
        known[aspect] = newsId
        session.push(event.data, event.name, eventId(known))
      }
      if (media === null) response.end()
    }
  }
}

/** An event's id names all that its receiver knows by then. */
function eventId({ torrent, p2p }: Record<Aspect, string>): string {
  return `${torrent}/${p2p}`
}

function parseEventId(id: string): Record<Aspect, string> {
  const [torrent = '', p2p = ''] = id.split('/')
  return { torrent, p2p }
}

const DELETED: News = { aspect: 'torrent', id: 'deleted', event: { name: 'deleted', data: {} } }

function p2pNews(media: Media): News {
  const data = { enabled: media.p2p_enabled === 1, minViewers: media.p2p_min_viewers }
  const id = `${data.enabled ? 'on' : 'off'}-${data.minViewers}`
  return { aspect: 'p2p', id, event: { name: 'p2p', data } }
}

function torrentNews(media: Media): News {
  const aspect = 'torrent'
  if (media.info_hash !== null) {
    const data = { kind: 'real', infoHash: media.info_hash } as const
    const id = `${media.revision}-torrent-${media.info_hash}`
    return { aspect, id, event: { name: 'torrent', data } }
  }
  if (media.job_state === 'failed') {
    const data = { reason: media.reason ?? 'The build failed.' }
    // A build may fail, be restarted and fail for another reason while a subscriber is away.
    const which = createHash('sha256').update(data.reason).digest('hex').slice(0, 8)
    const id = `${media.revision}-failed-${which}`
    return { aspect, id, event: { name: 'failed', data } }
  }
  const pieces = media.pieces_done ?? 0
  const progress = pieces / pieceLayout(media.size).count
  const event = { name: 'progress', data: { progress } } as const
  return { aspect, id: `${media.revision}-${pieces}`, event }
}
