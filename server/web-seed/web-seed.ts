// The web seed (BEP 19): a title's bytes over HTTP, in ranges, for browsers, native BitTorrent
// clients and caches. Answers on the bare `node:http` server: this path is where the bytes are.
// Bytes are read with `fs.read` into pooled buffers and sent in as few writes as memory allows. What
// lies elsewhere, and is not here as a copy, is passed on (passing-on.ts).
import { read } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type MediaId, parseMediaId } from '#protocol/ids.ts'
import { decideRange } from '#protocol/range.ts'
import { SlipstreamError } from '../http/errors.ts'
import type { Catalogue, Media } from '../media/catalogue.ts'
import { isRemote, type RemoteMedia } from '../sources/source-copies.ts'
import { type Accel, mayHandOver } from './accel.ts'
import { BufferPool } from './buffer-pool.ts'
import { evaluateConditions, rangeApplies } from './conditions.ts'
import { type HeldFile, OpenFiles } from './open-files.ts'
import { CHANGED, type PassingOn } from './passing-on.ts'

/** A client that takes no byte for so long is cut off; players ask again from where they were. */
const STALLED_CLIENT_MS = 120_000
const METHODS = 'GET, HEAD, OPTIONS'

interface WebSeedOptions {
  readonly catalogue: Pick<Catalogue, 'get'>
  readonly blobs: { path(id: MediaId, revision: number): string }
  /** Sends what is not here. */
  readonly passingOn: Pick<PassingOn, 'send'>
  /** Under whose name a request counts. */
  readonly clientOf: (request: IncomingMessage) => string
  /** Told that a copy of a file elsewhere is being read. */
  readonly onWanted: (id: MediaId) => void
  /** nginx in front that sends files from the disk, `null` when there is none. */
  readonly accel?: Accel | null
  /** Told of payload bytes as they are handed to a socket. */
  readonly onSent: (bytes: number) => void
}

export class WebSeed {
  readonly #options: WebSeedOptions
  readonly #files = new OpenFiles()
  readonly #pool = new BufferPool()
  #bodies = 0

  constructor(options: WebSeedOptions) {
    this.#options = options
  }

  /**
   * Answers `/media/:id/:filename`.
   * @param url the request's path and query
   * @throws SlipstreamError for everything that is not a 2xx or 3xx; nothing was sent then
   */
  async handle(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    for (const [name, value] of CORS_HEADERS) response.setHeader(name, value)
    if (request.method === 'OPTIONS') {
      response.setHeader('Access-Control-Allow-Methods', METHODS)
      response.setHeader('Access-Control-Allow-Headers', 'Range, If-Range, If-None-Match')
      response.setHeader('Access-Control-Max-Age', '86400')
      response.writeHead(204, { Allow: METHODS }).end()
      return
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      const message = `A media file answers ${METHODS} only.`
      throw new SlipstreamError('method_not_allowed', message, { headers: { Allow: METHODS } })
    }
    const media = await this.#find(url)
    const validators = { etag: `"${media.id}-${media.revision}"`, lastModified: media.created_at }
    response.setHeader('Accept-Ranges', 'bytes')
    response.setHeader('ETag', validators.etag)
    response.setHeader('Last-Modified', new Date(validators.lastModified).toUTCString())
    response.setHeader(
      'Cache-Control',
      url.searchParams.has('revision') ? 'public, max-age=31536000, immutable' : 'public, no-cache', // the same URL may have another revision's bytes one day
    )
    const verdict = evaluateConditions(request.headers, validators)
    if (verdict === 'not-modified') {
      response.writeHead(304).end()
      return
    }
    if (verdict === 'failed') {
      throw new SlipstreamError(
        'precondition_failed',
        'The file is not the one you hold. Load it anew.',
      )
    }
    response.setHeader('Content-Type', media.type)
    if (request.method === 'HEAD') {
      response.writeHead(200, { 'Content-Length': media.size }).end()
      return
    }
    const range = rangeApplies(request.headers, validators) ? request.headers.range : undefined
    const decision = decideRange(range, media.size)
    if (decision.kind === 'unsatisfiable') {
      throw new SlipstreamError(
        'range_not_satisfiable',
        `The file has bytes 0 to ${media.size - 1}; the range asked for is not among them.`,
        { headers: { 'Content-Range': `bytes */${media.size}` } },
      )
    }
    const isPart = decision.kind === 'range'
    const [start, end] = isPart ? [decision.start, decision.end + 1] : [0, media.size]
    const writeHead = () =>
      response.writeHead(isPart ? 206 : 200, {
        'Content-Length': end - start,
        ...(isPart && { 'Content-Range': `bytes ${start}-${end - 1}/${media.size}` }),
      })
    const file = await this.#open(media)
    if (file === null) {
      const { onSent, passingOn, clientOf } = this.#options
      const client = clientOf(request)
      response.setTimeout(STALLED_CLIENT_MS, () => response.destroy())
      const body = { client, start, end, writeHead, onSent }
      await passingOn.send(response, media as RemoteMedia, body)
      return
    }
    const { accel } = this.#options
    if (accel && mayHandOver(accel, request, decision)) {
      file.release()
      // To a whole file nginx adds its own, and passes ours on as well.
      if (!isPart) response.removeHeader('Accept-Ranges')
      const target = `${accel.prefix}${media.id}/${media.revision}`
      response.writeHead(200, { 'X-Accel-Redirect': target, 'Content-Length': 0 }).end()
      return
    }
    writeHead()
    this.#send(response, file, start, end)
  }

  /** Makes the file of a deleted title unreachable for new requests; present ones finish. */
  forget(id: MediaId, revision: number): void {
    this.#files.forget(this.#options.blobs.path(id, revision))
  }

  close(): void {
    this.#files.close()
  }

  async #find(url: URL): Promise<Media> {
    const [, , idText, nameText, ...rest] = url.pathname.split('/')
    const id = parseMediaId(idText)
    const media = id && rest.length === 0 ? await this.#options.catalogue.get(id) : null
    if (media === null || decodeName(nameText) !== media.filename) throw notFound()
    const revision = url.searchParams.get('revision')
    if (revision === null || revision === String(media.revision)) return media
    return this.#findOld(media, revision)
  }

  /** Files elsewhere change; viewers of an older revision finish with its copy, if there is one. */
  async #findOld(media: Media, revisionText: string): Promise<Media> {
    const revision = /^[1-9]\d{0,14}$/.test(revisionText) ? Number(revisionText) : Number.NaN
    if (media.source === null || !(revision < media.revision)) throw notFound()
    const gone = new SlipstreamError('gone', CHANGED)
    if (media.source.kept_revision !== revision) throw gone
    const file = await stat(this.#options.blobs.path(media.id, revision)).catch(() => null)
    if (file === null) throw gone
    return { ...media, revision, size: file.size }
  }

  /** @returns `null` when the file lies elsewhere and is not here */
  async #open(media: Media): Promise<HeldFile | null> {
    const isElsewhere = isRemote(media)
    if (isElsewhere) {
      if (media.source.kept_revision !== media.revision) return null
      this.#options.onWanted(media.id)
    }
    try {
      return await this.#files.hold(this.#options.blobs.path(media.id, media.revision))
    } catch (cause) {
      if (isElsewhere) {
        // The copy had to make room this very moment.
        const present = await this.#options.catalogue.get(media.id)
        if (present?.revision === media.revision) return null
        throw new SlipstreamError('gone', CHANGED, { cause })
      }
      const message = 'The file of this title cannot be read. The server log has the details.'
      throw new SlipstreamError('internal', message, { cause })
    }
  }

  /** Sends bytes `start` to `end`, exclusive; gives the file back however the response ends. */
  #send(response: ServerResponse, file: HeldFile, start: number, end: number): void {
    if (response.destroyed) {
      file.release() // the client left while the file was opened
      return
    }
    this.#bodies += 1
    let position = start
    let isReading = false
    let isOver = false
    let current: Buffer | null = null

    const finish = () => {
      if (isOver && isReading) return // the read's callback comes back here
      if (current) this.#pool.give(current)
      current = null
      file.release()
    }
    const next = () => {
      const buffer = this.#pool.take(end - position, this.#bodies)
      current = buffer
      isReading = true
      read(
        file.fd,
        buffer,
        0,
        Math.min(buffer.length, end - position),
        position,
        (error, bytes) => {
          isReading = false
          if (isOver) return finish()
          // A file that became shorter: the promised length cannot be kept, so the connection ends.
          if (error || bytes === 0) return void response.destroy(error ?? undefined)
          position += bytes
          const chunk = bytes === buffer.length ? buffer : buffer.subarray(0, bytes)
          this.#options.onSent(bytes)
          if (position === end) return void response.end(chunk)
          response.write(chunk, (failure) => {
            if (failure || isOver) return // `close` cleans up
            this.#pool.give(buffer)
            current = null
            next()
          })
        },
      )
    }
    response.setTimeout(STALLED_CLIENT_MS, () => response.destroy())
    // `close` comes after the last byte was handed to the system, or when the client is gone: from
    // then on nothing reads the buffer any more.
    response.once('close', () => {
      isOver = true
      this.#bodies -= 1
      finish()
    })
    next()
  }
}

const CORS_HEADERS = [
  ['Access-Control-Allow-Origin', '*'],
  ['Access-Control-Expose-Headers', 'Accept-Ranges, Content-Length, Content-Range, ETag'],
  ['Cross-Origin-Resource-Policy', 'cross-origin'],
  ['X-Content-Type-Options', 'nosniff'],
] as const

function notFound(): SlipstreamError {
  const message = 'There is no such media file. It may have been deleted; look in the catalogue.'
  return new SlipstreamError('not_found', message)
}

function decodeName(text: string | undefined): string | null {
  try {
    return text === undefined ? null : decodeURIComponent(text).normalize('NFC')
  } catch {
    return null // a broken escape
  }
}
