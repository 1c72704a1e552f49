// Fetches spans of pieces, whole but for what a head has of the first, from the origin by HTTP range
// requests (BEP 19, RFC 9110 §14). Bytes can be read while they arrive and are handed over as whole
// pieces. Invariant: no byte is asked for twice; a request that breaks off is taken up at the byte where
// it broke. A span, once started, is always finished, unless the fetcher is closed (by the engine, who
// owns it).
import {
  lengthOfPiece,
  type PieceIndex,
  type PieceLayout,
  pieceAt,
  pieceIndex,
  pieceStart,
  piecesBetween,
} from '#protocol/pieces.ts'
import type { Bytes } from '../storage/piece-store.ts'
import type { SpanIntent } from '../swarm/intent-message.ts'
import { takeEarlyResponse } from './early-response.ts'
import { HeadSeam } from './head-seam.ts'
import { Pace } from './pace.ts'
import { AttemptError, askForRange, bodyOfRange, Validators } from './range-answer.ts'
import { pause, retryDelay } from './retry.ts'
import { grownSpan, intentOf } from './span-reckoning.ts'
import { type SeedTurn, WebSeeds } from './web-seeds.ts'

/**
 * `deleted`: no web seed has the file any more. `changed`: they have another one. `network`: tried
 * again by itself.
 */
export interface OriginTrouble {
  readonly kind: 'deleted' | 'changed' | 'network'
  /** What the last attempt met, for a log or a person. */
  readonly message: string
}

export interface OriginOptions {
  /** Web seeds, best first; as long as one fails, the next one is asked in its place. */
  readonly urls: readonly string[]
  readonly layout: PieceLayout
  /** The bytes before this one come by `take`; 0 when none do. */
  readonly headEnd: number
  /** @returns whether the piece has come by another way, while a request was being retried. */
  readonly isHeld: (index: PieceIndex) => boolean
  /** `count` payload bytes arrived and can be read. */
  readonly onBytes: (count: number) => void
  /** `count` bytes of a piece that came by another way arrived for nothing. */
  readonly onWasted: (count: number) => void
  /** A piece is whole. It may be read from the fetcher until this function returns. */
  readonly onPiece: (index: PieceIndex, bytes: Bytes) => void
  /** Called with `null` when bytes flow again. */
  readonly onTrouble: (trouble: OriginTrouble | null) => void
  /**
   * A connection that stays silent for so long is given up; the next attempt is given twice as
   * long, and so on. Milliseconds, 5,000 if left out.
   */
  readonly silenceMs?: number
}

/** A span of pieces under way. Positions are bytes of the file. */
export interface OriginSpan {
  readonly first: PieceIndex
  readonly last: PieceIndex
  /** The first byte that it asks for: within a piece where that begins with a head. */
  readonly from: number
  /** The next byte to arrive. */
  readonly next: number
  /** The byte after the last one. */
  readonly end: number
}

/** A viewer waits; but a server that is slow and not dead must have a chance to answer. */
const SILENCE_MS = 5000
const MAX_SILENCE_MS = 20_000
/** Rates come from samples of at least so much; less measures the kernel's buffers. */
const MIN_SAMPLE_BYTES = 128 * 1024

interface RunningSpan extends OriginSpan {
  next: number
  /** The piece that is arriving. */
  piece: PieceIndex
  bytes: Bytes
  /** True while its request fails over and over: then somebody else may bring its pieces. */
  stuck: boolean
}

export class OriginFetcher {
  readonly #options: OriginOptions
  readonly #spans = new Set<RunningSpan>()
  readonly #seam: HeadSeam
  readonly #closing = new AbortController()
  readonly #seeds: WebSeeds
  readonly #validators = new Validators()
  readonly #bytesFrom = new Map<string, number>()
  readonly #pace = new Pace()
  /** Requests under way. */
  #requests = 0
  #spanPieces = 1
  #rate: number | null = null
  #latencyMs = 100
  #troubled = false

  constructor(options: OriginOptions) {
    this.#options = options
    this.#seam = new HeadSeam(options.layout, options.headEnd)
    this.#seeds = new WebSeeds(options.urls)
  }

  /** Spans under way; those whose requests fail over and over are left out. */
  get spans(): readonly OriginSpan[] {
    return [...this.#spans].filter(({ stuck }) => !stuck)
  }

  /** True while the origin does not answer. */
  get isDown(): boolean {
    return this.#troubled || this.#seeds.lost !== null
  }

  /** Payload bytes so far, by the URL of the web seed that sent them. */
  get bytesFrom(): ReadonlyMap<string, number> {
    return this.#bytesFrom
  }

  /** The piece of which the head will bring a part, and has not yet; or `null`. */
  get awaited(): PieceIndex | null {
    return this.#seam.beginning === null ? this.#seam.index : null
  }

  /** What the head has of the piece in which it ends, as long as that is all there is of it. */
  get beginning(): { readonly index: PieceIndex; readonly bytes: Bytes } | null {
    const { index, beginning: bytes } = this.#seam
    return index === null || bytes === null || this.#options.isHeld(index) ? null : { index, bytes }
  }

  /** Bytes per second while a body streams, or `null` before there is a sample. */
  get rate(): number | null {
    return this.#rate
  }

  /** Bytes per second while anything is asked for, the wait for an answer included; 0 when unknown. */
  get pace(): number {
    return this.#pace.rate(performance.now())
  }

  /** Milliseconds from a request to its first byte, smoothed. */
  get latencyMs(): number {
    return this.#latencyMs
  }

  /** Pieces that the next span should have at most: doubles up to 1 s of throughput or 4 MiB. */
  get spanPieces(): number {
    return this.#spanPieces
  }

  /** What peers are told of the spans under way: pieces that are not whole yet, and when. */
  intents(): SpanIntent[] {
    const figures = { layout: this.#options.layout, rate: this.#rate, latencyMs: this.#latencyMs }
    return this.spans.map((span) => intentOf(span, figures))
  }

  /** @returns whether a span under way will bring the piece. */
  isFetching(index: PieceIndex): boolean {
    for (const span of this.#spans) if (!span.stuck && covers(span, index)) return true
    return this.#seam.index === index && this.#seam.hasRest
  }

  /** @returns a copy of what has arrived of the piece under way at that byte, or `null`. */
  bytesAt(position: number, length: number): Bytes | null {
    for (const { piece, from, next, bytes } of this.#spans) {
      const start = pieceStart(this.#options.layout, piece)
      if (Math.max(start, from) <= position && position < next) {
        return bytes.slice(position - start, Math.min(next, position + length) - start)
      }
    }
    return this.#seam.bytesAt(position, length)
  }

  /**
   * Starts a span of pieces that are not held.
   * @returns false when nothing was started: the origin is gone, or a request for one of the pieces
   *   is being retried
   */
  start(first: PieceIndex, last: PieceIndex): boolean {
    const { layout } = this.#options
    if (this.#closing.signal.aborted || this.#seeds.lost !== null) return false
    for (const index of piecesBetween(first, last)) {
      for (const span of this.#spans) if (covers(span, index)) return false
    }
    const { index: seam, length } = this.#seam
    const from = pieceStart(layout, first) + (seam === first ? length : 0)
    // A request that would bring the head's part once more ends before it.
    const isBeforeSeam = seam !== null && first < seam && seam <= last
    const end = isBeforeSeam
      ? pieceStart(layout, seam)
      : pieceStart(layout, last) + lengthOfPiece(layout, last)
    const span: RunningSpan = {
      first,
      last: isBeforeSeam ? pieceIndex(layout, seam - 1) : last,
      from,
      next: from,
      end,
      piece: first,
      bytes: new Uint8Array(lengthOfPiece(layout, first)),
      stuck: false,
    }
    this.#spans.add(span)
    void this.#run(span).finally(() => this.#spans.delete(span))
    return true
  }

  /**
   * Takes the head, which came by another request of this page.
   * @param bytes those before `headEnd`
   */
  take(url: string, bytes: Bytes): void {
    const { layout, isHeld, onBytes, onWasted, onPiece } = this.#options
    this.#bytesFrom.set(url, (this.#bytesFrom.get(url) ?? 0) + bytes.length)
    onBytes(bytes.length)
    for (let at = 0; at < bytes.length; ) {
      const index = pieceAt(layout, at)
      const end = at + lengthOfPiece(layout, index)
      const part = bytes.slice(at, end)
      const piece = index === this.#seam.index ? this.#seam.begin(part) : part
      if (isHeld(index)) onWasted(part.length)
      else if (piece) onPiece(index, piece)
      at = end
    }
  }

  /** The head will not come: what it has is fetched like everything else. */
  loseHead(): void {
    this.#seam.lose()
  }

  /** What peers made of the piece was wrong: it comes anew, and whole unless its rest is under way here. */
  spoiled(index: PieceIndex): void {
    for (const span of this.#spans) if (covers(span, index)) return
    if (this.beginning?.index === index) this.#options.onWasted(this.#seam.spoil())
  }

  /** Aborts what is under way. */
  close(): void {
    this.#closing.abort()
    this.#spans.clear()
  }

  async #run(span: RunningSpan): Promise<void> {
    let failures = 0 // in a row, of all that could be asked
    let hasMoved = false
    for (;;) {
      this.#skipHeld(span)
      if (span.next >= span.end || this.#closing.signal.aborted) break
      const before = span.next
      const turn = this.#seeds.take(performance.now())
      if (turn === null) return
      try {
        await this.#attempt(span, turn, failures)
        this.#seeds.succeeded(turn)
      } catch (error) {
        if (this.#closing.signal.aborted) return
        hasMoved ||= span.next > before
        const retryAfter = this.#blame(turn, error)
        if (this.#seeds.lost !== null) return
        if (this.#seeds.isReady(performance.now())) continue // at once: nobody need notice
        failures = hasMoved ? 1 : failures + 1
        hasMoved = false
        span.stuck = this.#tell(error, failures, retryAfter)
        await pause(
          retryDelay(failures, retryAfter, Date.now(), Math.random()),
          this.#closing.signal,
        )
      }
    }
    const { layout } = this.#options
    this.#spanPieces = grownSpan(this.#spanPieces, { layout, rate: this.#rate })
  }

  /**
   * One request for what is left of the span, up to the next piece held.
   * @throws AttemptError or a network error
   */
  async #attempt(span: RunningSpan, { url }: SeedTurn, failures: number): Promise<void> {
    const end = this.#requestEnd(span)
    const silenceMs = this.#options.silenceMs ?? SILENCE_MS
    // Where there is another one to ask, less is lost by giving up too soon.
    const isSpare = this.#seeds.isReady(performance.now(), url)
    const patience = isSpare ? silenceMs / 2 : silenceMs * 2 ** failures
    const silence = new SilenceWatch(Math.min(patience, MAX_SILENCE_MS), this.#closing.signal)
    this.#requests += 1
    try {
      const range = `bytes=${span.next}-${end - 1}`
      const early = takeEarlyResponse(url, range, silence.signal)
      const asked = early?.askedAt ?? performance.now()
      this.#pace.asked(asked)
      const response = await (early?.response ?? askForRange(url, range, silence.signal))
      const { size } = this.#options.layout
      const body = bodyOfRange(response, { start: span.next, end, size })
      this.#validators.check(url, response)
      if (!early) this.#latencyMs += 0.3 * (performance.now() - asked - this.#latencyMs)
      await this.#drain(body, span, { url, end, silence, began: early ? asked : performance.now() })
    } finally {
      silence.end()
      this.#requests -= 1
      this.#pace.answered(0, this.#requests > 0, performance.now())
    }
  }

  async #drain(
    body: ReadableStream<Bytes>,
    span: RunningSpan,
    { url, end, silence, began }: Answer,
  ): Promise<void> {
    const reader = body.getReader()
    let sampled = 0
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      silence.heard()
      if (span.next + value.length > end) {
        void reader.cancel()
        throw new AttemptError('the server sent more than was asked for', { fault: 'wrong' })
      }
      this.#bytesFrom.set(url, (this.#bytesFrom.get(url) ?? 0) + value.length)
      sampled += value.length
      this.#pace.answered(value.length, true, performance.now())
      this.#take(span, value)
    }
    this.#measure(sampled, performance.now() - began)
    if (span.next < end) throw new AttemptError('the connection broke off')
  }

  /** Fills the pieces of the span with what arrived. */
  #take(span: RunningSpan, chunk: Bytes): void {
    const { layout, onBytes, onPiece, onTrouble } = this.#options
    let rest = chunk
    span.stuck = false
    while (rest.length > 0) {
      const at = span.next - pieceStart(layout, span.piece)
      const part = rest.subarray(0, span.bytes.length - at)
      span.bytes.set(part, at)
      span.next += part.length
      rest = rest.subarray(part.length)
      onBytes(part.length)
      if (at + part.length === span.bytes.length) {
        const { piece: index, bytes } = span
        const isRest = span.from > pieceStart(layout, index)
        const piece = isRest ? this.#seam.finish(bytes) : bytes
        if (piece) onPiece(index, piece)
        this.#nextPiece(span)
      }
    }
    if (this.#troubled) {
      this.#troubled = false
      onTrouble(null)
    }
  }

  #nextPiece(span: RunningSpan): void {
    const { layout } = this.#options
    if (span.piece === span.last) return
    span.piece = pieceIndex(layout, span.piece + 1)
    span.bytes = new Uint8Array(lengthOfPiece(layout, span.piece))
  }

  /** Before a request: what peers have brought meanwhile is not asked for again. */
  #skipHeld(span: RunningSpan): void {
    const { layout, isHeld, onWasted } = this.#options
    while (span.next < span.end && isHeld(span.piece)) {
      const start = pieceStart(layout, span.piece)
      const came = span.next - Math.max(start, span.from)
      if (came > 0) onWasted(came)
      span.next = start + lengthOfPiece(layout, span.piece)
      this.#nextPiece(span)
    }
  }

  /** @returns the byte after the last one to ask for: the first held piece ends a request. */
  #requestEnd(span: RunningSpan): number {
    const { layout, isHeld } = this.#options
    const held = piecesBetween(span.piece, span.last).find((index) => isHeld(index))
    return held === undefined ? span.end : pieceStart(layout, held)
  }

  #measure(bytes: number, ms: number): void {
    if (bytes < MIN_SAMPLE_BYTES) return
    const rate = (bytes / Math.max(ms, 1)) * 1000
    this.#rate = this.#rate === null ? rate : this.#rate + 0.5 * (rate - this.#rate)
  }

  /**
   * Notes who failed, and tells when nobody has the file any more.
   * @returns how long that server, which alone is left, asked to be left alone
   */
  #blame(turn: SeedTurn, error: unknown): string | null {
    const attempt = error instanceof AttemptError ? error : null
    const retryAfter = attempt?.retryAfter ?? null
    const restMs = retryAfter === null ? 0 : retryDelay(1, retryAfter, Date.now(), 0)
    this.#seeds.failed(turn, attempt?.fault ?? 'failed', performance.now(), restMs)
    const { lost } = this.#seeds
    if (lost !== null) this.#options.onTrouble({ kind: lost, message: messageOf(error) })
    return this.#seeds.isAlone ? retryAfter : null // others need not wait
  }

  /** @returns whether it is a trouble: not when the next attempt comes at once and may well succeed */
  #tell(error: unknown, failures: number, retryAfter: string | null): boolean {
    const isSilent = error instanceof AttemptError && error.silent
    if (failures < 2 && !isSilent && retryAfter === null) return false
    this.#troubled = true
    this.#options.onTrouble({ kind: 'network', message: messageOf(error) })
    return true
  }
}

/** An answer that is being read. */
interface Answer {
  readonly url: string
  /** The byte after its last one. */
  readonly end: number
  readonly silence: SilenceWatch
  /** When its bytes began to come; of those that lay here already, when they were asked for. */
  readonly began: number
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function covers({ piece, last }: RunningSpan, index: PieceIndex): boolean {
  return piece <= index && index <= last
}

/** Aborts its signal when nothing was heard for `limitMs`, or when `parent` aborts. */
class SilenceWatch {
  readonly #own = new AbortController()
  readonly signal: AbortSignal
  readonly #limitMs: number
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(limitMs: number, parent: AbortSignal) {
    this.#limitMs = limitMs
    this.signal = AbortSignal.any([this.#own.signal, parent])
    this.heard()
  }

  heard(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(
      () => this.#own.abort(new AttemptError('the server fell silent', { silent: true })),
      this.#limitMs,
    )
  }

  end(): void {
    clearTimeout(this.#timer)
    this.#own.abort()
  }
}
