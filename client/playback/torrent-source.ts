// Waits for a title's real torrent. Asking for the torrent makes the server build one; the answer
// is a placeholder until it is there. Server-Sent Events say when, a slow poll is the safety net.
import * as v from 'valibot'
import {
  type MediaEvent,
  type MediaRecord,
  mediaEventSchemas,
  TORRENT_KIND_HEADER,
} from '#protocol/media.ts'
import { retryDelay } from './retry.ts'

const POLL_MS = 30_000
/** The metainfo of the largest titles is a few megabytes; more is no torrent. */
const MAX_METAINFO_BYTES = 32 * 1024 * 1024

export interface TorrentSourceOptions {
  readonly media: MediaRecord
  readonly signal: AbortSignal
  /** Called once with the real torrent's metainfo. */
  readonly onReal: (metainfo: Uint8Array) => void
  readonly onDeleted: () => void
}

/** Starts to follow the title's torrent, until `signal` aborts or the real one is there. */
export function followTorrent(options: TorrentSourceOptions): void {
  const { media, signal } = options
  const done = new AbortController()
  const ended = AbortSignal.any([signal, done.signal])
  const deleted = (): void => {
    done.abort()
    options.onDeleted()
  }
  const inquiry = new TorrentInquiry({
    url: new URL(`/api/media/${media.id}/torrent`, location.href).href,
    signal: ended,
    onReal: (metainfo) => {
      done.abort()
      options.onReal(metainfo)
    },
    onPlaceholder: listen,
    onDeleted: deleted,
  })

  let events: EventSource | null = null
  function listen(): void {
    if (events || ended.aborted || typeof EventSource === 'undefined') return
    const source = new EventSource(`/api/media/${media.id}/events`)
    events = source
    const on = <Name extends MediaEvent['name']>(name: Name, act: () => void): void =>
      source.addEventListener(name, (event) => {
        if (v.is(mediaEventSchemas[name], parseJson(event.data))) act()
      })
    on('torrent', () => inquiry.ask())
    on('deleted', deleted)
  }

  const poll = setInterval(() => inquiry.ask(), POLL_MS)
  ended.addEventListener('abort', () => {
    clearInterval(poll)
    events?.close()
  })
  inquiry.ask()
}

interface TorrentInquiryOptions {
  /** URL of the best torrent there is. */
  readonly url: string
  readonly signal: AbortSignal
  readonly onReal: (metainfo: Uint8Array) => void
  /** The real torrent is not there yet. */
  readonly onPlaceholder: () => void
  readonly onDeleted: () => void
}

/**
 * Asks for the torrent, one request at a time. No call of `ask` is lost: one that comes while a
 * request runs is followed by another request, and a request that fails is tried again.
 */
export class TorrentInquiry {
  readonly #options: TorrentInquiryOptions
  #asking = false
  #again = false
  #failures = 0
  #retry: ReturnType<typeof setTimeout> | undefined

  constructor(options: TorrentInquiryOptions) {
    this.#options = options
    options.signal.addEventListener('abort', () => clearTimeout(this.#retry))
  }

  ask(): void {
    if (this.#options.signal.aborted) return
    clearTimeout(this.#retry)
    if (this.#asking) this.#again = true
    else void this.#ask()
  }

  async #ask(): Promise<void> {
    this.#asking = true
    this.#again = false
    let delay: number | null = null // until the next request, in milliseconds
    try {
      const retryAfter = await this.#request()
      delay = retryAfter === undefined ? null : this.#delay(retryAfter)
    } catch {
      delay = this.#delay(null) // the network is down, or the server restarts
    }
    this.#asking = false
    if (this.#options.signal.aborted) return
    if (this.#again) this.ask()
    else if (delay !== null) this.#retry = setTimeout(() => this.ask(), delay)
  }

  /** @returns undefined after an answer, else the `Retry-After` header of the refusal. */
  async #request(): Promise<string | null | undefined> {
    const { url, signal, onReal, onPlaceholder, onDeleted } = this.#options
    const response = await fetch(url, { signal })
    const { status, ok, headers } = response
    const isReal = ok && headers.get(TORRENT_KIND_HEADER) === 'real'
    if (isReal) {
      const metainfo = new Uint8Array(await response.arrayBuffer())
      // Anything larger is not believed, nor asked for again before the next event or poll.
      if (metainfo.length <= MAX_METAINFO_BYTES) onReal(metainfo)
    } else {
      await response.body?.cancel() // a placeholder says no more than the media record has said
      if (status === 404 || status === 410) onDeleted()
      else if (!ok) return headers.get('retry-after')
      else onPlaceholder()
    }
    this.#failures = 0
    return undefined
  }

  #delay(retryAfter: string | null): number {
    this.#failures += 1
    return retryDelay(this.#failures, retryAfter, Date.now(), Math.random())
  }
}

function parseJson(text: unknown): unknown {
  try {
    return JSON.parse(String(text))
  } catch {
    return null
  }
}
