// SHA-1 of every piece of a file (BEP 3), on worker threads that draw pieces from one counter.
// The threads stay warm between files that follow each other, keep the process alive only while they
// work, and end when there has been nothing to hash for a while, which gives their memory back. Who
// knows that a file is about to come has them started beforehand (`warm`).
// Whoever made the hasher closes it. Figures: docs/decisions/0006.
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { PieceLayout } from '#protocol/pieces.ts'
import { COUNTER, HASH_BYTES, type HashReply, type HashTask } from './hash-task.ts'

const REPORT_INTERVAL_MS = 250
/** Starting a thread takes 65 ms of a core; while it waits it holds some 15 MB. */
const IDLE_MS = 3_000

export interface HashOptions {
  /** Hashes of the first pieces, from an earlier run; a multiple of 20 bytes. */
  readonly done?: Uint8Array
  /** Called about four times a second with all hashes from the first piece on, without a gap. */
  readonly onProgress?: (hashes: Uint8Array) => void
  readonly signal?: AbortSignal
}

export class PieceHasher {
  readonly #threads: number
  readonly #idleMs: number
  readonly #workers: Worker[] = []
  /** One file at a time: two would only take turns at the same cores. */
  #queue: Promise<unknown> = Promise.resolve()
  #closed = false
  #waiting = 0
  #idleTimer: NodeJS.Timeout | undefined

  /**
   * @param threads worker threads; one for each core, at most four, when left out
   * @param idleMs with nothing to hash for so long, they end; milliseconds
   */
  constructor(threads = Math.min(availableParallelism(), 4), idleMs = IDLE_MS) {
    this.#threads = threads
    this.#idleMs = idleMs
  }

  /** Threads that run or are kept warm. */
  get warmThreads(): number {
    return this.#workers.length
  }

  /** Starts the threads for a file that is about to come; they end if none does. */
  warm(): void {
    if (this.#closed) return
    try {
      this.#warmWorkers()
    } catch {} // the system has no thread left: `hash` meets the same, and tells
    if (this.#waiting === 0) this.#endWhenIdle()
  }

  /**
   * Hashes the pieces of one file; files are taken in the order of the calls.
   * @returns 20 bytes for each piece, as in `info.pieces`
   * @throws Error when the file cannot be read or is shorter than the layout says
   * @throws the signal's reason when it is aborted
   */
  hash(path: string, layout: PieceLayout, options: HashOptions = {}): Promise<Uint8Array> {
    this.#waiting += 1
    clearTimeout(this.#idleTimer)
    const turn = this.#queue
      .then(() => this.#hashNow(path, layout, options))
      .finally(() => this.#rest())
    this.#queue = turn.catch(() => {})
    return turn
  }

  #rest(): void {
    this.#waiting -= 1
    if (this.#waiting === 0 && !this.#closed) this.#endWhenIdle()
  }

  #endWhenIdle(): void {
    clearTimeout(this.#idleTimer)
    this.#idleTimer = setTimeout(() => void this.#endThreads(), this.#idleMs)
    this.#idleTimer.unref()
  }

  async #endThreads(): Promise<void> {
    await Promise.all(this.#workers.splice(0).map((worker) => worker.terminate()))
  }

  async #hashNow(path: string, layout: PieceLayout, options: HashOptions): Promise<Uint8Array> {
    const { done = new Uint8Array(), onProgress, signal } = options
    signal?.throwIfAborted()
    if (this.#closed) throw new Error('the piece hasher is closed')
    const task: HashTask = {
      path,
      layout,
      counters: new SharedArrayBuffer(8),
      hashes: new SharedArrayBuffer(layout.count * HASH_BYTES),
      finished: new SharedArrayBuffer(layout.count),
    }
    const counters = new Int32Array(task.counters)
    const hashes = new Uint8Array(task.hashes)
    const finished = new Uint8Array(task.finished)
    const alreadyDone = Math.min(Math.floor(done.length / HASH_BYTES), layout.count)
    hashes.set(done.subarray(0, alreadyDone * HASH_BYTES))
    finished.fill(1, 0, alreadyDone)
    counters[COUNTER.next] = alreadyDone

    let prefix = alreadyDone
    const report = () => {
      while (prefix < layout.count && Atomics.load(finished, prefix) === 1) prefix += 1
      onProgress?.(hashes.slice(0, prefix * HASH_BYTES))
    }
    const timer = onProgress ? setInterval(report, REPORT_INTERVAL_MS) : undefined
    const cancel = () => Atomics.store(counters, COUNTER.cancelled, 1)
    signal?.addEventListener('abort', cancel)
    try {
      // All threads are waited for even when one fails, so that no late answer meets a next task.
      const outcomes = await Promise.allSettled(
        this.#warmWorkers().map((worker) => ask(worker, task)),
      )
      signal?.throwIfAborted()
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
      return hashes.slice()
    } finally {
      clearInterval(timer)
      signal?.removeEventListener('abort', cancel)
    }
  }

  #warmWorkers(): Worker[] {
    while (this.#workers.length < this.#threads) {
      const worker = new Worker(new URL('./hash-worker.ts', import.meta.url), {
        resourceLimits: { maxYoungGenerationSizeMb: 2 },
      })
      worker.unref()
      worker.on('error', () => {}) // whoever waits for it is told by `ask`; with `exit` it is gone
      worker.once('exit', () => {
        const place = this.#workers.indexOf(worker)
        if (place >= 0) this.#workers.splice(place, 1)
      })
      this.#workers.push(worker)
    }
    return [...this.#workers]
  }

  /** Ends the threads; a running `hash` fails. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#idleTimer)
    await this.#endThreads()
  }
}

function ask(worker: Worker, task: HashTask): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void) => {
      worker.unref()
      worker.off('message', onMessage)
      worker.off('error', onError)
      worker.off('exit', onExit)
      finish()
    }
    const onMessage = ({ error }: HashReply) =>
      settle(() => (error === null ? resolve() : reject(new Error(error))))
    const onError = (cause: Error) => settle(() => reject(cause))
    const onExit = () => settle(() => reject(new Error('a hashing thread ended unexpectedly')))
    worker.on('message', onMessage)
    worker.on('error', onError)
    worker.on('exit', onExit)
    worker.ref()
    worker.postMessage(task)
  })
}
