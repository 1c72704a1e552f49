// Answers `/stream/:session/:filename` with bytes that the playing page hands over, pulled chunk by
// chunk. It keeps nothing between requests, so the browser may stop and restart it at any time; a
// page that does not answer, or is gone, is replaced by the web seed of the same origin. Nothing
// else is intercepted, nothing is cached.

import * as v from 'valibot'
import {
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

/** A page answers within a few milliseconds; a frozen or crashed one never does. */
const ANSWER_TIMEOUT_MS = 2000
/** How often a stream that waits for bytes looks whether its page is still there. */
const PAGE_CHECK_MS = 5000

self.addEventListener('install', (event) => {
  event.waitUntil(self.skipWaiting())
  // Where the browser knows static routes, nothing but streams waits for this worker to start.
  const { addRoutes } = event as { addRoutes?: (routes: readonly StaticRoute[]) => Promise<void> }
  if (!addRoutes) return // nor need it know URLPattern, then
  const others = { not: { urlPattern: new URLPattern({ pathname: STREAM_PATTERN }) } }
  const routed = addRoutes.call(event, [{ condition: others, source: 'network' }])
  event.waitUntil(routed.catch(() => {})) // an older form of the proposal
})
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()))

self.addEventListener('message', (event) => {
  const notice = v.safeParse(workerNoticeSchema, event.data)
  if (notice.success && notice.output.type === 'claim') event.waitUntil(self.clients.claim())
})

self.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url)
  if (url.origin !== self.location.origin || event.request.method !== 'GET') return
  const target = parseStreamPath(url.pathname)
  if (target) event.respondWith(answer(event.request, event.clientId, target))
})

async function answer(request: Request, clientId: string, target: StreamTarget): Promise<Response> {
  const range = request.headers.get('range')
  const page = await askPages(clientId, { type: 'stream-request', session: target.session, range })
  if (page) return new Response(bodyFrom(page), { status: page.status, headers: page.headers })
  return fetch(webSeedPath(target.mediaId, target.revision, target.filename), {
    headers: range === null ? {} : { range },
    signal: request.signal,
  })
}

interface AnsweringPage {
  readonly client: Client
  readonly port: MessagePort
  readonly status: 200 | 206 | 416
  readonly headers: Record<string, string>
}

/** @returns the first page that plays the session, or `null` when none says so in time. */
async function askPages(clientId: string, request: StreamRequest): Promise<AnsweringPage | null> {
  const asking = clientId ? await self.clients.get(clientId) : undefined
  const pages = asking
    ? [asking]
    : await self.clients.matchAll({ type: 'window', includeUncontrolled: true })
  if (pages.length === 0) return null
  return new Promise((resolve) => {
    let winner: AnsweringPage | null = null
    let unanswered = pages.length
    const ports = pages.map((client) => {
      const { port1: port, port2 } = new MessageChannel()
      port.onmessage = (event) => {
        const reply = v.safeParse(streamReplySchema, event.data)
        unanswered -= 1
        if (reply.success && reply.output.type === 'head' && winner === null) {
          winner = { client, port, status: reply.output.status, headers: reply.output.headers }
        }
        if (winner || unanswered === 0) settle()
      }
      client.postMessage(request, [port2])
      return port
    })
    const timer = setTimeout(settle, ANSWER_TIMEOUT_MS)
    function settle(): void {
      clearTimeout(timer)
      for (const port of ports) if (port !== winner?.port) dismiss(port)
      resolve(winner)
    }
  })
}

/** One chunk per pull: the browser's own appetite decides how much of the page is asked for. */
function bodyFrom(page: AnsweringPage): ReadableStream<Uint8Array<ArrayBuffer>> | null {
  if (page.status === 416) {
    dismiss(page.port)
    return null
  }
  const { port } = page
  let check: ReturnType<typeof setInterval> | undefined
  return new ReadableStream(
    {
      pull: (controller) =>
        new Promise<void>((resolve) => {
          const done = (ended: boolean): void => {
            clearInterval(check)
            if (ended) dismiss(port)
            resolve()
          }
          check = setInterval(async () => {
            if (await self.clients.get(page.client.id)) return
            controller.error(new Error('The page that played this stream is gone.'))
            done(true)
          }, PAGE_CHECK_MS)
          port.onmessage = (event) => {
            const reply = v.safeParse(streamReplySchema, event.data)
            if (reply.success && reply.output.type === 'chunk') {
              controller.enqueue(reply.output.bytes)
              done(false)
            } else if (reply.success && reply.output.type === 'end') {
              controller.close()
              done(true)
            } else {
              controller.error(new Error(failureOf(reply.success ? reply.output : null)))
              done(true)
            }
          }
          send(port, { type: 'pull' })
        }),
      cancel: () => {
        clearInterval(check)
        dismiss(port)
      },
    },
    { highWaterMark: 0 },
  )
}

function failureOf(reply: StreamReply | null): string {
  return reply?.type === 'failed' ? reply.message : 'The page sent something that is no chunk.'
}

function dismiss(port: MessagePort): void {
  send(port, { type: 'cancel' })
  port.onmessage = null
  port.close()
}

function send(port: MessagePort, command: StreamCommand): void {
  port.postMessage(command)
}
