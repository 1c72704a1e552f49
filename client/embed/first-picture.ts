// The film's first picture from the page itself: a <video> within the element that has leave to load
// stands over the frame, as a still picture, until the player in the frame has one. It plays nothing:
// what a visitor has begun to watch before the script came goes on in the player, at the same place.
// The element makes it; `end` or `giveBack` ends it.
import type { EmbedState } from '#protocol/embed.ts'

export interface FirstPictureOptions {
  readonly element: HTMLElement
  /** The visitor presses the picture, or has begun to watch and was at `position` (seconds). */
  readonly onPlay: (position: number | null) => void
}

export class FirstPicture {
  /** To be put over the frame. */
  readonly slot = document.createElement('slot')
  readonly #options: FirstPictureOptions
  readonly #listening = new AbortController()
  #video: HTMLVideoElement | null = null
  /** The page's `<video>` was playing, and had controls. */
  #before = { plays: false, controls: false }

  constructor(options: FirstPictureOptions) {
    this.#options = options
    this.slot.className = 'first-picture'
    // The script may be there before the parser has come to what is within the element.
    this.slot.addEventListener('slotchange', () => this.#adopt(), this.#listening)
    this.#adopt()
  }

  /** To be called with everything that the player says. */
  follow({ readyState, error }: EmbedState): void {
    if (readyState >= HTMLMediaElement.HAVE_CURRENT_DATA || error) this.end()
  }

  /** The player takes over, or the element has no more use for it. */
  end(): void {
    if (this.#listening.signal.aborted) return // it has ended already
    this.#stop()
    const video = this.#video
    if (video === null) return
    video.preload = 'none'
    video.load() // what it was about to fetch, the player fetches
  }

  /** There will be no player: the page's `<video>` is what it was. */
  giveBack(): void {
    this.#stop()
    if (this.#before.plays) this.#video?.play().catch(() => {}) // its own button stays
  }

  #stop(): void {
    this.#listening.abort()
    this.slot.remove()
    if (this.#video) this.#video.controls = this.#before.controls
  }

  #adopt(): void {
    const { element, onPlay } = this.#options
    const { signal } = this.#listening
    const video = element.querySelector<HTMLVideoElement>(':scope > video')
    if (this.#video !== null || video === null) return
    if (!video.autoplay && video.preload === 'none') return
    this.#video = video
    this.#before = { plays: !video.paused, controls: video.controls }
    const wasPressed = this.#before.plays && !video.autoplay
    const hadFocus = video.matches(':focus')
    video.pause()
    video.autoplay = false
    video.controls = false
    if (hadFocus) element.focus()
    const show = (): void => this.slot.classList.add('shown')
    if (video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) show()
    else video.addEventListener('loadeddata', show, { signal })
    video.addEventListener('click', () => onPlay(null), { signal })
    if (wasPressed) onPlay(video.currentTime)
  }
}
