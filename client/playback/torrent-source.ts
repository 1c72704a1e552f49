// Waits for a title's real torrent. Asking for the torrent makes the server build one; the answer
// is a placeholder until it is there. Server-Sent Events say when, a slow poll is the safety net.
// Afterwards the events are followed on: a title may be deleted, or no longer shared, at any time.
import { type MediaRecord, TORRENT_KIND_HEADER } from '#protocol/media.ts'
import { ownPath, ownUrl } from '../remote/own-address.ts'
import { retryDelay } from './retry.ts'
import { TitleEvents } from './title-events.ts'

const POLL_MS = 30_000
/** The metainfo of the largest titles is a few megabytes; more is no torrent. */
const MAX_METAINFO_BYTES = 32 * 1024 * 1024

export interface TorrentSourceOptions {
  readonly media: MediaRecord
  readonly video: HTMLVideoElement
  readonly signal: AbortSignal
  /** Called once with the real torrent's metainfo. */
  readonly onReal: (metainfo: Uint8Array) => void
  /** What the publisher says of sharing, perhaps what is known. */
  readonly onP2p: (p2p: MediaRecord['p2p']) => void
  /** Called at most once, before the real torrent is there or after it. */
  readonly onDeleted: () => void
}

/** Starts to follow the title's torrent, until `signal` aborts or the title is deleted. */
export function followTorrent(options: TorrentSourceOptions): void {
  const { media, video, signal } = options
  const gone = new AbortController()
  const found = new AbortController()
  const ended = AbortSignal.any([signal, gone.signal])
  const searching = AbortSignal.any([ended, found.signal])
  const deleted = (): void => {
    if (ended.aborted) return
    gone.abort()
    options.onDeleted()
  }
  const inquiry = new TorrentInquiry({
    url: ownUrl(`/api/media/${media.id}/torrent`),
    signal: searching,
    onReal: (metainfo) => {
      found.abort()
      events.listen('watched') // no hurry with what can still happen
      options.onReal(metainfo)
    },
    onPlaceholder: () => events.listen('always'),
    onDeleted: deleted,
  })
  const events = new TitleEvents({
    url: ownPath(`/api/media/${media.id}/events`),
    video,
    signal: ended,
    onTorrent: () => inquiry.ask(),
    onP2p: options.onP2p,
    onDeleted: deleted,
  })
  const poll = setInterval(() => inquiry.ask(), POLL_MS)
  searching.addEventListener('abort', () => clearInterval(poll))
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
