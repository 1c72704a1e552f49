// The film's first picture from the page itself: a <video> within the element that has leave to load
// stands over the frame, as a still picture, until the player in the frame has one. It plays nothing:
// what a visitor has begun to watch before the script came goes on in the player, at the same place.
// And it loads no more than that picture: once it is shown a copy stands there in its place, since what
// the <video> would go on to load, the player loads as well.
// The player's frame is started when the picture is there, since its process would delay it.
// The element makes it; `end` or `giveBack` ends it.
import type { EmbedState } from '#protocol/embed.ts'

/** The frame waits no longer for a picture. */
const PATIENCE_MS = 250
/** A picture that was there before the script is not handed over to be shown once more. */
const SHOWN_MS = 500

export interface FirstPictureOptions {
  readonly element: HTMLElement
  /** The visitor presses the picture, or has begun to watch and was at `position` (seconds). */
  readonly onPlay: (position: number | null) => void
  /** The picture is there, or is not waited for: called once, at once where there is none. */
  readonly onSettled: () => void
}

/** What the page's `<video>` was like. */
interface Before {
  readonly video: HTMLVideoElement
  readonly plays: boolean
  readonly autoplay: boolean
  readonly controls: boolean
  readonly preload: HTMLVideoElement['preload']
  /** Its attribute; `null` where its file is named by `<source>`. */
  readonly src: string | null
  /** Seconds. */
  readonly position: number
}

export class FirstPicture {
  /** To be put over the frame. */
  readonly layer = document.createElement('div')
  readonly #options: FirstPictureOptions
  readonly #listening = new AbortController()
  readonly #slot = document.createElement('slot')
  #before: Before | null = null
  #isUnloaded = false
  #isSettled = false
  #hadFocus = false

  constructor(options: FirstPictureOptions) {
    this.#options = options
    this.layer.className = 'first-picture'
    this.layer.hidden = true
    this.layer.append(this.#slot)
    // The script may be there before the parser has come to what is within the element.
    this.#slot.addEventListener('slotchange', () => this.#adopt(), this.#listening)
    this.#adopt()
    const isComing = this.#before !== null && !this.layer.classList.contains('shown')
    if (isComing) setTimeout(() => this.#settle(), PATIENCE_MS)
    else this.#settle()
  }

  /** To be called with everything that the player says. */
  follow({ readyState, error }: EmbedState): void {
    if (readyState >= HTMLMediaElement.HAVE_CURRENT_DATA || error) this.end()
  }

  /** The player takes over, or the element has no more use for it. */
  end(): void {
    if (this.#listening.signal.aborted) return // it has ended already
    this.#listening.abort()
    this.layer.remove()
    if (this.#before === null) return
    this.#unload(this.#before)
    this.#before.video.controls = this.#before.controls
  }

  /** There will be no player: the page's `<video>` is what it was. */
  giveBack(): void {
    this.#listening.abort()
    this.layer.remove()
    if (this.#before === null) return
    const { video, plays, autoplay, controls, preload, src, position } = this.#before
    Object.assign(video, { autoplay, controls, preload })
    if (this.#isUnloaded) {
      if (src === null) video.removeAttribute('src')
      else video.setAttribute('src', src)
      video.load()
      video.currentTime = position
    }
    if (plays) video.play().catch(() => {}) // its own button stays
  }

  #adopt(): void {
    const { element, onPlay } = this.#options
    const { signal } = this.#listening
    const video = element.querySelector<HTMLVideoElement>(':scope > video')
    if (this.#before !== null || video === null) return
    if (!video.autoplay && video.preload === 'none') return
    const before: Before = {
      video,
      plays: !video.paused,
      autoplay: video.autoplay,
      controls: video.controls,
      preload: video.preload,
      src: video.getAttribute('src'),
      position: video.currentTime,
    }
    this.#before = before
    const wasPressed = before.plays && !before.autoplay
    this.#hadFocus = video.matches(':focus')
    video.pause()
    video.autoplay = false
    video.controls = false
    this.layer.hidden = false // it is see-through until there is a picture
    if (this.#isSettled) this.#passFocus()
    const copy = (): void => this.#copy(before)
    const show = (): void => {
      this.layer.classList.add('shown')
      setTimeout(copy, SHOWN_MS)
    }
    video.requestVideoFrameCallback?.(copy)
    if (video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) show()
    else if (video.poster === '') video.addEventListener('loadeddata', show, { signal })
    else {
      this.layer.classList.add('shown')
      this.#unload(before)
    }
    this.layer.addEventListener('click', () => onPlay(null), { signal })
    if (wasPressed) onPlay(before.position)
  }

  #settle(): void {
    if (this.#isSettled || this.#listening.signal.aborted) return
    this.#isSettled = true
    this.#options.onSettled()
    this.#passFocus()
  }

  /** To the player, in whose place the `<video>` was. */
  #passFocus(): void {
    if (!this.#hadFocus) return
    this.#before?.video.blur() // an element with the focus within keeps it there
    this.#options.element.focus()
  }

  /** Puts the picture in the place of the `<video>`, which then need not load any more. */
  #copy(before: Before): void {
    const { video } = before
    if (this.#isUnloaded || this.#listening.signal.aborted) return
    this.#settle()
    const picture = document.createElement('canvas')
    picture.width = video.videoWidth
    picture.height = video.videoHeight
    const context = picture.getContext('2d')
    if (context === null) return
    context.drawImage(video, 0, 0) // of another origin, so nobody can read it; it can be seen
    this.#slot.replaceWith(picture)
    this.layer.classList.add('shown')
    this.#unload(before)
  }

  /** Ends what is under way. Not by `load()`, which loads whatever `preload` says. */
  #unload({ video }: Before): void {
    if (this.#isUnloaded) return
    this.#isUnloaded = true
    video.preload = 'none'
    if (video.currentSrc !== '') video.src = video.currentSrc
  }
}
