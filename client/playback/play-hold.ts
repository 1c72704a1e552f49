// Keeps a `<video>` that starts by itself at its first frame until there is enough for it to last
// (play-gate.ts): with a head start there is a frame before that is known. Who presses "play" meanwhile
// is told that it begins by itself. The engine owns it.

export class PlayHold {
  readonly #video: HTMLVideoElement
  readonly #listening = new AbortController()

  constructor(video: HTMLVideoElement) {
    this.#video = video
    const { signal } = this.#listening
    video.addEventListener('play', () => video.pause(), { signal })
    if (!video.paused) video.pause()
  }

  get isOver(): boolean {
    return this.#listening.signal.aborted
  }

  /** Plays. */
  release(): void {
    if (this.isOver) return
    this.cancel()
    this.#video.play().catch(() => {}) // the page sees that it is paused
  }

  /** Lets go of the `<video>`, as it is. */
  cancel(): void {
    this.#listening.abort()
  }
}
