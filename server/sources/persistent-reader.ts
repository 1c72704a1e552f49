// Reads a file elsewhere to its end, however often connections break: in spans, going on at the byte
// that is missing, at the source first and then at its mirrors, with pauses that grow. Ends: what
// brings no progress is given up, and who sends less than a trickle counts as silent.
// A mirror is believed when its size is right and it has what came so far.
import { setTimeout as delay } from 'node:timers/promises'
import { SlipstreamError } from '../http/errors.ts'
import { type Pace, pauseAfter, retryAfterMs } from './politeness.ts'
import { type KnownSource, OwnTrouble, SourceChanged, type SourceClient } from './source-client.ts'

/** Bytes of one request: what a source that changed, or a stop, can cost at most. */
const SPAN_BYTES = 8 * 1024 ** 2
/** Failures in a row without progress. */
const MOST_FAILURES = 6
/** A pause that a source asks for and that is worth keeping a build's place. */
const LONGEST_WAIT_MS = 60_000
/** Progress is at least so much; a byte at a time would go on for years. */
const PROGRESS_BYTES = 256 * 1024
/** How long a source may take for so many bytes; below that rate, 9 kB/s, it counts as silent. */
const SILENCE_MS = 30_000
const TRICKLE_BYTES = 256 * 1024

/** Nothing comes from the source now; it may later. The message is for a person. */
export class SourceExhausted extends Error {
  override readonly name = 'SourceExhausted'
  /** What the source asked for, milliseconds; 0 when it did not. */
  readonly retryAfterMs: number

  constructor(message: string, options: ErrorOptions & { readonly retryAfterMs: number }) {
    super(message, options)
    this.retryAfterMs = options.retryAfterMs
  }
}

/** A stretch of bytes, or what stands for it. */
interface Stretch<Chunk> {
  readonly length: number
  /** As of a typed array. */
  subarray(start: number, end: number): Chunk
}

export interface ReaderPorts<Chunk = Uint8Array> {
  readonly client: SourceClient<Chunk>
  readonly pace: Pace
  readonly now: () => number
  /** How long a source may be silent, milliseconds. */
  readonly silenceMs?: number
  /** Divides all pauses, for tests. */
  readonly haste?: number
}

export interface RemoteFile<Chunk = Uint8Array> {
  readonly url: string
  /** URLs of the same file, in order of preference. */
  readonly mirrors: readonly string[]
  readonly known: KnownSource
  readonly signal: AbortSignal
  /** True when it does not wait for a turn at the host: who asks has a bound of its own. */
  readonly takesNoTurn?: boolean
  /** Whether somebody watches what comes: then it does not wait for the common rate either. */
  readonly isWatched?: () => boolean
  /** Whether a mirror has the bytes that came so far. */
  readonly agrees?: (read: (start: number, end: number) => AsyncIterable<Chunk>) => Promise<boolean>
}

interface Place {
  readonly url: URL
  readonly isMirror: boolean
  /** `null` until a mirror was asked. */
  known: KnownSource | null
  /** Its bytes are those that came so far. */
  isTrusted: boolean
  failures: number
  notBefore: number
}

export class PersistentReader<Chunk extends Stretch<Chunk> = Uint8Array> {
  readonly #ports: ReaderPorts<Chunk>
  readonly #file: RemoteFile<Chunk>
  /** Those that may still send it. */
  #places: Place[]
  /** Why the source itself is not among them. */
  #refusal: unknown
  #current: Place | null = null
  #failures = 0
  #progress = 0

  constructor(ports: ReaderPorts<Chunk>, file: RemoteFile<Chunk>) {
    this.#ports = ports
    this.#file = file
    this.#places = [file.url, ...file.mirrors].map((url, index) => ({
      url: new URL(url),
      isMirror: index > 0,
      known: index > 0 ? null : file.known,
      isTrusted: index === 0,
      failures: 0,
      notBefore: 0,
    }))
  }

  /**
   * @param start first byte
   * @param end the byte after the last one
   * @throws SourceChanged when the file at the source is another now
   * @throws SlipstreamError when neither the source nor a mirror will ever send it
   * @throws SourceExhausted when none of them does now
   * @throws OwnTrouble
   * @throws the signal's reason when it is aborted
   */
  async *bytes(start: number, end: number): AsyncGenerator<Chunk, void> {
    let position = start
    while (position < end) {
      this.#current ??= await this.#choose()
      const place = this.#current
      try {
        for await (const chunk of this.#span(place, position, end)) {
          position += chunk.length
          this.#progress += chunk.length
          yield chunk
        }
      } catch (error) {
        this.#afterFailure(place, error)
      }
    }
  }

  /** The first place that may be asked now, or after a wait the one that may be asked first. */
  async #choose(): Promise<Place> {
    const { now, haste = 1 } = this.#ports
    const time = now()
    if (this.#places.length === 0) throw this.#refusal
    const place =
      this.#places.find(({ notBefore }) => notBefore <= time) ??
      this.#places.reduce((first, other) => (other.notBefore < first.notBefore ? other : first))
    const wait = (place.notBefore - time) / haste
    if (wait > 0) await delay(wait, undefined, { signal: this.#file.signal, ref: false })
    return place
  }

  /** Bytes of one place, from `position` on; to `end` or the end of a span. */
  async *#span(place: Place, position: number, end: number): AsyncGenerator<Chunk, void> {
    const { signal, takesNoTurn } = this.#file
    const leave = takesNoTurn ? () => {} : await this.#ports.pace.connect(place.url.host, signal)
    try {
      const known = place.known ?? (await this.#meet(place))
      if (!place.isTrusted && this.#file.agrees) {
        const read = (start: number, stop: number) => this.#request(place, known, start, stop)
        if (!(await this.#file.agrees(read))) throw new SourcesDisagree()
      }
      for (const other of this.#places) other.isTrusted = other === place
      const stop = known.ranges ? Math.min(end, position + SPAN_BYTES) : end
      yield* this.#request(place, known, position, stop)
    } finally {
      leave()
    }
  }

  async #meet(place: Place): Promise<KnownSource> {
    const facts = await this.#ports.client.inspect(place.url, this.#file.signal)
    if (facts.size !== this.#file.known.size) throw new SourceChanged()
    place.known = facts
    return facts
  }

  async *#request(place: Place, known: KnownSource, start: number, end: number) {
    const { client, pace, silenceMs = SILENCE_MS } = this.#ports
    const { signal, isWatched } = this.#file
    const patience = new Patience(silenceMs)
    let isOver = false
    const span = {
      start: known.ranges ? start : 0,
      end: known.ranges ? end : known.size,
      known,
      signal: AbortSignal.any([signal, patience.signal]),
    }
    const source = await patience.of(client.read(place.url, span))
    const iterator = source[Symbol.asyncIterator]()
    let position = span.start
    try {
      while (position < end) {
        const { done, value } = await patience.of(iterator.next())
        if (done) throw new Error(`the bytes end at ${position}, before ${end}`)
        patience.got(value.length)
        if (!isWatched?.()) await pace.spend(value.length, signal)
        const wanted = value.subarray(Math.max(0, start - position), end - position)
        position += value.length
        if (wanted.length > 0) yield wanted
      }
      // Hears that nothing follows, so that the connection serves the next span as well.
      if (position === span.end) isOver = (await patience.of(iterator.next())).done === true
    } finally {
      if (!isOver) {
        patience.end()
        iterator.return?.().catch(() => {}) // what it has to say was said
      }
    }
  }

  /** Decides whether and where to go on; throws when not at all. */
  #afterFailure(place: Place, error: unknown): void {
    const { now, haste = 1 } = this.#ports
    this.#file.signal.throwIfAborted()
    if (error instanceof OwnTrouble) throw error
    const isAnother = error instanceof SourceChanged || error instanceof SourcesDisagree
    if (isAnother && !place.isMirror) throw error
    this.#current = null
    if (this.#progress >= PROGRESS_BYTES) {
      this.#failures = 0
      place.failures = 0
    }
    this.#progress = 0
    this.#failures += 1
    place.failures += 1
    if (isAnother || isFinal(error)) {
      this.#places = this.#places.filter((other) => other !== place)
      if (!place.isMirror) this.#refusal = error
      if (this.#places.length === 0) throw this.#refusal
      return
    }
    const asked = retryAfterMs(error, now())
    place.notBefore = now() + Math.max(asked, pauseAfter(place.failures, Math.random()))
    const soonest = Math.min(...this.#places.map(({ notBefore }) => notBefore)) - now()
    if (this.#failures < MOST_FAILURES && soonest / haste <= LONGEST_WAIT_MS) return
    const message = error instanceof SlipstreamError ? error.message : 'The source breaks off.'
    throw new SourceExhausted(message, { cause: error, retryAfterMs: asked })
  }
}

/** A mirror has other bytes than what came so far. */
class SourcesDisagree extends SlipstreamError {
  constructor() {
    const message =
      'The source and a mirror of this title have different bytes. Remove the mirror, and have the ' +
      'torrent built again.'
    super('source_unsuitable', message)
  }
}

/** True for refusals that another attempt would meet as well. */
export function isFinal(error: unknown): error is SlipstreamError {
  const codes = ['not_found', 'source_not_allowed', 'source_unsuitable', 'unsupported_media']
  return error instanceof SlipstreamError && codes.includes(error.code)
}

/** Limits the time that a source takes, not the time that we take with what it sent. */
class Patience {
  readonly #stop = new AbortController()
  readonly #ms: number
  #left: number
  #bytes = 0

  constructor(ms: number) {
    this.#ms = ms
    this.#left = ms
  }

  get signal(): AbortSignal {
    return this.#stop.signal
  }

  got(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes < TRICKLE_BYTES) return
    this.#bytes = 0
    this.#left = this.#ms
  }

  async of<T>(work: Promise<T>): Promise<T> {
    const startedAt = performance.now()
    const { promise, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(() => {
      const silent = new SlipstreamError('source_unreachable', 'The source sends next to nothing.')
      this.#stop.abort(silent)
      reject(silent)
    }, this.#left)
    work.catch(() => {}) // may fail after it was given up
    try {
      return await Promise.race([work, promise])
    } finally {
      clearTimeout(timer)
      this.#left -= performance.now() - startedAt
    }
  }

  end(): void {
    this.#stop.abort()
  }
}
