// The film's first picture from the page itself: a <video> within the element that has leave to load is
// shown, and can be played, until the player in the frame has a picture. What a visitor has begun to
// watch goes on in the player at the same place. The element makes it, and ends it by leaving it out of
// its tree.
import type { EmbedState } from '#protocol/embed.ts'
import type { FrameLink } from './frame-link.ts'

export class FirstPicture {
  readonly video: HTMLVideoElement
  /** To be put over the frame. */
  readonly slot = document.createElement('slot')
  readonly #frame: HTMLIFrameElement
  readonly #link: FrameLink
  /** Number of the command that handed the place over, once that is done. */
  #handedOver: number | null = null
  #isOver = false

  /** @returns the `<video>` within the element, if its page lets it load */
  static within(element: Element): HTMLVideoElement | null {
    const video = element.querySelector<HTMLVideoElement>(':scope > video')
    return video && (video.autoplay || video.preload !== 'none') ? video : null
  }

  constructor(video: HTMLVideoElement, frame: HTMLIFrameElement, link: FrameLink) {
    this.video = video
    this.slot.className = 'first-picture' // of what is within the element, it shows the <video> alone
    this.#frame = frame
    this.#link = link
    frame.inert = true // nobody can see it yet
  }

  /** To be called with everything that the player says. */
  follow(state: EmbedState): void {
    if (this.#isOver) return
    const { video } = this
    const hasPicture = state.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA
    if (!hasPicture) {
      if (video.error) this.#end() // the player may have something to say
      return
    }
    const isUntouched = video.paused && video.currentTime === 0
    if (this.#handedOver === null && isUntouched) this.#end()
    else if (this.#handedOver === null) this.#handOver()
    else if (this.#hasTakenOver(state, this.#handedOver)) this.#end()
  }

  #handOver(): void {
    const { currentTime, volume, muted, playbackRate, paused } = this.video
    this.#handedOver = this.#link.set({ currentTime, volume, muted, playbackRate })
    // Where the browser wants a press in the frame, there is the player's button.
    if (!paused) this.#link.ask('play').catch(() => this.#end())
  }

  #hasTakenOver({ handled, seeking, readyState, paused }: EmbedState, since: number): boolean {
    return (
      handled >= since &&
      !seeking &&
      readyState >= HTMLMediaElement.HAVE_FUTURE_DATA &&
      (this.video.paused || !paused)
    )
  }

  #end(): void {
    if (this.#isOver) return
    this.#isOver = true
    const { video } = this
    const hadFocus = document.activeElement === video
    this.#frame.inert = false
    this.slot.remove()
    video.autoplay = false
    video.preload = 'none'
    video.load() // what it has not played yet, the player fetches
    if (hadFocus) this.#frame.focus()
  }
}
