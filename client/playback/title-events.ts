// The Server-Sent Events of one title. A connection that breaks is taken up again by the browser;
// one that is refused is tried again here, unless the title is gone. Browsers open only some six
// connections to a server over HTTP/1.1, all tabs and embedded players together, so one that need
// not know at once listens only while somebody watches. Ends with its `signal`.
import * as v from 'valibot'
import { type MediaEvent, type MediaRecord, mediaEventSchemas } from '#protocol/media.ts'
import { retryDelay } from './retry.ts'

export interface TitleEventsOptions {
  /** `/api/media/:id/events`. */
  readonly url: string
  readonly video: HTMLVideoElement
  readonly signal: AbortSignal
  /** The real torrent is there. Called on every connection. */
  readonly onTorrent: () => void
  /** What the publisher says of sharing. Called on every connection. */
  readonly onP2p: (p2p: MediaRecord['p2p']) => void
  /** May be called more than once. */
  readonly onDeleted: () => void
}

/** When to listen: `watched` is only while the video plays on a page that is shown. */
type Attention = 'always' | 'watched'

export class TitleEvents {
  readonly #options: TitleEventsOptions
  #attention: Attention | null = null
  #source: EventSource | null = null
  #failures = 0
  #retry: ReturnType<typeof setTimeout> | undefined

  constructor(options: TitleEventsOptions) {
    this.#options = options
    const { video, signal } = options
    signal.addEventListener('abort', () => this.#hangUp())
    document.addEventListener('visibilitychange', () => this.#follow(), { signal })
    for (const name of ['play', 'pause']) {
      video.addEventListener(name, () => this.#follow(), { signal })
    }
  }

  /** Starts to listen, or changes when to. */
  listen(attention: Attention): void {
    this.#attention = attention
    this.#follow()
  }

  #follow(): void {
    const { video, signal } = this.#options
    if (signal.aborted || this.#attention === null) return
    const watched = document.visibilityState !== 'hidden' && !video.paused
    if (this.#attention === 'watched' && !watched) this.#hangUp()
    else if (this.#source === null) this.#connect()
  }

  #hangUp(): void {
    clearTimeout(this.#retry)
    this.#source?.close()
    this.#source = null
  }

  #connect(): void {
    if (typeof EventSource === 'undefined') return
    clearTimeout(this.#retry)
    const source = new EventSource(this.#options.url)
    this.#source = source
    const on = <Name extends MediaEvent['name']>(
      name: Name,
      act: (data: v.InferOutput<(typeof mediaEventSchemas)[Name]>) => void,
    ): void =>
      source.addEventListener(name, (event) => {
        const data = v.safeParse(mediaEventSchemas[name], parseJson(event.data))
        if (data.success) act(data.output)
      })
    on('torrent', () => this.#options.onTorrent())
    on('p2p', (p2p) => this.#options.onP2p(p2p))
    on('deleted', () => this.#options.onDeleted())
    source.addEventListener('open', () => {
      this.#failures = 0
    })
    source.addEventListener('error', () => {
      if (source.readyState === EventSource.CLOSED) void this.#explainRefusal(source)
    })
  }

  /** An `EventSource` does not tell the status that it was refused with. */
  async #explainRefusal(refused: EventSource): Promise<void> {
    const { url, signal, onDeleted } = this.#options
    let retryAfter: string | null = null
    try {
      const { status, headers } = await fetch(url, { method: 'HEAD', signal })
      if (status === 404 || status === 410) return onDeleted()
      retryAfter = headers.get('retry-after')
    } catch {
      // The network is down, or the server restarts.
    }
    if (this.#source !== refused || signal.aborted) return
    this.#failures += 1
    const delay = retryDelay(this.#failures, retryAfter, Date.now(), Math.random())
    this.#retry = setTimeout(() => {
      this.#source = null
      this.#follow()
    }, delay)
  }
}

function parseJson(text: unknown): unknown {
  try {
    return JSON.parse(String(text))
  } catch {
    return null
  }
}
