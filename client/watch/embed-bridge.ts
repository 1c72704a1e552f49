// The frame's side of the conversation with the page around it: carries out what the page asks of the
// <video> and tells what the <video> does. Only the window around this one can connect, and nothing
// that is not a command of the protocol changes anything. Lives as long as the page.
import * as v from 'valibot'
import {
  EMBED_CONNECT,
  EMBED_EVENTS,
  EMBED_READY,
  type EmbedCommand,
  type EmbedEvent,
  type EmbedMessage,
  type EmbedState,
  embedCommandSchema,
  NOTHING_YET,
} from '#protocol/embed.ts'
import type { WatchSession } from './watch-session.ts'

const STATS_INTERVAL_MS = 1000
/** Change what can be read of the `<video>`; nobody is told of them. */
const SILENT_EVENTS = ['loadeddata', 'canplay', 'canplaythrough', 'progress', 'emptied', 'resize']

/** What there is to play, or why there is nothing. */
export type Embedded =
  | { readonly session: WatchSession }
  | { readonly failure: { readonly code: string; readonly message: string } }

/** Answers the page around this one, if there is one. */
export function openEmbedBridge(embedded: Embedded): void {
  if (window.parent === window) return
  const bridge = new EmbedBridge(embedded)
  addEventListener('message', ({ source, data, ports }) => {
    const [port] = ports
    if (source === window.parent && data === EMBED_CONNECT && port) bridge.connect(port)
  })
  // To whoever it is: what may frame this page, the server has said in its headers.
  window.parent.postMessage(EMBED_READY, '*')
}

class EmbedBridge {
  readonly #embedded: Embedded
  readonly #session: WatchSession | null
  #port: MessagePort | null = null
  /** Number of the last command. */
  #handled = 0
  /** How often the page has asked for a pause. */
  #pauses = 0
  #problem: EmbedState['error']

  constructor(embedded: Embedded) {
    this.#embedded = embedded
    this.#session = 'session' in embedded ? embedded.session : null
    this.#problem = 'failure' in embedded ? embedded.failure : null
    const session = this.#session
    if (session === null) return
    for (const name of EMBED_EVENTS) {
      // What a <video> calls an error, the session says in words.
      if (name !== 'error') session.video.addEventListener(name, () => this.#tellState(name))
    }
    for (const name of SILENT_EVENTS) {
      session.video.addEventListener(name, () => this.#tellState(null))
    }
    session.subscribe(() => this.#followProblem(session))
    setInterval(() => {
      if (this.#port) this.#send({ type: 'stats', id: 0, stats: session.stats() })
    }, STATS_INTERVAL_MS)
  }

  /** The page around may connect anew; the former connection ends. */
  connect(port: MessagePort): void {
    this.#port?.close()
    this.#port = port
    this.#handled = 0
    port.onmessage = ({ data }) => {
      const command = v.safeParse(embedCommandSchema, data)
      if (command.success) this.#obey(command.output)
    }
    const { media } = this.#session ?? {}
    const shape: [number, number] | null =
      media && media.width !== null && media.height !== null ? [media.width, media.height] : null
    const title = media?.title ?? null
    this.#send({ type: 'connected', title, shape, state: this.#state() })
  }

  #obey(command: EmbedCommand): void {
    const session = this.#session
    const { id } = command
    this.#handled = id
    if (session === null) {
      const message = 'failure' in this.#embedded ? this.#embedded.failure.message : ''
      this.#send({ type: 'refused', id, name: 'NotSupportedError', message })
      return
    }
    switch (command.type) {
      case 'set':
        session.impose(command.settings)
        this.#tellState(null)
        return
      case 'pause':
        this.#pauses += 1
        session.video.pause()
        return
      case 'stats':
        this.#send({ type: 'stats', id, stats: session.stats() })
        return
      case 'play':
        this.#play(session).then(
          () => this.#send({ type: 'done', id }),
          ({ name, message }: DOMException) => this.#send({ type: 'refused', id, name, message }),
        )
    }
  }

  /** A `<video>` that gets its source forgets that it was to play, so that is waited for. */
  async #play(session: WatchSession): Promise<void> {
    const { video } = session
    const pauses = this.#pauses
    if (!video.hasAttribute('src')) await sourceOf(session)
    if (pauses !== this.#pauses) throw new DOMException('It was paused meanwhile.', 'AbortError')
    const listening = new AbortController()
    try {
      // A file that is gone leaves a `<video>` waiting for it.
      const ending = untilEnding(session, listening.signal)
      await Promise.race([ending, video.play()])
    } finally {
      listening.abort()
    }
  }

  #followProblem(session: WatchSession): void {
    const { problem } = session.getSnapshot()
    const fatal = problem === null || problem.playsOn ? null : problem
    if (fatal?.message === this.#problem?.message) return
    this.#problem = fatal && { code: fatal.code, message: fatal.message }
    this.#tellState(fatal ? 'error' : null)
  }

  #tellState(event: EmbedEvent | null): void {
    this.#send({ type: 'state', event, state: this.#state() })
  }

  #state(): EmbedState {
    const handled = this.#handled
    const error = this.#problem
    if (this.#session === null) return { ...NOTHING_YET, handled, error }
    const { video } = this.#session
    const { currentTime, duration, paused, ended, seeking } = video
    const { volume, muted, playbackRate, readyState, buffered, videoWidth, videoHeight } = video
    return {
      handled,
      currentTime,
      duration: Number.isFinite(duration) ? duration : null,
      paused,
      ended,
      seeking,
      volume,
      muted,
      playbackRate,
      readyState,
      buffered: Array.from({ length: buffered.length }, (_, i) => [
        buffered.start(i),
        buffered.end(i),
      ]),
      videoWidth,
      videoHeight,
      error,
    }
  }

  #send(message: EmbedMessage): void {
    this.#port?.postMessage(message)
  }
}

/** @returns never; rejects when there is something for which the title cannot be played */
function untilEnding(session: WatchSession, signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const look = (): void => {
      const { problem } = session.getSnapshot()
      if (problem?.playsOn === false) {
        reject(new DOMException(problem.message, 'NotSupportedError'))
      }
    }
    const unsubscribe = session.subscribe(look)
    signal.addEventListener('abort', unsubscribe)
    look()
  })
}

/** @returns when the `<video>` has its source, or will have none because it cannot be played */
function sourceOf(session: WatchSession): Promise<void> {
  return new Promise((resolve) => {
    const listening = new AbortController()
    const settle = (): void => {
      listening.abort()
      unsubscribe()
      resolve()
    }
    const unsubscribe = session.subscribe(() => {
      if (session.getSnapshot().problem !== null) settle()
    })
    session.video.addEventListener('loadstart', settle, listening)
  })
}
