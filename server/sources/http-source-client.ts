// Asks sources over HTTP. What they say is checked: of bytes that were asked for, exactly those pass.
// Whoever made it closes it.
import {
  assertSpan,
  factsOf,
  isEncoded,
  refusalOf,
  type ToldFacts,
  unsuitable,
} from './source-answer.ts'
import type { SourceClient, SourceFacts, SourceSpan } from './source-client.ts'
import {
  type SourceAnswer,
  SourceConnection,
  type SourceConnectionOptions,
  troubleWith,
  unreachable,
} from './source-connection.ts'
import { namedType } from './source-type.ts'
import { lastSegmentOf } from './source-url.ts'

/** A source that is slower holds up a build without end: bytes per second. */
const SLOWEST = 16 * 1024
/** Statuses of a `HEAD` after which a `GET` may still be answered. */
const WITHOUT_HEAD = [400, 401, 403, 404, 405, 500, 501]

export interface HttpSourceClientOptions extends SourceConnectionOptions {
  /** The largest file taken, bytes. */
  readonly maxBytes: number
}

export class HttpSourceClient implements SourceClient {
  readonly #connection: SourceConnection
  readonly #maxBytes: number

  constructor(options: HttpSourceClientOptions) {
    this.#connection = new SourceConnection(options)
    this.#maxBytes = options.maxBytes
  }

  async inspect(url: URL, signal: AbortSignal, thorough = false): Promise<SourceFacts> {
    const late = AbortSignal.timeout(this.#connection.patience.inspection)
    try {
      return await this.#inspect(url, AbortSignal.any([signal, late]), thorough)
    } catch (error) {
      if (late.aborted && !signal.aborted && error === late.reason) {
        throw unreachable(url.host, 'does not answer in time')
      }
      throw error
    }
  }

  async read(url: URL, span: SourceSpan): Promise<AsyncIterable<Uint8Array>> {
    const { start, end, known, signal } = span
    if (!known.ranges && (start !== 0 || end !== known.size)) {
      throw new RangeError('a source without ranges is read as a whole')
    }
    const validator = known.etag ?? known.lastModified
    const headers = {
      ...(known.ranges && { Range: `bytes=${start}-${end - 1}` }),
      ...(known.ranges && validator !== null && { 'If-Range': validator }),
    }
    const answer = await this.#connection.send('GET', url, headers, signal)
    try {
      assertSpan(answer, span)
    } catch (error) {
      answer.discard()
      throw error
    }
    return this.#body(answer, end - start, signal)
  }

  close(): Promise<void> {
    return this.#connection.close()
  }

  async #inspect(url: URL, signal: AbortSignal, thorough: boolean): Promise<SourceFacts> {
    let head: ToldFacts | null = null
    if (!thorough) {
      const answer = await this.#connection.send('HEAD', url, {}, signal)
      answer.discard()
      if (answer.status === 200) head = factsOf(answer)
      else if (!WITHOUT_HEAD.includes(answer.status)) throw refusalOf(answer)
      if (head !== null && head.size !== null && head.ranges !== null)
        return this.#judged(url, head)
    }
    const answer = await this.#connection.send('GET', url, { Range: 'bytes=0-0' }, signal)
    answer.discard()
    if (answer.status === 416) throw unsuitable(`The file at ${url.host} is empty.`)
    if (answer.status !== 200 && answer.status !== 206) throw refusalOf(answer)
    if (isEncoded(answer)) {
      throw unsuitable(
        `${url.host} compresses the file on its way. Have it send the file as it is.`,
      )
    }
    const body = factsOf(answer)
    return this.#judged(url, {
      size: body.size ?? head?.size ?? null,
      type: body.type ?? head?.type ?? null,
      etag: body.etag ?? head?.etag ?? null,
      lastModified: body.lastModified ?? head?.lastModified ?? null,
      ranges: answer.status === 206,
      cors: body.cors,
      filename: body.filename ?? head?.filename ?? null,
    })
  }

  /** @throws SlipstreamError `source_unsuitable` when such a file cannot be delivered */
  #judged(url: URL, told: ToldFacts): SourceFacts {
    const { size, type, filename } = told
    const { host } = url
    if (size === null)
      throw unsuitable(`${host} does not tell the length of the file. Have it send Content-Length.`)
    if (size === 0) throw unsuitable(`The file at ${host} is empty.`)
    if (!Number.isSafeInteger(size) || size > this.#maxBytes) {
      const limit = `The file at ${host} has ${size} bytes; this server takes ${this.#maxBytes}.`
      throw unsuitable(`${limit} Its operator can raise MAX_UPLOAD_BYTES.`)
    }
    if (namedType(type, filename ?? lastSegmentOf(url)) === null) {
      const called =
        type === null ? 'neither type nor name of the file' : `its type ${type.slice(0, 100)}`
      throw unsuitable(
        `The file at ${host} is no video or audio that browsers play, as ${called} says.`,
      )
    }
    return { ...told, size, ranges: told.ranges ?? false }
  }

  /** Bytes as they come: neither more nor fewer than asked for, and not too slowly. */
  async *#body(answer: SourceAnswer, length: number, signal: AbortSignal) {
    const { host, body } = answer
    const chunks = body[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
    let received = 0
    let waitedMs = 0
    try {
      for (;;) {
        const askedAt = performance.now()
        const { done, value } = await chunks.next()
        waitedMs += performance.now() - askedAt // for the source, not for who reads
        if (done) break
        received += value.length
        if (received > length) throw unsuitable(`${host} sends more bytes than were asked for.`)
        yield value
        if (waitedMs > this.#connection.patience.silence + (received / SLOWEST) * 1000) {
          throw unreachable(host, 'sends too slowly')
        }
      }
      if (received < length) throw unreachable(host, 'breaks the connection off')
    } catch (error) {
      throw signal.aborted ? signal.reason : troubleWith(host, error)
    } finally {
      body.on('error', () => {}).destroy() // does nothing when it has ended
    }
  }
}
