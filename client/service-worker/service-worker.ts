// Answers `/media/:id/stream/:session/:filename` with bytes that the playing page hands over, pulled
// chunk by chunk. It keeps nothing between requests, so the browser may stop and restart it at any time; a
// page that does not answer, or is gone, is replaced by the web seed of the same origin; where the
// server sends a stream's head, by some more of that. Nothing else is intercepted, nothing is cached.

import * as v from 'valibot'
import {
  HEAD_PARAMETER,
  ONLY_IF_CACHED,
  parseStreamPath,
  STREAM_PATTERN,
  type StreamCommand,
  type StreamReply,
  type StreamRequest,
  type StreamTarget,
  streamReplySchema,
  webSeedPath,
  workerNoticeSchema,
} from '#protocol/stream.ts'

declare const self: ServiceWorkerGlobalScope

/** As in the Service Worker Static Routing API; TypeScript does not list it yet. */
interface StaticRoute {
  readonly condition: { readonly not: { readonly urlPattern: URLPattern } }
  readonly source: 'network'
}

/** @returns the path that the server's own paths are below, empty at the root: where this script lies */
const basePath = (): string => new URL('.', self.location.href).pathname.slice(0, -1)

/** A page answers within milliseconds, a busy one in seconds; a frozen or crashed one never does. */
const ANSWER_TIMEOUT_MS = 5000
/** How often a stream that waits for bytes looks whether its page is still there. */
const PAGE_CHECK_MS = 5000

self.addEventListener('install', (event) => {
  event.waitUntil(self.skipWaiting())
  // Where the browser knows static routes, nothing but streams waits for this worker to start.
  const { addRoutes } = event as { addRoutes?: (routes: readonly StaticRoute[]) => Promise<void> }
  if (!addRoutes) return // nor need it know URLPattern, then
  const pathname = basePath() + STREAM_PATTERN
  const others = { not: { urlPattern: new URLPattern({ pathname }) } }
  const routed = addRoutes.call(event, [{ condition: others, source: 'network' }])
  event.waitUntil(routed.catch(() => {})) // an older form of the proposal
})
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()))

self.addEventListener('message', (event) => {
  const notice = v.safeParse(workerNoticeSchema, event.data)
  if (!notice.success) return
  if (notice.output.type === 'claim') event.waitUntil(self.clients.claim())
  const [line] = event.ports
  if (notice.output.type !== 'connect' || !line || !(event.source instanceof Client)) return
  lines.set(event.source.id, line)
  event.waitUntil(forgetLines(event.source.id))
})

/** Direct lines to pages, by client id. A worker that was restarted has none, and does without. */
const lines = new Map<string, MessagePort>()

/** @param newest id of the page that has just come; the lines of pages that are gone are closed */
async function forgetLines(newest: string): Promise<void> {
  const open = await self.clients.matchAll({ type: 'window', includeUncontrolled: true })
  const ids = new Set([newest, ...open.map(({ id }) => id)])
  for (const [id, line] of lines) {
    if (ids.has(id)) continue
    line.close()
    lines.delete(id)
  }
}

self.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url)
  if (url.origin !== self.location.origin || event.request.method !== 'GET') return
  if (!url.pathname.startsWith(`${basePath()}/`)) return
  const target = parseStreamPath(url.pathname.slice(basePath().length))
  if (target && !isForServer(event.request, url)) {
    event.respondWith(answer(event.request, event.clientId, target))
  }
})

/** Streams whose head has come from the server, or was asked for there. */
const begun = new Set<string>()

/** The page asks the HTTP cache alone; and the server has the head of a stream, once. */
function isForServer({ headers }: Request, url: URL): boolean {
  if (headers.get('cache-control') === ONLY_IF_CACHED) return true
  const isFirst = headers.get('range') === 'bytes=0-' && !begun.has(url.pathname)
  if (!isFirst || !url.searchParams.has(HEAD_PARAMETER)) return false
  begun.add(url.pathname)
  return true
}

async function answer(request: Request, clientId: string, target: StreamTarget): Promise<Response> {
  const range = request.headers.get('range')
  const page = await askPages(clientId, { type: 'stream-request', session: target.session, range })
  if (page) return new Response(bodyFrom(page), { status: page.status, headers: page.headers })
  const { signal } = request
  const headers = range === null ? {} : { range }
  // A page that has yet to come is waited for by the server, which sends a little more meanwhile.
  if (new URL(request.url).searchParams.has(HEAD_PARAMETER)) {
    return fetch(request.url, { headers, signal })
  }
  const { mediaId, revision, filename } = target
  return fetch(basePath() + webSeedPath(mediaId, revision, filename), { headers, signal })
}

interface AnsweringPage {
  readonly id: string
  readonly replies: Replies
  readonly status: 200 | 206 | 416
  readonly headers: Record<string, string>
}

/** What a page says about one stream, in order; what nobody awaits yet is kept. */
class Replies {
  readonly port: MessagePort
  readonly #kept: (StreamReply | null)[] = []
  #awaiting: ((reply: StreamReply | null) => void) | null = null

  constructor(port: MessagePort) {
    this.port = port
    port.onmessage = (event) => {
      const parsed = v.safeParse(streamReplySchema, event.data)
      const reply = parsed.success ? parsed.output : null
      if (this.#awaiting) this.#awaiting(reply)
      else this.#kept.push(reply)
      this.#awaiting = null
    }
  }

  /** @returns the next reply, `null` for one that makes no sense */
  next(): Promise<StreamReply | null> {
    const kept = this.#kept.shift()
    if (kept !== undefined) return Promise.resolve(kept)
    return new Promise((resolve) => {
      this.#awaiting = resolve
    })
  }

  send(command: StreamCommand): void {
    this.port.postMessage(command)
  }

  /** Tells the page that nothing more is wanted. */
  dismiss(): void {
    this.send({ type: 'cancel' })
    this.port.onmessage = null
    this.port.close()
  }
}

/** A page that may be asked: over the line it offered, or else by way of the browser. */
interface Page {
  readonly id: string
  ask(request: StreamRequest, port: MessagePort): void
}

async function pagesFor(clientId: string): Promise<readonly Page[]> {
  const line = lines.get(clientId)
  if (line) return [{ id: clientId, ask: (request, port) => line.postMessage(request, [port]) }]
  const asking = clientId ? await self.clients.get(clientId) : undefined
  const clients = asking
    ? [asking]
    : await self.clients.matchAll({ type: 'window', includeUncontrolled: true })
  return clients.map((client) => ({
    id: client.id,
    ask: (request, port) => client.postMessage(request, [port]),
  }))
}

/** @returns the first page that plays the session, or `null` when none says so in time. */
async function askPages(clientId: string, request: StreamRequest): Promise<AnsweringPage | null> {
  const asked = (await pagesFor(clientId)).map(({ id, ask }) => {
    const { port1, port2 } = new MessageChannel()
    const replies = new Replies(port1)
    ask(request, port2)
    return { id, replies }
  })
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(reject, ANSWER_TIMEOUT_MS)
  })
  const answers = asked.map(async ({ id, replies }): Promise<AnsweringPage> => {
    const reply = await Promise.race([replies.next(), late])
    if (reply?.type !== 'head') throw new Error('This page does not play the session.')
    return { id, replies, status: reply.status, headers: reply.headers }
  })
  const winner = await Promise.any(answers).catch(() => null)
  clearTimeout(timer)
  for (const { replies } of asked) if (replies !== winner?.replies) replies.dismiss()
  return winner
}

/**
 * One chunk per pull: the browser's own appetite decides how much of the page is asked for. The
 * first chunk comes unasked, right behind the head.
 */
function bodyFrom({ id, status, replies }: AnsweringPage): ReadableStream<BodyChunk> | null {
  if (status === 416) {
    replies.dismiss()
    return null
  }
  let isFirst = true
  let check: ReturnType<typeof setInterval> | undefined
  return new ReadableStream<BodyChunk>({
    async pull(controller) {
      const gone = new Promise<'gone'>((resolve) => {
        check = setInterval(async () => {
          if (!(await self.clients.get(id))) resolve('gone')
        }, PAGE_CHECK_MS)
      })
      if (!isFirst) replies.send({ type: 'pull' })
      isFirst = false
      const reply = await Promise.race([replies.next(), gone])
      clearInterval(check)
      if (reply !== 'gone' && reply?.type === 'chunk') {
        controller.enqueue(reply.bytes)
        return
      }
      if (reply !== 'gone' && reply?.type === 'end') controller.close()
      else controller.error(new Error(failureOf(reply)))
      replies.dismiss()
    },
    cancel() {
      clearInterval(check)
      replies.dismiss()
    },
  })
}

type BodyChunk = Uint8Array<ArrayBuffer>

function failureOf(reply: StreamReply | 'gone' | null): string {
  if (reply === 'gone') return 'The page that played this stream is gone.'
  return reply?.type === 'failed' ? reply.message : 'The page sent something that is no chunk.'
}
