// Watches a `<video>`: when its first frame shows, how often and how long it waits for data, and
// how much playback it holds. Only listens; whoever made it closes it.
import { speedOf } from './play-hold.ts'

/** A wait that short is taken for the machine's. */
const BLINK_MS = 100

/** By the same clock as `now`. */
interface Started {
  /** When playback was begun. */
  readonly startedAt: number
  /** When the first frame was there; `null` before. */
  readonly shownAt: number | null
}

/** Of Chromium alone. */
interface Decoding {
  readonly webkitVideoDecodedByteCount?: number
  readonly webkitAudioDecodedByteCount?: number
}

export class VideoWatch {
  readonly #video: HTMLVideoElement & Decoding
  readonly #now: () => number
  readonly #startedAt: number
  readonly #onChange: () => void
  readonly #listening = new AbortController()
  #firstFrameMs: number | null = null
  #seeks = 0
  #stalls = 0
  #stalledMs = 0
  #stalledSince: number | null = null
  /** At the start and from a seek until playback goes on: waiting then is theirs, no stall. */
  #settling = true

  /**
   * @param now a steady clock in milliseconds
   * @param onChange called when one of the figures has changed
   * @param started what a `<video>` did before anybody watched it, or `null`
   */
  constructor(
    video: HTMLVideoElement,
    onChange: () => void,
    now = () => performance.now(),
    started: Started | null = null,
  ) {
    this.#video = video
    this.#now = now
    this.#startedAt = started?.startedAt ?? now()
    if (started?.shownAt != null) this.#firstFrameMs = started.shownAt - started.startedAt
    this.#onChange = onChange
    const options = { signal: this.#listening.signal }
    const on = (name: string, act: () => void): void => video.addEventListener(name, act, options)
    on('waiting', () => this.#stall())
    for (const name of ['playing', 'pause', 'seeking', 'ended', 'emptied']) {
      on(name, () => this.#resume())
    }
    on('seeking', () => {
      this.#seeks += 1
      this.#settling = true
    })
    on('playing', () => {
      this.#settling = false
    })
    // Sound has no frames, and a hidden page shows none.
    on('loadeddata', () => {
      if (video.videoWidth === 0 || !('requestVideoFrameCallback' in video)) this.#firstFrame()
    })
    on('timeupdate', () => {
      if (video.currentTime > 0 && video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) {
        this.#firstFrame()
      }
    })
    if ('requestVideoFrameCallback' in video) {
      video.requestVideoFrameCallback(() => this.#firstFrame())
    }
  }

  /** Milliseconds until the first frame (of sound: the first data), or `null` before it. */
  get firstFrameMs(): number | null {
    return this.#firstFrameMs
  }

  /** True while playback waits for data; not at once, because a busy machine waits for a blink too. */
  get isStalled(): boolean {
    return this.#stalledSince !== null && this.#now() - this.#stalledSince >= BLINK_MS
  }

  /** True when the picture at the position is decoded. */
  get hasFrame(): boolean {
    return this.#video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA
  }

  /** Seconds of the film per second; who plays it slowly may change their mind. */
  get speed(): number {
    return Math.max(1, speedOf(this.#video))
  }

  /** Seeks begun. */
  get seeks(): number {
    return this.#seeks
  }

  /** Bytes of samples that were decoded so far, or `null` in browsers that do not tell. */
  get decodedBytes(): number | null {
    const { webkitVideoDecodedByteCount: video, webkitAudioDecodedByteCount: audio } = this.#video
    return video === undefined || audio === undefined ? null : video + audio
  }

  /** Times that playback waited for data, seeks and the start not counted. */
  get stalls(): number {
    return this.#stalls
  }

  /** Milliseconds of all stalls, the present one included. */
  get stalledMs(): number {
    return this.#stalledMs + (this.#stalledSince === null ? 0 : this.#now() - this.#stalledSince)
  }

  /**
   * Seconds of playback held ahead of the position; 0 while the video waits for data. Browsers only
   * estimate it from the bytes, so a video that waits is believed more.
   */
  bufferedSeconds(): number {
    const { buffered, currentTime, readyState } = this.#video
    const blinks = this.#firstFrameMs !== null && !this.#settling && !this.isStalled
    if (readyState < HTMLMediaElement.HAVE_FUTURE_DATA && !blinks) return 0
    for (let i = 0; i < buffered.length; i += 1) {
      if (buffered.start(i) <= currentTime && currentTime <= buffered.end(i)) {
        return buffered.end(i) - currentTime
      }
    }
    return 0
  }

  close(): void {
    this.#listening.abort()
  }

  #firstFrame(): void {
    if (this.#firstFrameMs !== null || this.#listening.signal.aborted) return
    this.#firstFrameMs = this.#now() - this.#startedAt
    this.#onChange()
  }

  #stall(): void {
    const { paused, ended } = this.#video
    if (this.#firstFrameMs === null || this.#settling || paused || ended) return
    if (this.#stalledSince !== null) return
    this.#stalls += 1
    this.#stalledSince = this.#now()
    this.#onChange()
  }

  #resume(): void {
    if (this.#stalledSince === null) return
    this.#stalledMs += this.#now() - this.#stalledSince
    this.#stalledSince = null
    this.#onChange()
  }
}
