// The upload queue: two files at a time by tus, each of which can be paused, resumed, retried and
// cancelled; a lost connection is retried by itself, and after a reload an upload goes on when the
// same file is chosen again. Framework-free. Whoever makes a queue closes it; closing pauses what
// runs and keeps it resumable.
import {
  DetailedError,
  defaultOptions,
  type PreviousUpload,
  Upload,
  type UploadOptions,
} from 'tus-js-client'
import * as v from 'valibot'
import { errorBodySchema } from '#protocol/errors.ts'
import { type MediaId, parseMediaId } from '#protocol/ids.ts'
import { UPLOADED_MEDIA_HEADER } from '#protocol/media.ts'
import { formatBytes } from '../app/format.ts'
import { TransferRate } from './transfer-rate.ts'

export type UploadState =
  | { readonly name: 'waiting' | 'paused' }
  | {
      readonly name: 'uploading'
      /** `null` until it is known. */
      readonly bytesPerSecond: number | null
      readonly secondsLeft: number | null
    }
  /** The connection was lost; it goes on by itself. */
  | { readonly name: 'retrying'; readonly message: string }
  | { readonly name: 'failed'; readonly message: string; readonly retryable: boolean }
  /** `mediaId` is `null` when the answer that carried it was lost. */
  | { readonly name: 'done'; readonly mediaId: MediaId | null }

export interface UploadView {
  readonly id: number
  readonly name: string
  /** Bytes. */
  readonly size: number
  readonly bytesSent: number
  readonly state: UploadState
}

/** An upload that an earlier visit began: it needs its file again. */
export interface UnfinishedUpload {
  readonly key: string
  readonly name: string
  readonly size: number | null
  readonly url: string | null
}

export interface UploadsSnapshot {
  readonly uploads: readonly UploadView[]
  readonly unfinished: readonly UnfinishedUpload[]
}

export interface UploadQueueOptions {
  /** URL of the tus endpoint. */
  readonly endpoint: string
  /** Bytes; larger files are refused before they are sent. */
  readonly maxUploadBytes: number
  /** What tests run outside of a browser, where there is no XMLHttpRequest and no localStorage. */
  readonly tus?: Pick<UploadOptions, 'urlStorage' | 'fileReader' | 'chunkSize' | 'retryDelays'>
  /** Milliseconds, monotonic. */
  readonly now?: () => number
}

interface Entry {
  readonly id: number
  readonly file: File
  readonly fingerprint: string
  readonly upload: Upload
  readonly rate: TransferRate
  state: UploadState
  bytesSent: number
  /** Counts starts, so that one that was paused while it looked for its past does not go on. */
  starts: number
}

const CONCURRENCY = 2
const CHUNK_BYTES = 64 * 1024 * 1024
/** ms; about half an hour of a dead network in all, counted anew after each byte that got through. */
const RETRY_DELAYS = [0, 1000, 3000, 5000, 10_000, 20_000, ...Array<number>(60).fill(30_000)]
/** ms between two reports of mere progress. */
const PROGRESS_INTERVAL = 250

export class UploadQueue {
  readonly #options: UploadQueueOptions
  readonly #storage: NonNullable<UploadOptions['urlStorage']>
  readonly #now: () => number
  readonly #listeners = new Set<() => void>()
  #entries: Entry[] = []
  #stored: readonly PreviousUpload[] = []
  #snapshot: UploadsSnapshot = { uploads: [], unfinished: [] }
  #nextId = 1
  #lastReport = Number.NEGATIVE_INFINITY

  constructor(options: UploadQueueOptions) {
    this.#options = options
    this.#storage = options.tus?.urlStorage ?? defaultOptions.urlStorage
    this.#now = options.now ?? (() => performance.now())
    void this.#readStorage()
  }

  /** For `useSyncExternalStore`. @returns the function that ends the subscription */
  readonly subscribe = (onChange: () => void): (() => void) => {
    this.#listeners.add(onChange)
    return () => this.#listeners.delete(onChange)
  }

  readonly getSnapshot = (): UploadsSnapshot => this.#snapshot

  /** True while leaving the page would interrupt something. */
  get busy(): boolean {
    return this.#entries.some(({ state }) => isActive(state) || state.name === 'waiting')
  }

  /** Queues files. One that is in the queue already is not queued twice. */
  add(files: readonly File[]): void {
    for (const file of files) {
      const fingerprint = fingerprintOf(file)
      const queued = this.#entries.find((entry) => entry.fingerprint === fingerprint)
      if (queued === undefined) {
        this.#entries.push(this.#createEntry(file, fingerprint))
      } else if (queued.state.name === 'done' || queued.state.name === 'failed') {
        this.#entries = this.#entries.filter((entry) => entry !== queued)
        this.#entries.push(this.#createEntry(file, fingerprint))
      } else if (queued.state.name === 'paused') {
        queued.state = { name: 'waiting' }
      }
    }
    this.#advance()
  }

  /**
   * Goes on with an upload of an earlier visit.
   * @returns `null`, or why this file does not fit, in a sentence
   */
  async continueWith(key: string, file: File): Promise<string | null> {
    const known = await this.#storage.findUploadsByFingerprint(fingerprintOf(file))
    if (!known.some(({ urlStorageKey }) => urlStorageKey === key)) {
      return `“${file.name}” is not the file that was being uploaded, or it has changed since. Choose the same file, or discard the unfinished upload.`
    }
    this.add([file])
    return null
  }

  /** Throws an upload of an earlier visit away, here and on the server. */
  async discard(key: string): Promise<void> {
    const stored = this.#stored.find(({ urlStorageKey }) => urlStorageKey === key)
    await this.#storage.removeUpload(key)
    await this.#readStorage()
    await endOnServer(stored)
  }

  pause(id: number): void {
    const entry = this.#find(id)
    if (entry === undefined || !(isActive(entry.state) || entry.state.name === 'waiting')) return
    entry.state = { name: 'paused' }
    void entry.upload.abort()
    this.#advance()
  }

  /** Goes on with a paused upload, or tries a failed one again. */
  resume(id: number): void {
    const entry = this.#find(id)
    if (entry === undefined) return
    const { state } = entry
    if (state.name !== 'paused' && !(state.name === 'failed' && state.retryable)) return
    entry.state = { name: 'waiting' }
    this.#advance()
  }

  /** Takes an upload off the list; what the server has of an unfinished one is thrown away. */
  async remove(id: number): Promise<void> {
    const entry = this.#find(id)
    if (entry === undefined) return
    this.#entries = this.#entries.filter((other) => other !== entry)
    const isDone = entry.state.name === 'done'
    if (!isDone) entry.state = { name: 'paused' } // nothing that is still under way starts it again
    entry.starts += 1
    this.#advance()
    if (isDone) return
    const { url } = entry.upload
    await entry.upload.abort(url !== null).catch(() => undefined)
    if (url === null) await this.#discardEarlier(entry.fingerprint)
    await this.#readStorage()
  }

  /** The network is back: does not wait for the next attempt. */
  retryNow(): void {
    for (const entry of this.#entries) {
      if (entry.state.name !== 'retrying') continue
      void entry.upload.abort().then(() => {
        if (entry.state.name === 'retrying') entry.upload.start()
      })
    }
  }

  close(): void {
    this.#listeners.clear()
    for (const { upload } of this.#entries) void upload.abort()
  }

  #createEntry(file: File, fingerprint: string): Entry {
    const entry: Entry = {
      id: this.#nextId++,
      file,
      fingerprint,
      rate: new TransferRate(),
      state: this.#refusalOf(file) ?? { name: 'waiting' },
      bytesSent: 0,
      starts: 0,
      upload: new Upload(file, {
        endpoint: this.#options.endpoint,
        metadata: { filename: file.name, filetype: file.type, title: titleOf(file.name) },
        fingerprint: async () => fingerprint,
        chunkSize: CHUNK_BYTES,
        retryDelays: RETRY_DELAYS,
        storeFingerprintForResuming: true,
        removeFingerprintOnSuccess: true,
        ...this.#options.tus,
        onShouldRetry: (error) => {
          if (!isTransient(error)) return false
          const message = 'The connection was lost. It goes on by itself when it is back.'
          this.#change(entry, { name: 'retrying', message })
          return true
        },
        onProgress: (bytesSent) => this.#progress(entry, bytesSent),
        onSuccess: ({ lastResponse }) => {
          entry.bytesSent = file.size
          const mediaId = parseMediaId(lastResponse.getHeader(UPLOADED_MEDIA_HEADER))
          this.#change(entry, { name: 'done', mediaId })
          void this.#readStorage()
        },
        onError: (error) => {
          const retryable = mayBeRetried(error)
          this.#change(entry, { name: 'failed', message: messageOf(error), retryable })
        },
      }),
    }
    return entry
  }

  #refusalOf(file: File): UploadState | null {
    const refuse = (message: string) => ({ name: 'failed', message, retryable: false }) as const
    if (file.size === 0) return refuse('This file is empty.')
    const { maxUploadBytes } = this.#options
    if (file.size <= maxUploadBytes) return null
    return refuse(
      `This file has ${formatBytes(file.size)}; the server takes at most ${formatBytes(maxUploadBytes)}.`,
    )
  }

  #progress(entry: Entry, bytesSent: number): void {
    // An aborted request may report once more.
    if (!isActive(entry.state)) return
    const now = this.#now()
    const wasRetrying = entry.state.name === 'retrying'
    if (wasRetrying && bytesSent <= entry.bytesSent) entry.rate.reset()
    entry.bytesSent = bytesSent
    entry.rate.add(now, bytesSent)
    const bytesPerSecond = entry.rate.bytesPerSecond(now)
    const secondsLeft = bytesPerSecond ? (entry.file.size - bytesSent) / bytesPerSecond : null
    entry.state = { name: 'uploading', bytesPerSecond, secondsLeft }
    const due = now - this.#lastReport >= PROGRESS_INTERVAL
    if (due || wasRetrying || bytesSent === entry.file.size) {
      this.#lastReport = now
      this.#report()
    }
  }

  #change(entry: Entry, state: UploadState): void {
    entry.state = state
    this.#advance()
  }

  /** Starts as many waiting uploads as may run, and tells the listeners. */
  #advance(): void {
    let running = this.#entries.filter(({ state }) => isActive(state)).length
    for (const entry of this.#entries) {
      if (running >= CONCURRENCY) break
      if (entry.state.name !== 'waiting') continue
      entry.state = { name: 'uploading', bytesPerSecond: null, secondsLeft: null }
      entry.rate.reset()
      running += 1
      void this.#start(entry)
    }
    this.#report()
  }

  async #start(entry: Entry): Promise<void> {
    const start = ++entry.starts
    if (entry.upload.url === null) {
      // Private windows may refuse the storage: then the upload begins anew.
      const previous = await entry.upload.findPreviousUploads().catch(() => [])
      const [latest] = previous.toSorted((a, b) => b.creationTime.localeCompare(a.creationTime))
      if (latest !== undefined) entry.upload.resumeFromPreviousUpload(latest)
    }
    if (entry.starts === start && entry.state.name === 'uploading') entry.upload.start()
  }

  /** Ends what earlier visits began of a file that this visit has not begun with. */
  async #discardEarlier(fingerprint: string): Promise<void> {
    // Private windows may refuse the storage: then there is nothing.
    const earlier = await this.#storage.findUploadsByFingerprint(fingerprint).catch(() => [])
    for (const stored of earlier) {
      await this.#storage.removeUpload(stored.urlStorageKey)
      await endOnServer(stored)
    }
  }

  async #readStorage(): Promise<void> {
    this.#stored = await this.#storage.findAllUploads().catch(() => [])
    this.#report()
  }

  #report(): void {
    const fingerprints = this.#entries.map(({ fingerprint }) => `::${fingerprint}::`)
    this.#snapshot = {
      uploads: this.#entries.map(({ id, file, bytesSent, state }) => {
        return { id, name: file.name, size: file.size, bytesSent, state }
      }),
      unfinished: this.#stored
        .filter(({ urlStorageKey: key }) => !fingerprints.some((one) => key.includes(one)))
        .map(({ urlStorageKey, metadata, size, uploadUrl }) => ({
          key: urlStorageKey,
          name: metadata?.['filename'] ?? 'a file',
          size,
          url: uploadUrl,
        })),
    }
    for (const listener of this.#listeners) listener()
  }

  #find(id: number): Entry | undefined {
    return this.#entries.find((entry) => entry.id === id)
  }
}

/** The server clears what is left over in time; that it is gone already is no failure. */
async function endOnServer(stored: PreviousUpload | undefined): Promise<void> {
  if (stored?.uploadUrl) await Upload.terminate(stored.uploadUrl, {}).catch(() => undefined)
}

function isActive(state: UploadState): boolean {
  return state.name === 'uploading' || state.name === 'retrying'
}

/** What makes a file the same one after a reload: the browser gives no more of it. */
function fingerprintOf({ name, type, size, lastModified }: File): string {
  return ['slipstream', name, type, size, lastModified].join('|')
}

/** @returns the file name without its extension: the title, until somebody edits it. */
function titleOf(filename: string): string {
  const stem = filename.replace(/\.[^.]{1,5}$/, '').trim()
  return stem === '' ? filename : stem
}

/** True when the same request may succeed later without anybody doing anything. */
function isTransient(error: Error | DetailedError): boolean {
  const status = statusOf(error)
  // 409 and 423: the server has not noticed yet that the old connection is gone.
  return status === null || [409, 423, 429, 502, 503, 504].includes(status)
}

/** False when the file itself was refused: it would be refused again. */
function mayBeRetried(error: Error | DetailedError): boolean {
  const status = statusOf(error)
  return isTransient(error) || status === null || status >= 500 || status === 401
}

/** @returns the HTTP status, or `null` when there was no answer */
function statusOf(error: Error | DetailedError): number | null {
  const status = 'originalResponse' in error ? error.originalResponse?.getStatus() : undefined
  return status || null
}

function messageOf(error: Error | DetailedError): string {
  const status = statusOf(error)
  if (status === null) {
    const isNetwork = error instanceof DetailedError
    return isNetwork
      ? 'The server could not be reached for a long time. What has arrived is kept: try again later.'
      : `The file could not be read: ${error.message}`
  }
  const text = error instanceof DetailedError ? error.originalResponse?.getBody() : undefined
  const body = v.safeParse(v.pipe(v.string(), v.parseJson(), errorBodySchema), text)
  if (body.success) return body.output.error.message
  if (status === 413) return 'The server does not take files as large as this.'
  return `The server refused the upload (status ${status}).`
}
