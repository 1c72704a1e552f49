// How the service worker and the page that plays talk about a stream. A `<video>` asks for
// `/media/:id/stream/:session/:filename`; the worker passes the request to the page over a
// MessagePort and pulls one chunk at a time. Whatever fails on that way is answered by the web seed
// of the same origin, which both sides can name from the path alone. The file's head may come from
// the server itself, which answers the same address as long as no worker does (`HEAD_PARAMETER`).
import * as v from 'valibot'
import { type MediaId, parseMediaId } from './ids.ts'

/** Paths that the service worker answers, as a URL pattern; as all paths here, of a server at the root. */
export const STREAM_PATTERN = '/media/:id/stream/:session/:filename'

/**
 * In the query of a stream's address: the server sends the file's head, in an answer of its own whose
 * end it keeps back until page and worker are there for what comes next, or for some seconds.
 */
export const HEAD_PARAMETER = 'head'

/**
 * `Cache-Control` of a request for what a cache has of a stream (RFC 9111 §5.2.1.7). The server answers
 * it with 504; but a cache that has the first bytes gets the others.
 */
export const ONLY_IF_CACHED = 'only-if-cached'

/** What the path of a stream names. */
export interface StreamTarget {
  /** `<revision>.<random>`; one per opened playback. */
  readonly session: string
  readonly mediaId: MediaId
  readonly revision: number
  readonly filename: string
}

/** @param random distinguishes playbacks: letters, digits, `-` */
export function streamSession(revision: number, random: string): string {
  return `${revision}.${random}`
}

/** @returns the path that goes into `<video src>`: below that of the title's other media paths */
export function streamPath(mediaId: MediaId, session: string, filename: string): string {
  return `/media/${mediaId}/stream/${session}/${encodeURIComponent(filename)}`
}

/** @returns the path of the same-origin web seed. */
export function webSeedPath(mediaId: MediaId, revision: number, filename: string): string {
  return `/media/${mediaId}/${encodeURIComponent(filename)}?revision=${revision}`
}

/** @returns what the path names, or `null` when it is no well-formed stream path. */
export function parseStreamPath(pathname: string): StreamTarget | null {
  const match = /^\/media\/([^/]+)\/stream\/(([1-9]\d{0,14})\.[\w-]{1,64})\/([^/]+)$/.exec(pathname)
  const mediaId = parseMediaId(match?.[1])
  if (!match?.[2] || !match[4] || mediaId === null) return null
  try {
    const filename = decodeURIComponent(match[4])
    return { session: match[2], mediaId, revision: Number(match[3]), filename }
  } catch {
    return null // a stray `%`
  }
}

/** Worker to window, with a MessagePort for the answer: who plays this session? */
export const streamRequestSchema = v.object({
  type: v.literal('stream-request'),
  session: v.string(),
  /** The `Range` header as it came, or `null`. */
  range: v.nullable(v.string()),
})
export type StreamRequest = v.InferOutput<typeof streamRequestSchema>

/**
 * Worker to page over the port. Every `pull` is answered by one `chunk`, `end` or `failed`; so is
 * the request itself, behind its `head`: the first chunk need not be asked for.
 */
export const streamCommandSchema = v.object({ type: v.picklist(['pull', 'cancel']) })
export type StreamCommand = v.InferOutput<typeof streamCommandSchema>

/** Page to worker over the port; `unknown` says that this page does not play the session. */
export const streamReplySchema = v.variant('type', [
  v.object({ type: v.literal('unknown') }),
  v.object({
    type: v.literal('head'),
    status: v.picklist([200, 206, 416]),
    headers: v.record(v.string(), v.string()),
  }),
  v.object({
    type: v.literal('chunk'),
    /** At least one byte; its buffer is transferred. */
    bytes: v.custom<Uint8Array<ArrayBuffer>>((value) => value instanceof Uint8Array),
  }),
  v.object({ type: v.literal('end') }),
  v.object({ type: v.literal('failed'), message: v.string() }),
])
export type StreamReply = v.InferOutput<typeof streamReplySchema>

/**
 * Page to worker. `connect` brings a MessagePort over which the worker may send its requests, which
 * is faster than by way of the browser; `keep-alive` counts as an event, so that the browser does
 * not stop the worker while a stream is open; `claim` asks it to control a page that was loaded past
 * it.
 */
export const workerNoticeSchema = v.object({
  type: v.picklist(['connect', 'keep-alive', 'claim']),
})
export type WorkerNotice = v.InferOutput<typeof workerNoticeSchema>
