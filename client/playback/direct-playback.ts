// Playback without the service worker: the `<video>` fetches from a web seed by itself. When that one
// fails, the next one takes its place at the second where playback was.

/** The element's own codes for "the bytes stopped coming" and "nothing that could be played came". */
const MAY_BE_THE_SEED: readonly (number | undefined)[] = [2, 4]

export class DirectPlayback {
  readonly #video: HTMLVideoElement
  readonly #urls: readonly string[]
  #turn = 0

  /** @param urls web seeds, best first */
  constructor(video: HTMLVideoElement, urls: readonly string[]) {
    this.#video = video
    this.#urls = urls
    video.removeAttribute('crossorigin') // other sites need not know of it
    this.#playOn() // from its start, unless a head start has been played
  }

  /** The URL that is played; how many bytes came from it the browser does not tell. */
  get bytesFrom(): ReadonlyMap<string, null> {
    return new Map([[this.#url, null]])
  }

  get #url(): string {
    return this.#urls[this.#turn] ?? ''
  }

  /**
   * Call it when the `<video>` has an error.
   * @returns false when no other web seed is left, or when that would not help
   */
  turnToNext(): boolean {
    const video = this.#video
    if (!MAY_BE_THE_SEED.includes(video.error?.code)) return false
    if (this.#turn + 1 >= this.#urls.length) return false
    this.#turn += 1
    this.#playOn()
    return true
  }

  /** Sets the URL whose turn it is, at the second where playback is. */
  #playOn(): void {
    const video = this.#video
    const position = video.currentTime
    setSource(video, this.#url)
    if (position > 0) video.currentTime = position // taken as the start until there is data
  }
}

/** A `play()` from before there was a source is lost in the load that the source starts. */
export function setSource(video: HTMLVideoElement, src: string): void {
  const shallPlay = !video.paused
  video.src = src
  if (shallPlay && video.paused) video.play().catch(() => {}) // the page sees that it is paused
}
