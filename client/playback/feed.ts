// What a `<video>` is given, and what it can be taken to hold. A browser takes whatever it gets and
// tells late what it has; so the page counts what it gave, and on a slow line keeps back what would
// only be played to the next gap (play-gate.ts), until playback has begun. The engine owns it.
import { lengthOfPiece, type PieceLayout, pieceAt, pieceStart } from '#protocol/pieces.ts'
import type { Bytes, PieceStore } from '../storage/piece-store.ts'
import { givenSeconds } from './given-seconds.ts'
import type { OriginFetcher } from './origin.ts'
import { mayPlay, PATIENCE_SECONDS } from './play-gate.ts'
import type { ByteRange, Reader } from './reader.ts'
import { sampleRange } from './samples.ts'
import type { VideoWatch } from './video-watch.ts'

/** How long bytes last is known on average; the scene at hand may need more of them. */
const CAUTION = 0.8
/** By then a browser has caught up with telling what it holds. */
const CATCH_UP_SECONDS = 20
/** A line that has sent next to nothing in that time is slow. */
const TELLING_SECONDS = 0.5
/** How fast time passes for a first frame that nobody has asked for. */
const IDLE_HURRY = 0.1
/** Beyond the place where samples seem to begin, so much is still taken for the file's head. */
const HEAD_BYTES = 4 * 1024

export interface FeedOptions {
  readonly layout: PieceLayout
  readonly video: HTMLVideoElement
  readonly watch: VideoWatch
  readonly store: Pick<PieceStore, 'has'>
  readonly fetcher: Pick<OriginFetcher, 'spans' | 'pace'>
  /** Bytes per second that peers send when they are asked, 0 when that is not known. */
  readonly peersPace: () => number
  /** Whether other viewers are given time to bring what follows. */
  readonly waitsForOthers: () => boolean
  /** Bytes of the file per second of playback. */
  readonly bytesPerSecond: () => number
  /** Until the first frame, it stands nearly still while the machine is busy. */
  readonly calm: { readonly ms: number }
  /** A steady clock in milliseconds, `performance.now()` if left out. */
  readonly now?: () => number
}

export class Feed {
  readonly #options: FeedOptions
  readonly #now: () => number
  #samples: ByteRange
  /** The last reader to begin: when, by both clocks, and where in the film. */
  #begun: {
    readonly reader: Pick<Reader, 'position'>
    /** The first byte of the file that the video was given with what `reader` gives. */
    readonly from: number
    readonly at: number
    readonly calmMs: number
    readonly playedFrom: number
    readonly seeks: number
    readonly decoded: number | null
  } | null = null
  /** The byte after the last one that the video got without a reader. */
  #headEnd: number | null = null
  /** Since when the video does not play although it has a frame: by the clock. */
  #heldSince: number | null = null
  #isOpen = false
  /** Since when there is something that is kept back: by the clock. */
  #keptSince: number | null = null
  #isSlow = false

  constructor(options: FeedOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#samples = { start: 0, end: options.layout.size } // until the first bytes tell
  }

  /** True once something was kept back because the line is slower than the film. */
  get isSlow(): boolean {
    return this.#isSlow
  }

  /** True while something is kept back: then time alone may change what `allow` says. */
  get isKeeping(): boolean {
    return this.#keptSince !== null
  }

  /** Seconds that playback will wait for more, unless there is enough before. */
  get waits(): number {
    if (this.#keptSince === null || !this.#isSlow) return 0
    return Math.max(0, PATIENCE_SECONDS - (this.#now() - this.#keptSince) / 1000)
  }

  /**
   * The video has begun with bytes that no reader gave.
   * @param next stands where a reader will go on
   * @param isHeld it does not play before there is enough
   */
  beganWithout(next: Pick<Reader, 'position'>, isHeld: boolean): void {
    this.#headEnd = next.position
    this.#heldSince = isHeld ? this.#now() : null
    const begun = this.#beginning(next, 0, 0)
    // What was decoded until now is of these bytes as well.
    this.#begun = { ...begun, seeks: 0, decoded: begun.decoded === null ? null : 0 }
  }

  #beginning(reader: Pick<Reader, 'position'>, from: number, playedFrom: number) {
    const { watch, calm } = this.#options
    const { seeks, decodedBytes: decoded } = watch
    return { reader, from, at: this.#now(), calmMs: calm.ms, playedFrom, seeks, decoded }
  }

  /**
   * @param bytes the next ones of the reader, which are here
   * @returns how many of them it may hand out now, 0 for none
   */
  allow(reader: Reader, bytes: Bytes): number {
    const { layout, video, watch } = this.#options
    if (reader.position === 0) this.#samples = sampleRange(bytes, layout.size)
    const head = Math.min(this.#samples.start + HEAD_BYTES, this.#samples.end)
    const isSample = reader.position >= head && reader.position < this.#samples.end
    // A head may end before the samples begin.
    const isHead = reader === this.#begun?.reader && this.#begun.from < reader.start
    const isAwaited = (isHead || reader.start === this.#headEnd) && !watch.hasFrame
    const allowed =
      isSample && !isAwaited && !this.#mayPlay(reader)
        ? 0
        : this.#upTo(reader.position, bytes.length, head)
    if (allowed > 0 && reader.position === reader.start) {
      if (this.#begun && reader.start === this.#headEnd) {
        this.#begun = { ...this.#begun, reader }
      } else {
        // A film that is to start elsewhere is read from its head on until the index tells where.
        const playedFrom = reader.start <= this.#samples.start ? 0 : video.currentTime
        this.#begun = this.#beginning(reader, reader.start, playedFrom)
      }
      this.#headEnd = null
    }
    return allowed
  }

  /** @returns seconds of playback that the video holds ahead of its position, by what `reader` gave */
  bufferedSeconds(reader: Pick<Reader, 'position'>): number {
    const { watch, video, calm, bytesPerSecond } = this.#options
    const known = watch.bufferedSeconds() * CAUTION
    // Who stands where the head ends goes on with it, though it was given nothing yet.
    const goesOn = reader === this.#begun?.reader || reader.position === this.#headEnd
    if (watch.isStalled || this.#begun === null || !goesOn) return known
    const { at, calmMs, playedFrom } = this.#begun
    const decoded = this.#decodedSince(this.#begun)
    // By the average alone, a film that is heavy at first would be credited with ever more.
    if (decoded === null && this.#now() - at > CATCH_UP_SECONDS * 1000) return known
    const given = givenSeconds({
      samples: this.#samples,
      range: { start: this.#begun.from, end: this.#begun.reader.position },
      bytesPerSecond: bytesPerSecond(),
      played: video.currentTime - playedFrom,
      decoded,
      waitingMs: this.#waitingMs(calm.ms - calmMs),
    })
    return decoded === null ? Math.max(known, given * CAUTION) : given * CAUTION
  }

  /** @returns bytes of samples, `null` when the browser does not tell or they lie elsewhere */
  #decodedSince({ seeks, decoded }: { seeks: number; decoded: number | null }): number | null {
    const { decodedBytes, seeks: present } = this.#options.watch
    if (decoded === null || decodedBytes === null || seeks !== present) return null
    return decodedBytes - decoded
  }

  /** The file's head goes out at once, and nothing with it that may have to wait. */
  #upTo(position: number, length: number, head: number): number {
    const endsInHead = position < head && head < position + length
    return endsInHead && !this.#isOpen ? head - position : length
  }

  /** Nobody plays it, perhaps not yet. */
  get #isIdle(): boolean {
    const { video } = this.#options
    return video.paused && !video.autoplay
  }

  /** Chromium may show the first frame half a second before it says that it has one. */
  #waitingMs(calmMs: number): number | null {
    const { hasFrame, firstFrameMs, seeks } = this.#options.watch
    const showsFirst = firstFrameMs !== null && seeks === 0
    if (hasFrame || showsFirst || this.isKeeping) return null
    return this.#isIdle && seeks === 0 ? calmMs * IDLE_HURRY : calmMs
  }

  /**
   * Whether there is enough to begin with; from then on, there always is.
   * @param reader what the video is given comes from there
   * @param canGive false when the video cannot be given anything yet: then only what it holds counts
   */
  mayBegin(reader: Pick<Reader, 'position' | 'end'>, canGive = true): boolean {
    const { watch, fetcher, peersPace, waitsForOthers } = this.#options
    const now = this.#now()
    // What is held does not wait for ever for the first bytes either.
    const since = this.#heldSince ?? this.#keptSince ?? now
    const end = canGive ? this.#hereUntil(reader) : reader.position
    const bytesPerSecond = this.#options.bytesPerSecond() * watch.speed
    const held = this.#heldSince === null ? 0 : (watch.bufferedSeconds() * CAUTION) / watch.speed
    this.#isOpen ||= mayPlay({
      ahead: held + (end - reader.position) / bytesPerSecond,
      isWhole: end >= Math.min(reader.end, this.#samples.end),
      // What peers bring is of use once a piece is whole.
      pace: canGive ? fetcher.pace || (end > reader.position ? peersPace() : 0) : 0,
      waitsForOthers: waitsForOthers(),
      bytesPerSecond,
      waited: (now - since) / 1000,
    })
    if (this.#isOpen) this.#heldSince = null
    return this.#isOpen
  }

  #mayPlay(reader: Reader): boolean {
    const { watch, fetcher, waitsForOthers } = this.#options
    const isPlaying = watch.firstFrameMs !== null && (this.#heldSince === null || watch.seeks > 0)
    if (this.#isOpen || this.#isIdle || isPlaying || this.mayBegin(reader)) {
      this.#keptSince = null
      return true
    }
    const now = this.#now()
    this.#keptSince ??= now
    const isTold = fetcher.pace > 0 || (now - this.#keptSince) / 1000 >= TELLING_SECONDS
    if (isTold && !waitsForOthers()) this.#isSlow = true
    return false
  }

  /** @returns the byte after the last one that is here in a row from where the reader stands */
  #hereUntil(reader: Pick<Reader, 'position' | 'end'>): number {
    const { layout, store, fetcher } = this.#options
    let end = reader.position
    while (end < reader.end) {
      const index = pieceAt(layout, end)
      const start = pieceStart(layout, index)
      if (store.has(index)) {
        end = start + lengthOfPiece(layout, index)
        continue
      }
      const arriving = fetcher.spans.find(
        ({ from, next }) =>
          Math.max(start, from) <= end && end < next && pieceAt(layout, next - 1) === index,
      )
      return arriving?.next ?? end
    }
    return reader.end
  }
}
