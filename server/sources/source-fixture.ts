// A title's source for tests: a web server (web-server-fixture.ts) with one file, which may misbehave
// in every way that a source can, and counts what it sends. Beside it, a client, and the title
// in the tables. Whoever starts it closes it.
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { MediaId } from '#protocol/ids.ts'
import { decideRange } from '#protocol/range.ts'
import type { Database } from '../database/database.ts'
import { createCatalogue } from '../media/catalogue.ts'
import { exampleMedia } from '../media/media-fixture.ts'
import { HttpSourceClient } from './http-source-client.ts'
import type { KnownSource } from './source-client.ts'
import type { RemoteMedia } from './source-copies.ts'
import { startSource } from './web-server-fixture.ts'

/** What a request meets before, or instead of, the usual answer. @returns true when it answered */
export type Mischief = (request: IncomingMessage, response: ServerResponse) => boolean

export interface TestSource {
  readonly url: string
  readonly origin: string
  bytes: Buffer
  etag: string
  ranges: boolean
  /** Met by each request in turn; when there is none, the answer is the usual one. */
  readonly mischief: Mischief[]
  /** Payload bytes handed to sockets. */
  sent: number
  /** `Range` headers as they came, `-` where there was none. */
  readonly asked: string[]
  /** Requests under way, and the most there ever were. */
  open: number
  mostOpen: number
  /** Bytes that go out in a second of a request; all at once when left out. */
  rate: number | null
  known(): KnownSource
  close(): Promise<void>
}

/** @param size bytes of a file of random bytes, or the file itself */
export async function startTestSource(size: number | Buffer): Promise<TestSource> {
  const server = await startSource((request, response) => {
    source.asked.push(request.headers.range ?? '-')
    source.open += 1
    source.mostOpen = Math.max(source.mostOpen, source.open)
    response.once('close', () => {
      source.open -= 1
    })
    if (source.mischief.shift()?.(request, response)) return
    void answer(source, request, response)
  })
  const source: TestSource = {
    url: `${server.url}/film.bin`,
    origin: server.url,
    bytes: typeof size === 'number' ? randomBytes(size) : size,
    etag: '"one"',
    ranges: true,
    mischief: [],
    sent: 0,
    asked: [],
    open: 0,
    mostOpen: 0,
    rate: null,
    known: () => ({
      size: source.bytes.length,
      etag: source.etag,
      lastModified: null,
      ranges: source.ranges,
    }),
    close: server.close,
  }
  return source
}

async function answer(source: TestSource, request: IncomingMessage, response: ServerResponse) {
  const { bytes, etag, ranges } = source
  const condition = request.headers['if-range']
  const counts = ranges && (condition === undefined || condition === etag)
  const decision = decideRange(counts ? request.headers.range : undefined, bytes.length)
  response.setHeader('Content-Type', 'video/webm')
  response.setHeader('ETag', etag)
  if (ranges) response.setHeader('Accept-Ranges', 'bytes')
  if (decision.kind === 'unsatisfiable') {
    response.writeHead(416).end()
    return
  }
  const [start, end] =
    decision.kind === 'range' ? [decision.start, decision.end + 1] : [0, bytes.length]
  if (decision.kind === 'range') {
    response.setHeader('Content-Range', `bytes ${start}-${end - 1}/${bytes.length}`)
  }
  response.writeHead(decision.kind === 'range' ? 206 : 200, { 'Content-Length': end - start })
  if (request.method === 'HEAD') {
    response.end()
    return
  }
  await send(source, response, bytes.subarray(start, end))
  response.end()
}

/** Sends in portions, at the source's rate and as fast as the client takes them. */
export async function send(source: TestSource, response: ServerResponse, bytes: Uint8Array) {
  const portion = 64 * 1024
  for (let at = 0; at < bytes.length && !response.destroyed; at += portion) {
    const chunk = bytes.subarray(at, at + portion)
    source.sent += chunk.length
    await new Promise<void>((resolve) => {
      const go = () => {
        response.off('close', go)
        resolve()
      }
      response.once('close', go)
      response.write(chunk, go)
    })
    if (source.rate !== null) {
      await new Promise((resolve) => setTimeout(resolve, (chunk.length / (source.rate ?? 1)) * 1e3))
    }
  }
}

/** Sends the head of a usual answer and `bytes` of its body, then breaks off. */
export function breakOff(source: TestSource, bytes: number): Mischief {
  return (request, response) => {
    const [, first, last] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? []
    const start = Number(first ?? 0)
    const end = last === undefined ? source.bytes.length : Number(last) + 1
    response.writeHead(first === undefined ? 200 : 206, {
      'Content-Length': end - start,
      'Content-Range': `bytes ${start}-${end - 1}/${source.bytes.length}`,
      ETag: source.etag,
    })
    void send(source, response, source.bytes.subarray(start, start + bytes)).then(() =>
      response.destroy(),
    )
    return true
  }
}

/** Answers with a status and nothing else. */
export function refuse(status: number, headers: Record<string, string> = {}): Mischief {
  return (_request, response) => {
    response.writeHead(status, headers).end()
    return true
  }
}

/** Never answers. */
export const stall: Mischief = () => true

/** For clients that may ask anybody for anything. */
export const anySource = {
  policy: { assertAllowed: async () => {} },
  allowPrivate: true,
  maxBytes: 1e12,
  pageOrigin: 'https://slipstream.example',
} as const

/** Asks as the server does, and any source. */
export const sourceClient = new HttpSourceClient(anySource)

/** Lists the source's file as a title. @returns the title */
export async function addRemoteMedia(
  database: Database,
  source: TestSource,
  changes: { readonly id?: MediaId; readonly duration?: number | null } = {},
): Promise<RemoteMedia> {
  const media = exampleMedia({
    size: source.bytes.length,
    duration_s: changes.duration === undefined ? 1 : changes.duration,
    ...(changes.id && { id: changes.id }),
  })
  const catalogue = createCatalogue(database)
  await catalogue.add(media)
  await database
    .insertInto('media_source')
    .values({
      media_id: media.id,
      url: `${source.url}?${media.id}`,
      mirrors: '[]',
      etag: source.etag,
      last_modified: null,
      ranges: source.ranges ? 1 : 0,
      cors: 0,
      kept_revision: null,
      wanted_at: 1,
      checked_at: 1,
    })
    .execute()
  return (await catalogue.get(media.id)) as RemoteMedia
}

/** What a registry does when a source changed: the title has the file as it is now. */
export async function renewMedia(database: Database, id: MediaId, source: TestSource) {
  await database
    .updateTable('media')
    .set((update) => ({ revision: update('revision', '+', 1), size: source.bytes.length }))
    .where('id', '=', id)
    .execute()
  await database
    .updateTable('media_source')
    .set({ etag: source.etag })
    .where('media_id', '=', id)
    .execute()
}
