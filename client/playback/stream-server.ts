// The page's side of a stream: answers the service worker's requests for its session over the port
// that came with them, one chunk per pull. Owned and closed by the engine.

import * as v from 'valibot'
import { decideRange } from '#protocol/range.ts'
import {
  type StreamReply,
  streamCommandSchema,
  streamRequestSchema,
  type WorkerNotice,
} from '#protocol/stream.ts'
import type { ByteRange, Reader } from './reader.ts'

/** A browser stops a worker some 30 s after its last event, even in the middle of a stream. */
const KEEP_ALIVE_MS = 10_000

export interface StreamServerOptions {
  readonly session: string
  /** Bytes of the file. */
  readonly size: number
  /** MIME type of the file. */
  readonly type: string
  /** As the server has it, of whom a browser may have the first bytes. */
  readonly etag: string
  readonly openReader: (range: ByteRange) => Reader
}

type Answer = (port: MessagePort, rangeHeader: string | null) => void

/** The sessions that this page plays. */
const sessions = new Map<string, Answer>()

function onWorkerMessage(event: MessageEvent): void {
  const request = v.safeParse(streamRequestSchema, event.data)
  const port = event.ports[0]
  if (!request.success || !port) return
  const answer = sessions.get(request.output.session)
  if (answer) answer(port, request.output.range)
  else port.postMessage({ type: 'unknown' } satisfies StreamReply)
}

/**
 * Offers the worker a direct line, which also starts it: nothing else would before the `<video>`
 * asks, and starting takes some tens of milliseconds.
 */
export function connectToWorker(worker: ServiceWorker): void {
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = onWorkerMessage
  const notice: WorkerNotice = { type: 'connect' }
  worker.postMessage(notice, [port2])
}

/** Starts to answer. @returns the function that ends every stream and stops answering */
export function serveStreams(options: StreamServerOptions): () => void {
  const open = new Map<MessagePort, Reader>()

  function answer(port: MessagePort, rangeHeader: string | null): void {
    const { size, type, etag } = options
    const range = decideRange(rangeHeader, size)
    const send = (reply: StreamReply, transfer: Transferable[] = []): void =>
      port.postMessage(reply, transfer)
    const headers = { 'accept-ranges': 'bytes', 'cache-control': 'no-store', etag }
    if (range.kind === 'unsatisfiable') {
      const contentRange = { 'content-range': `bytes */${size}` }
      send({ type: 'head', status: 416, headers: { ...headers, ...contentRange } })
      port.close()
      return
    }
    const isWhole = range.kind === 'whole'
    const { start, end } = isWhole
      ? { start: 0, end: size }
      : { start: range.start, end: range.end + 1 }
    const reader = options.openReader({ start, end })
    open.set(port, reader)
    const finish = (): void => {
      reader.close()
      open.delete(port)
      port.close()
    }
    const sendChunk = async (): Promise<void> => {
      const bytes = await reader.read()
      if (bytes) return send({ type: 'chunk', bytes }, [bytes.buffer])
      send(reader.position === end ? { type: 'end' } : { type: 'failed', message: 'Closed.' })
      finish()
    }
    port.onmessage = (event) => {
      const command = v.safeParse(streamCommandSchema, event.data)
      if (command.success && command.output.type === 'pull') void sendChunk()
      else finish()
    }
    send({
      type: 'head',
      status: isWhole ? 200 : 206,
      headers: {
        ...headers,
        'content-type': type.split(';', 1)[0] ?? type,
        'content-length': `${end - start}`,
        ...(isWhole ? {} : { 'content-range': `bytes ${start}-${end - 1}/${size}` }),
      },
    })
    void sendChunk()
  }

  sessions.set(options.session, answer)
  navigator.serviceWorker.addEventListener('message', onWorkerMessage) // added once, however often
  navigator.serviceWorker.startMessages()
  const keepAlive = setInterval(() => {
    const notice: WorkerNotice = { type: 'keep-alive' }
    if (open.size > 0) navigator.serviceWorker.controller?.postMessage(notice)
  }, KEEP_ALIVE_MS)

  return () => {
    clearInterval(keepAlive)
    sessions.delete(options.session)
    for (const [port, reader] of open) {
      reader.close()
      port.postMessage({
        type: 'failed',
        message: 'The playback was closed.',
      } satisfies StreamReply)
      port.close()
    }
    open.clear()
  }
}
