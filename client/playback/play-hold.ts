// Keeps a `<video>` that shall play at its first frame until there is enough for it to last
// (play-gate.ts): with a head start there is a frame before that is known. It stands still at a rate of
// 0: to pause it whenever it plays is too late on a busy machine, and who pauses it meanwhile means it.
// The engine owns it.

/** @returns how fast it plays, or shall once it is not held any more */
export function speedOf({
  playbackRate,
  defaultPlaybackRate,
}: Pick<HTMLVideoElement, 'playbackRate' | 'defaultPlaybackRate'>): number {
  return playbackRate || defaultPlaybackRate
}

export class PlayHold {
  readonly #video: HTMLVideoElement
  readonly #listening = new AbortController()
  /** At which it shall play. */
  #rate: number
  #isPaused = false

  constructor(video: HTMLVideoElement) {
    this.#video = video
    this.#rate = speedOf(video)
    video.playbackRate = 0
    const { signal } = this.#listening
    video.addEventListener('ratechange', () => this.#note(), { signal })
    for (const event of ['play', 'pause']) {
      video.addEventListener(
        event,
        () => {
          this.#isPaused = event === 'pause'
        },
        { signal },
      )
    }
  }

  get isOver(): boolean {
    return this.#listening.signal.aborted
  }

  /** Somebody has paused it: then it will not begin by itself. */
  get isPaused(): boolean {
    return this.#isPaused
  }

  /** Lets it play. */
  release(): void {
    if (this.isOver) return
    this.cancel()
    // By itself a browser begins when it believes that it can play through to the end.
    if (this.#video.autoplay && !this.#isPaused) this.#video.play().catch(() => {})
  }

  /** Lets go of it, as it is. */
  cancel(): void {
    if (this.isOver) return
    this.#note()
    this.#listening.abort()
    this.#video.playbackRate = this.#rate
  }

  /** Somebody else wants it faster or slower. */
  #note(): void {
    const { playbackRate } = this.#video
    if (playbackRate === 0) return
    this.#rate = playbackRate
    this.#video.playbackRate = 0
  }
}
