// Sends bytes of files that lie elsewhere and of which there is no copy: they are passed on as they
// come, as fast as the client takes them, and no longer asked for when it leaves. Of a source without
// ranges a copy is begun, and each range is sent as soon as the copy has reached it.
import type { ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import type { MediaId } from '#protocol/ids.ts'
import { SlipstreamError, toSlipstreamError } from '../http/errors.ts'
import { CopyFailed, CopyLate } from '../sources/growing-copy.ts'
import { SourceExhausted } from '../sources/persistent-reader.ts'
import { SourceChanged, type SourceClient } from '../sources/source-client.ts'
import { knownOf, type RemoteMedia, type SourceCopies } from '../sources/source-copies.ts'

/** Bodies at once; each takes a connection to the source. */
const MOST_BODIES = 64
/** How long a range may wait for a growing copy. */
const COPY_PATIENCE_MS = 30_000
const RETRY_AFTER_S = '10'
export const CHANGED = 'The file changed at its source. Reload the page.'

interface PassingOnPorts {
  readonly client: Pick<SourceClient, 'read'>
  readonly copies: Pick<SourceCopies, 'fill'>
  /** Makes a new revision of a title whose file changed at its source. */
  readonly renew: (id: MediaId) => Promise<unknown>
  readonly log: Logger
  /** How long a range may wait for a growing copy, milliseconds. */
  readonly patience?: number
}

interface Body {
  /** Who asks: places are shared among those who do. */
  readonly client: string
  /** First byte. */
  readonly start: number
  /** The byte after the last one. */
  readonly end: number
  /** Called once, before the first byte. */
  readonly writeHead: () => void
  readonly onSent: (bytes: number) => void
}

/** A body on its way. */
interface Place {
  readonly client: string
  readonly cut: () => void
}

export class PassingOn {
  readonly #ports: PassingOnPorts
  readonly #renewing = new Map<MediaId, Promise<void>>()
  /** The oldest first. */
  readonly #places = new Set<Place>()

  constructor(ports: PassingOnPorts) {
    this.#ports = ports
  }

  /**
   * Answers with bytes of the title's present revision.
   * @throws SlipstreamError when not a single byte can be had; nothing was sent then
   */
  async send(response: ServerResponse, media: RemoteMedia, body: Body): Promise<void> {
    if (response.destroyed) return
    const place = { client: body.client, cut: () => response.destroy() }
    this.#enter(place)
    const left = new AbortController()
    const onClose = () => left.abort(new Error('the client left'))
    response.once('close', onClose)
    let position = body.start
    try {
      for await (const chunk of this.#bytes(media, body, left.signal)) {
        left.signal.throwIfAborted()
        if (position === body.start) body.writeHead()
        position += chunk.length
        if (position > body.end) throw new Error('the source sends more than was asked for')
        body.onSent(chunk.length)
        await written(response, chunk)
      }
      if (position < body.end) throw new Error(`the source ends at byte ${position}`)
      response.end()
    } catch (error) {
      if (left.signal.aborted) return
      const known = this.#explain(media, error)
      if (!response.headersSent) throw known
      this.#ports.log.info({ err: error, media: media.id }, 'a source broke off in the middle')
      response.destroy() // the promised length cannot be kept
    } finally {
      this.#places.delete(place)
      response.off('close', onClose)
    }
  }

  /** When all places are taken, one of who has most of them is taken away; players ask again. */
  #enter(place: Place): void {
    if (this.#places.size >= MOST_BODIES) {
      const crowding = placeToCut([...this.#places], place.client)
      if (crowding === null) {
        throw unreachable('This server is passing on too many files at once. Try again soon.')
      }
      this.#places.delete(crowding)
      crowding.cut()
    }
    this.#places.add(place)
  }

  async *#bytes(
    media: RemoteMedia,
    { start, end }: Body,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, void> {
    const { client, copies, patience = COPY_PATIENCE_MS } = this.#ports
    const { source, size } = media
    if (source.ranges === 0) {
      const copy = copies.fill(media)
      copy.isWatched = true
      yield* copy.read(start, end, { signal, patience })
      return
    }
    const known = knownOf(source, size)
    const ofMirror = { ...known, etag: null, lastModified: null } // it has validators of its own
    let failure: unknown
    for (const url of [source.url, ...source.mirrors]) {
      let hasBegun = false
      try {
        const span = { start, end, known: url === source.url ? known : ofMirror, signal }
        for await (const chunk of await client.read(new URL(url), span)) {
          hasBegun = true
          yield chunk
        }
        return
      } catch (error) {
        signal.throwIfAborted()
        if (hasBegun || (error instanceof SourceChanged && url === source.url)) throw error
        failure ??= error
      }
    }
    throw failure
  }

  /** @returns what a client is told */
  #explain({ id }: RemoteMedia, error: unknown): SlipstreamError {
    if (error instanceof SourceChanged) {
      this.#renew(id)
      return new SlipstreamError('gone', CHANGED)
    }
    if (error instanceof SourceExhausted) return unreachable(error.message, error)
    if (error instanceof CopyLate) {
      const message =
        'The source sends the file from its beginning only, and has not come so far. Try again soon.'
      return unreachable(message, error)
    }
    if (error instanceof CopyFailed) return toSlipstreamError(error.cause)
    if (!(error instanceof SlipstreamError)) {
      return unreachable('The source of this title breaks off. Try again soon.', error)
    }
    if (error.code !== 'source_unreachable' || error.headers['Retry-After']) return error
    return unreachable(error.message, error)
  }

  /** Many viewers find out at once; one of them says so. */
  #renew(id: MediaId): void {
    if (this.#renewing.has(id)) return
    const { renew, log } = this.#ports
    const renewing = renew(id)
      .then(
        () => {},
        (err) =>
          log.warn({ err, media: id }, 'a file that changed at its source cannot be renewed'),
      )
      .finally(() => this.#renewing.delete(id))
    this.#renewing.set(id, renewing)
  }
}

/** @returns the oldest place of who has most, `null` unless the newcomer has two fewer at least */
function placeToCut(places: readonly Place[], newcomer: string): Place | null {
  const held = new Map([[newcomer, 0]])
  for (const { client } of places) held.set(client, (held.get(client) ?? 0) + 1)
  const most = Math.max(...held.values())
  if (most < (held.get(newcomer) ?? 0) + 2) return null
  return places.find(({ client }) => held.get(client) === most) ?? null
}

function unreachable(message: string, cause?: unknown): SlipstreamError {
  const headers = { 'Retry-After': RETRY_AFTER_S }
  return new SlipstreamError('source_unreachable', message, { cause, headers })
}

/** Waits until the system has taken the bytes, or the client is gone. */
function written(response: ServerResponse, chunk: Uint8Array): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const go = () => resolve()
  response.once('close', go)
  response.write(chunk, go)
  return promise.finally(() => response.off('close', go))
}
