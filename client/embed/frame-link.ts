// The element's side of the conversation with the player in its frame. Commands wait until the frame
// is there; what it says of its <video> is kept, under what was set since. Only what comes from this
// frame and the server's origin counts, and only once it is what the protocol says.
// Whoever made it closes it; then every promise that is still open is rejected with `AbortError`.
import * as v from 'valibot'
import {
  EMBED_CONNECT,
  EMBED_READY,
  type EmbedCommand,
  type EmbedMessage,
  type EmbedSettings,
  type EmbedState,
  type EmbedStats,
  embedMessageSchema,
  NOTHING_YET,
} from '#protocol/embed.ts'

export interface FrameLinkOptions {
  readonly frame: HTMLIFrameElement
  /** Origin of the server. */
  readonly origin: string
  /** @param before what was known until then */
  readonly onMessage: (message: EmbedMessage, before: EmbedState) => void
}

interface Waiting {
  resolve(stats?: EmbedStats): void
  reject(reason: DOMException): void
}

export class FrameLink {
  readonly #options: FrameLinkOptions
  readonly #listening = new AbortController()
  readonly #waiting = new Map<number, Waiting>()
  /** Settings that the frame does not know of yet, by command. */
  readonly #unheard = new Map<number, EmbedSettings>()
  #queue: EmbedCommand[] = []
  #port: MessagePort | null = null
  #sent = 0
  #state = NOTHING_YET
  /** When the state came, by `performance.now()`. */
  #stateAt = 0

  constructor(options: FrameLinkOptions) {
    this.#options = options
    addEventListener('message', (event) => this.#onWindowMessage(event), this.#listening)
  }

  /** True once the player has answered. */
  isConnected = false

  /** As the frame told it, with what was set since. */
  get state(): EmbedState {
    return Object.assign(
      {},
      this.#state,
      { currentTime: this.#position() },
      ...this.#unheard.values(),
    )
  }

  set(settings: EmbedSettings): void {
    this.#send({ type: 'set', id: this.#next(), settings })
    this.#unheard.set(this.#sent, settings)
  }

  pause(): void {
    this.#send({ type: 'pause', id: this.#next() })
  }

  /** @throws DOMException as the frame's `<video>` does, or `AbortError` when it is gone first */
  ask(type: 'play' | 'stats'): Promise<EmbedStats | undefined> {
    const id = this.#next()
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#send({ type, id })
    })
  }

  close(): void {
    this.#listening.abort()
    this.#port?.close()
    this.#abandon()
  }

  #next(): number {
    this.#sent += 1
    return this.#sent
  }

  #send(command: EmbedCommand): void {
    if (this.#port) this.#port.postMessage(command)
    else this.#queue.push(command)
  }

  #onWindowMessage({ source, origin, data }: MessageEvent): void {
    const { frame } = this.#options
    if (data !== EMBED_READY || origin !== this.#options.origin) return
    if (source === null || source !== frame.contentWindow) return
    // The frame may have been reloaded: what the former page has not answered, nobody will.
    if (this.#port) {
      this.#port.close()
      this.#abandon()
    }
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    port1.onmessage = (event) => this.#onPortMessage(event.data)
    frame.contentWindow?.postMessage(EMBED_CONNECT, origin, [port2])
    for (const command of this.#queue) port1.postMessage(command)
    this.#queue = []
  }

  #onPortMessage(data: unknown): void {
    const result = v.safeParse(embedMessageSchema, data)
    if (!result.success) return
    const message = result.output
    const before = this.#state
    if ('state' in message) {
      this.#state = message.state
      this.#stateAt = performance.now()
      for (const id of this.#unheard.keys()) {
        if (id <= message.state.handled) this.#unheard.delete(id)
      }
    } else {
      const waiting = this.#waiting.get(message.id)
      this.#waiting.delete(message.id)
      if (message.type === 'refused') {
        waiting?.reject(new DOMException(message.message, message.name))
      } else waiting?.resolve(message.type === 'stats' ? message.stats : undefined)
    }
    this.isConnected = true
    this.#options.onMessage(message, before)
  }

  /** Between two messages, a quarter of a second apart, playback goes on. */
  #position(): number {
    const { paused, seeking, readyState, currentTime, playbackRate, duration } = this.#state
    if (paused || seeking || readyState < HTMLMediaElement.HAVE_FUTURE_DATA) return currentTime
    const since = Math.min(performance.now() - this.#stateAt, 500) / 1000
    return Math.min(currentTime + since * playbackRate, duration ?? currentTime)
  }

  #abandon(): void {
    this.#unheard.clear()
    for (const { reject } of this.#waiting.values()) {
      reject(new DOMException('The player was removed or loads another title.', 'AbortError'))
    }
    this.#waiting.clear()
  }
}
