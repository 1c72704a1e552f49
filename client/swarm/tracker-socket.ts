// A WebSocket to a tracker that comes back by itself, as `reconnectDelay` says, and at once when the
// viewer is online or looks again. Whoever opened it closes it.
import { reconnectDelay } from './announce-plan.ts'

export interface TrackerSocketOptions {
  /** `ws:` or `wss:`. */
  readonly url: string
  /** Connected, for the first time or again. */
  readonly onOpen: () => void
  readonly onMessage: (data: unknown) => void
  readonly onLost: () => void
}

/** A browser would try for minutes to reach a server that does not even refuse. */
const CONNECT_TIMEOUT_MS = 8000

export class TrackerSocket {
  readonly #options: TrackerSocketOptions
  #socket: WebSocket | null = null
  #failures = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #closed = false

  constructor(options: TrackerSocketOptions) {
    this.#options = options
    globalThis.addEventListener?.('online', this.#onOnline)
    globalThis.document?.addEventListener('visibilitychange', this.#onVisibility)
    this.#connect()
  }

  get isOpen(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN
  }

  /** @returns false when it could not be sent */
  send(message: object): boolean {
    if (!this.#socket || !this.isOpen) return false
    try {
      this.#socket.send(JSON.stringify(message))
      return true
    } catch {
      return false
    }
  }

  /** The tracker works: the next loss is the first one again. */
  approve(): void {
    this.#failures = 0
  }

  /** Gives a connection up that is open in name only. */
  reconnect(): void {
    this.#lose(this.#socket)
  }

  /** Somebody needs it now: while it is not there, it is tried at once, and soon again. */
  hurry(): void {
    if (this.#closed || this.#socket !== null) return
    this.#failures = 0
    this.#connect()
  }

  /** What was sent before still goes out. */
  close(): void {
    this.#closed = true
    globalThis.removeEventListener?.('online', this.#onOnline)
    globalThis.document?.removeEventListener('visibilitychange', this.#onVisibility)
    clearTimeout(this.#timer)
    this.#socket?.close()
    this.#socket = null
  }

  readonly #onOnline = (): void => this.hurry()

  readonly #onVisibility = (): void => {
    if (document.visibilityState === 'visible') this.hurry()
  }

  #connect(): void {
    clearTimeout(this.#timer)
    let socket: WebSocket
    try {
      socket = new WebSocket(this.#options.url)
    } catch {
      return // not a URL, or one that this page may not connect to: it will not get better
    }
    this.#socket = socket
    this.#timer = setTimeout(() => this.#lose(socket), CONNECT_TIMEOUT_MS)
    socket.onopen = () => {
      clearTimeout(this.#timer)
      if (socket === this.#socket) this.#options.onOpen()
    }
    socket.onmessage = ({ data }) => {
      if (socket === this.#socket) this.#options.onMessage(data)
    }
    socket.onclose = () => this.#lose(socket)
    socket.onerror = () => this.#lose(socket)
  }

  #lose(socket: WebSocket | null): void {
    if (this.#closed || socket === null || socket !== this.#socket) return
    this.#socket = null
    socket.close()
    this.#failures += 1
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#connect(), reconnectDelay(this.#failures, Math.random()))
    this.#options.onLost()
  }
}
