// Where builds of files elsewhere fetch and hash: one thread, so that they never take more than one
// core, and no byte of theirs comes by the thread that answers requests: there the collector of what
// 32 MB/s leave behind held answers up (decision 29). What is asked of whom, and when, is decided on
// this side (persistent-reader.ts, source-policy.ts).
// Whoever made it closes it.
import { Worker } from 'node:worker_threads'
import type { PieceLayout } from '#protocol/pieces.ts'
import {
  type Command,
  type FetchCommand,
  type Outcome,
  outcomeOf,
  type Reply,
  resultOf,
} from './build-thread-messages.ts'
import { HashStream, type StreamOptions } from './hash-stream.ts'
import type { HttpSourceClientOptions } from './http-source-client.ts'
import { OwnTrouble, type SourceSpan } from './source-client.ts'
import { systemLookup } from './source-connection.ts'
import { ThreadBytes } from './thread-bytes.ts'

/** What the thread is told of `HttpSourceClientOptions`; the rest it asks for. */
export type ToldOptions = Omit<HttpSourceClientOptions, 'policy' | 'lookup'>

export class BuildThread {
  readonly #policy: HttpSourceClientOptions['policy']
  readonly #lookup: NonNullable<HttpSourceClientOptions['lookup']>
  readonly #told: ToldOptions
  readonly #streams = new Map<number, HashStream>()
  readonly #waiting = new Map<number, (outcome: Outcome<number> | Error) => void>()
  #worker: Worker | null = null
  #last = 0
  #closed = false

  constructor({ policy, lookup, ...told }: HttpSourceClientOptions) {
    this.#policy = policy
    this.#lookup = lookup ?? systemLookup
    this.#told = told
  }

  /** @returns a stream that wants the bytes from the first piece on that is not done */
  open(layout: PieceLayout, options: StreamOptions = {}): HashStream {
    const id = ++this.#last
    const worker = this.#warmWorker()
    const send = (command: Command) =>
      worker.postMessage(command, command.kind === 'bytes' ? [command.block.buffer] : [])
    const onClose = () => {
      this.#streams.delete(id)
      if (this.#streams.size === 0) this.#worker?.unref()
    }
    const stream = new HashStream(id, layout, { ...options, send, onClose })
    this.#streams.set(id, stream)
    worker.ref()
    return stream
  }

  /**
   * As `SourceClient.read`, but the bytes stay in the thread, where an open stream can hash them.
   * @throws as there; OwnTrouble when the thread ends
   */
  async read(url: URL, span: SourceSpan): Promise<AsyncIterable<ThreadBytes>> {
    const { signal, ...what } = span
    signal.throwIfAborted()
    const request = ++this.#last
    const worker = this.#warmWorker()
    const stop = () => worker.postMessage({ kind: 'stop', request } satisfies Command)
    const end = () => {
      signal.removeEventListener('abort', stop)
      stop()
    }
    signal.addEventListener('abort', stop)
    try {
      await this.#portion(worker, { kind: 'read', request, url: url.href, ...what }, signal)
    } catch (error) {
      end()
      throw error
    }
    const next = () => this.#portion(worker, { kind: 'next', request }, signal)
    return portions(request, next, end)
  }

  /** @returns how many bytes of the request are there now */
  async #portion(worker: Worker, command: FetchCommand, signal: AbortSignal): Promise<number> {
    if (this.#worker !== worker) throw ended()
    const { promise, resolve } = Promise.withResolvers<Outcome<number> | Error>()
    this.#waiting.set(command.request, resolve)
    worker.postMessage(command)
    const outcome = await promise
    this.#waiting.delete(command.request)
    signal.throwIfAborted()
    if (outcome instanceof Error) throw outcome
    return resultOf(outcome)
  }

  /** Ends the thread; open streams and requests fail. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#worker?.terminate()
  }

  #warmWorker(): Worker {
    if (this.#closed) throw new OwnTrouble('the build thread is closed')
    if (this.#worker) return this.#worker
    const worker = new Worker(new URL('./build-thread-worker.ts', import.meta.url), {
      workerData: this.#told,
      resourceLimits: { maxYoungGenerationSizeMb: 2 },
    })
    const fail = (cause: Error) => {
      if (this.#worker !== worker) return
      this.#worker = null
      for (const stream of [...this.#streams.values()]) stream.fail(cause)
      for (const settle of [...this.#waiting.values()]) settle(cause)
    }
    worker.on('message', (reply: Reply) => void this.#receive(worker, reply))
    worker.on('error', (cause) => fail(ended(cause)))
    worker.on('exit', () => fail(ended()))
    worker.unref()
    this.#worker = worker
    return worker
  }

  async #receive(worker: Worker, reply: Reply): Promise<void> {
    switch (reply.kind) {
      case 'hashed':
        this.#streams.get(reply.stream)?.hashed(reply.hashes)
        break
      case 'free':
        this.#streams.get(reply.stream)?.freed(reply.block)
        break
      case 'lost':
        this.#streams.get(reply.stream)?.fail(new OwnTrouble('bytes got lost on their way'))
        break
      case 'portion':
        this.#waiting.get(reply.request)?.(reply.outcome)
        break
      case 'ask': {
        const { question, what, about } = reply
        const outcome = await outcomeOf<unknown>(() =>
          what === 'lookup' ? this.#lookup(about) : this.#policy.assertAllowed(new URL(about)),
        )
        worker.postMessage({ kind: 'answer', question, outcome } satisfies Command)
      }
    }
  }
}

async function* portions(request: number, next: () => Promise<number>, end: () => void) {
  try {
    for (let length = await next(); length > 0; length = await next()) {
      yield new ThreadBytes(request, 0, length)
    }
  } finally {
    end()
  }
}

const ended = (cause?: Error) => new OwnTrouble('the build thread ended', { cause })
