// The web seed (BEP 19): a title's bytes over HTTP, in ranges, for browsers, native BitTorrent
// clients and caches. Answers on the bare `node:http` server: this path is where the bytes are.
// Bytes are read with `fs.read` into pooled buffers and sent in as few writes as memory allows. What
// lies elsewhere, and is not here as a copy, is passed on (passing-on.ts). It also answers the address
// of a stream as long as the browser's worker does not: with the file's head, or all of it.
import { read } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { headEndOf } from '#protocol/early-request.ts'
import { type MediaId, parseMediaId } from '#protocol/ids.ts'
import { etagOf } from '#protocol/media.ts'
import { decideRange } from '#protocol/range.ts'
import {
  HEAD_PARAMETER,
  ONLY_IF_CACHED,
  parseStreamPath,
  type StreamTarget,
} from '#protocol/stream.ts'
import { SlipstreamError } from '../http/errors.ts'
import type { Catalogue, Media } from '../media/catalogue.ts'
import { isRemote, type RemoteMedia } from '../sources/source-copies.ts'
import { type Accel, asksForFile, mayHandOver, placeOf } from './accel.ts'
import { BufferPool } from './buffer-pool.ts'
import { evaluateConditions, rangeApplies } from './conditions.ts'
import { HeldAnswers } from './held-answers.ts'
import { type HeldFile, OpenFiles } from './open-files.ts'
import { CHANGED, type PassingOn } from './passing-on.ts'
import { QuickReads } from './quick-reads.ts'

/** A client that takes no byte for so long is cut off; players ask again from where they were. */
const STALLED_CLIENT_MS = 120_000
const METHODS = 'GET, HEAD, OPTIONS'
/** So much of a head is kept back, for so long at most. */
const HELD_BYTES = 8 * 1024
const HOLD_MS = 6000

/**
 * A body that has been alone for so long is read on the main thread, in pieces of that size, so that
 * its socket sends one while the next is read (a fifth faster at one connection). Several bodies
 * overlap with each other.
 */
const ALONE_AFTER_MS = 1000
const ALONE_BYTES = 512 * 1024

interface WebSeedOptions {
  readonly catalogue: Pick<Catalogue, 'get'>
  readonly blobs: { path(id: MediaId, revision: number): string }
  /** Sends what is not here. */
  readonly passingOn: Pick<PassingOn, 'send'>
  /** Under whose name a request counts. */
  readonly clientOf: (request: IncomingMessage) => string
  /** Told that the copy of a revision of a file elsewhere is being read. */
  readonly onWanted: (id: MediaId, revision: number) => void
  /** nginx in front that sends files from the disk, `null` when there is none. */
  readonly accel?: Accel | null
  /** How long the end of a stream's head may be kept back, milliseconds. */
  readonly holdMs?: number
  /** Told of payload bytes as they are handed to a socket. */
  readonly onSent: (bytes: number) => void
}

export class WebSeed {
  readonly #options: WebSeedOptions
  readonly #files = new OpenFiles()
  readonly #pool = new BufferPool()
  readonly #quickReads = new QuickReads()
  readonly #held: HeldAnswers
  #bodies = 0
  /** When there were last several, by `performance.now()`. */
  #crowdedAt = Number.NEGATIVE_INFINITY

  constructor(options: WebSeedOptions) {
    this.#options = options
    this.#held = new HeldAnswers(options.holdMs ?? HOLD_MS)
  }

  /**
   * Answers `/media/:id/:filename` and `/media/:id/stream/:session/:filename`.
   * @param url the request's path and query
   * @throws SlipstreamError for everything that is not a 2xx or 3xx; nothing was sent then
   */
  async handle(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    for (const [name, value] of CORS_HEADERS) response.setHeader(name, value)
    const stream = parseStreamPath(url.pathname)
    const { accel } = this.#options
    if (asksForFile(request)) {
      const isNginx = accel?.isTrustedProxy(request.socket.remoteAddress) === true
      await this.#nameFile(isNginx && !stream ? accel : null, response, url)
      return
    }
    if (this.#answerMethod(request, response, stream)) return
    const { media, namesRevision } = await this.#find(url, stream)
    response.setHeader('Accept-Ranges', 'bytes')
    const validators = describe(response, media, { isStream: stream !== null, namesRevision })
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
    const wanted = isPart
      ? { start: decision.start, end: decision.end + 1 }
      : { start: 0, end: media.size }
    const answer = stream
      ? answerOfStream(request, url, media, isPart ? wanted : null)
      : { ...wanted, isHead: false }
    if (answer === 'not-cached') {
      response.writeHead(504, { 'Content-Length': 0, 'Cache-Control': 'no-store' }).end()
      return
    }
    const { start, end } = answer
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
    if (accel && !answer.isHead && mayHandOver(accel, request, decision)) {
      file.release()
      // To a whole file nginx adds its own, and passes ours on as well.
      if (!isPart) response.removeHeader('Accept-Ranges')
      const target = placeOf(accel, media)
      response.writeHead(200, { 'X-Accel-Redirect': target, 'Content-Length': 0 }).end()
      return
    }
    writeHead()
    // Only at the start is there nobody else yet who could answer for what comes next.
    const isHeld = answer.isHead && start === 0 && end < media.size
    const holds = stream && isHeld ? this.#held.ended(stream.session) : null
    this.#send(response, file, { start, end, holds })
  }

  /**
   * Tells nginx which file it may send, with the headers for it, or that it is to pass the request on.
   * @param accel `null` where nothing is handed over
   */
  async #nameFile(accel: Accel | null, response: ServerResponse, url: URL): Promise<void> {
    const found = accel && (await this.#find(url, null).catch(() => null))
    const file = found && (await this.#open(found.media).catch(() => null))
    if (!accel || !found || !file) {
      response.writeHead(403, { 'Content-Length': 0, 'Cache-Control': 'no-store' }).end()
      return
    }
    file.release()
    const { media, namesRevision } = found
    describe(response, media, { isStream: false, namesRevision })
    response
      .writeHead(204, { 'Content-Type': media.type, 'X-Accel-Redirect': placeOf(accel, media) })
      .end()
  }

  /**
   * @returns whether that was all
   * @throws SlipstreamError for methods that are not answered
   */
  #answerMethod(
    { method }: IncomingMessage,
    response: ServerResponse,
    stream: StreamTarget | null,
  ): boolean {
    if (method === 'GET' || method === 'HEAD') return false
    if (method === 'OPTIONS') {
      response.setHeader('Access-Control-Allow-Methods', METHODS)
      response.setHeader('Access-Control-Allow-Headers', 'Range, If-Range, If-None-Match')
      response.setHeader('Access-Control-Max-Age', '86400')
      response.writeHead(204, { Allow: METHODS }).end()
      return true
    }
    if (stream && method === 'POST') {
      this.#held.release(stream.session)
      response.writeHead(204).end()
      return true
    }
    const message = `A media file answers ${METHODS} only.`
    throw new SlipstreamError('method_not_allowed', message, { headers: { Allow: METHODS } })
  }

  /** Makes the file of a deleted title unreachable for new requests; present ones finish. */
  forget(id: MediaId, revision: number): void {
    this.#files.forget(this.#options.blobs.path(id, revision))
  }

  close(): void {
    this.#files.close()
  }

  async #find(url: URL, stream: StreamTarget | null) {
    const target = stream ? { ...stream, revision: String(stream.revision) } : targetOf(url)
    const media = target && (await this.#options.catalogue.get(target.mediaId))
    if (!media || target.filename.normalize('NFC') !== media.filename) throw notFound()
    const { revision } = target
    const isPresent = revision === null || revision === String(media.revision)
    return {
      media: isPresent ? media : await this.#findOld(media, revision),
      namesRevision: revision !== null,
    }
  }

  /**
   * Files elsewhere change; viewers of an older revision finish with its copy as long as its file is
   * there, whichever revision the table has noted by now.
   */
  async #findOld(media: Media, revisionText: string): Promise<Media> {
    const revision = /^[1-9]\d{0,14}$/.test(revisionText) ? Number(revisionText) : Number.NaN
    if (media.source === null || !(revision < media.revision)) throw notFound()
    const file = await stat(this.#options.blobs.path(media.id, revision)).catch(() => null)
    if (file === null) throw new SlipstreamError('gone', CHANGED)
    const source = { ...media.source, kept_revision: revision }
    return { ...media, revision, size: file.size, source }
  }

  /** @returns `null` when the file lies elsewhere and is not here */
  async #open(media: Media): Promise<HeldFile | null> {
    const isElsewhere = isRemote(media)
    if (isElsewhere) {
      if (media.source.kept_revision !== media.revision) return null
      this.#options.onWanted(media.id, media.revision)
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
  #send(response: ServerResponse, file: HeldFile, { start, end, holds }: Body): void {
    if (response.destroyed) {
      file.release() // the client left while the file was opened
      return
    }
    const isAlone = this.#enter()
    let position = start
    let pause = holds
    let stop = holds ? Math.max(start, end - HELD_BYTES) : end
    let held: Buffer | null = null
    let isReading = false
    let isOver = false

    const finish = () => {
      if (isOver && isReading) return // the read's callback comes back here
      if (held) this.#pool.give(held, this.#bodies)
      held = null
      file.release()
    }
    const next = () => {
      if (pause && position === stop) {
        void pause.then(() => {
          pause = null
          stop = end
          if (!isOver) next()
        })
        return
      }
      const left = stop - position
      const buffer = this.#pool.take(isAlone ? Math.min(left, ALONE_BYTES) : left, this.#bodies)
      const length = Math.min(buffer.length, left)
      held = buffer
      isReading = true
      const onRead = (error: Error | null, bytes: number) => {
        isReading = false
        if (isOver) return finish()
        // A file that became shorter: the promised length cannot be kept, so the connection ends.
        if (error || bytes === 0) return void response.destroy(error ?? undefined)
        position += bytes
        send(buffer, bytes)
      }
      const isStillAlone = isAlone && this.#bodies === 1
      if (isStillAlone) this.#quickReads.read(file.fd, buffer, length, position, onRead)
      else read(file.fd, buffer, 0, length, position, onRead)
    }
    const send = (buffer: Buffer, bytes: number) => {
      const chunk = bytes === buffer.length ? buffer : buffer.subarray(0, bytes)
      this.#options.onSent(bytes)
      if (position === end) return void response.end(chunk)
      response.write(chunk, (failure) => {
        if (failure || isOver) return // `close` cleans up
        this.#pool.give(buffer, this.#bodies)
        held = null
        next()
      })
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

  /** One more body is under way. @returns whether it has been the only one for a while */
  #enter(): boolean {
    const now = performance.now()
    this.#bodies += 1
    if (this.#bodies > 1) this.#crowdedAt = now
    return now - this.#crowdedAt > ALONE_AFTER_MS
  }
}

/** Says which file it is and how long it may be kept. @returns by what it is told from others */
function describe(
  response: ServerResponse,
  media: Media,
  { isStream, namesRevision }: { readonly isStream: boolean; readonly namesRevision: boolean },
) {
  const validators = { etag: etagOf(media), lastModified: media.created_at }
  response.setHeader('ETag', validators.etag)
  // The worker, who answers for the rest of a stream, does not know it.
  if (!isStream)
    response.setHeader('Last-Modified', new Date(validators.lastModified).toUTCString())
  response.setHeader('Cache-Control', cachingOf(isStream, namesRevision))
  return validators
}

const CORS_HEADERS = [
  ['Access-Control-Allow-Origin', '*'],
  ['Access-Control-Expose-Headers', 'Accept-Ranges, Content-Length, Content-Range, ETag'],
  ['Cross-Origin-Resource-Policy', 'cross-origin'],
  ['X-Content-Type-Options', 'nosniff'],
] as const

/** What to send of a file. */
interface Body {
  readonly start: number
  /** The byte after the last one. */
  readonly end: number
  /** When the last bytes may go out; `null`: with the others. */
  readonly holds: Promise<void> | null
}

/**
 * @param part what was asked for, `null` for all of it
 * @returns what is sent of it, and whether that is a head
 */
function answerOfStream(
  { headers }: IncomingMessage,
  url: URL,
  { size, duration_s: duration }: Media,
  part: { readonly start: number; readonly end: number } | null,
): { readonly start: number; readonly end: number; readonly isHead: boolean } | 'not-cached' {
  const isForCache = headers['cache-control'] === ONLY_IF_CACHED
  // What begins later is the rest of an answer that was not kept whole.
  if (isForCache && (part === null || part.start === 0)) return 'not-cached'
  if (part === null) return { start: 0, end: size, isHead: false }
  if (!url.searchParams.has(HEAD_PARAMETER)) return { ...part, isHead: false }
  const { start } = part
  const end = Math.min(part.end, headEndOf({ size, duration }, start))
  return { start, end, isHead: true }
}

/** @param isStream an address of one playback, which nobody else asks for */
function cachingOf(isStream: boolean, namesRevision: boolean): string {
  if (isStream) return 'private, max-age=3600'
  // Without a revision the same URL may have another one's bytes one day.
  return namesRevision ? 'public, max-age=31536000, immutable' : 'public, no-cache'
}

/** @returns what the path of a media file names, or `null` for another path */
function targetOf(url: URL) {
  const [, , idText, nameText, ...rest] = url.pathname.split('/')
  const mediaId = parseMediaId(idText)
  const filename = decodeName(nameText)
  if (mediaId === null || filename === null || rest.length > 0) return null
  return { mediaId, filename, revision: url.searchParams.get('revision') }
}

function notFound(): SlipstreamError {
  const message = 'There is no such media file. It may have been deleted; look in the catalogue.'
  return new SlipstreamError('not_found', message)
}

function decodeName(text: string | undefined): string | null {
  try {
    return text === undefined ? null : decodeURIComponent(text)
  } catch {
    return null // a broken escape
  }
}
