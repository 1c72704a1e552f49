// Keeps a `<video>` at its first frame, pressed or not, until there is enough for it to last
// (play-gate.ts): with a head start there is a frame before that is known. It stands still at a rate of
// 0: to pause it whenever it plays is too late on a busy machine, and who pauses it meanwhile means it.
// The engine owns it.

export class PlayHold {
  readonly #video: HTMLVideoElement
  readonly #listening = new AbortController()
  /** At which it shall play. */
  #rate: number

  constructor(video: HTMLVideoElement) {
    this.#video = video
    this.#rate = video.playbackRate || video.defaultPlaybackRate
    video.playbackRate = 0
    video.addEventListener('ratechange', () => this.#note(), { signal: this.#listening.signal })
  }

  get isOver(): boolean {
    return this.#listening.signal.aborted
  }

  /** Lets it play. */
  release(): void {
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
