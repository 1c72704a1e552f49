// The film's first picture from the page itself: a <video> within the element that has leave to load
// stands over the frame, as a still picture, until the player in the frame has one. It plays nothing:
// what a visitor has begun to watch before the script came goes on in the player, at the same place.
// And it loads no more than that picture: once it is shown a copy stands there in its place, since what
// the <video> would go on to load, the player loads as well.
// The frame is started when the picture is there, or after a moment: starting a process delays pictures.
// The element makes it; `end` or `giveBack` ends it.
import type { EmbedState } from '#protocol/embed.ts'

/** The frame waits no longer for a picture. */
const PATIENCE_MS = 250
/** A player that has no picture by then may have something to say, or to ask. */
const COVERS_MS = 5000
/** A page is not always told when the focus goes into a frame of another site. */
const LOOK_MS = 200

export interface FirstPictureOptions {
  readonly element: HTMLElement
  /** The player has a picture of its own. */
  readonly hasPoster: boolean
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
  #isSettled = false
  /** The player has the focus for a press of the picture, or for that of the `<video>`. */
  #focusIsOurs = false
  /** Once the `<video>` has let go of its file. `pinned`: the address that it was given for that. */
  #letGo: { readonly pinned: string | null } | null = null
  #covers: ReturnType<typeof setTimeout> | undefined
  #looking: ReturnType<typeof setInterval> | undefined

  constructor(options: FirstPictureOptions) {
    this.#options = options
    const { signal } = this.#listening
    this.layer.className = 'first-picture'
    this.layer.hidden = true
    this.layer.append(this.#slot)
    // The script may be there before the parser has come to what is within the element.
    this.#slot.addEventListener('slotchange', () => this.#adopt(), { signal })
    if (this.#adopt()) setTimeout(() => this.#settle(), PATIENCE_MS)
    else this.#settle()
  }

  /** To be called with everything that the player says. */
  follow({ readyState, error }: EmbedState): void {
    if (readyState >= HTMLMediaElement.HAVE_CURRENT_DATA || error) this.end()
    else this.#covers ??= setTimeout(() => this.end(), COVERS_MS)
  }

  /**
   * The player takes over, or the element has no more use for it. The page's `<video>` has its controls
   * again, loads nothing and does not play by itself.
   */
  end(): void {
    if (this.#listening.signal.aborted) return // it has ended already
    this.#stop()
    if (this.#before === null) return
    this.#release(this.#before.video)
    this.#before.video.controls = this.#before.controls
  }

  /** There will be no player: the page's `<video>` is what it was. */
  giveBack(): void {
    this.#stop()
    if (this.#before === null) return
    const { video, plays, autoplay, controls, preload, position } = this.#before
    Object.assign(video, { autoplay, controls, preload })
    const pinned = this.#letGo?.pinned ?? null
    if (pinned !== null && video.getAttribute('src') === pinned) video.removeAttribute('src')
    if (this.#letGo !== null || autoplay) {
      video.load()
      video.currentTime = position
    }
    if (plays) video.play().catch(() => {}) // its own button stays
  }

  #stop(): void {
    this.#listening.abort()
    clearTimeout(this.#covers)
    clearInterval(this.#looking)
    this.layer.remove()
  }

  /** @returns whether a picture is coming */
  #adopt(): boolean {
    const { element, hasPoster, onPlay } = this.#options
    const { signal } = this.#listening
    const video = element.querySelector<HTMLVideoElement>(':scope > video')
    if (this.#before !== null || video === null) return false
    if (!video.autoplay && video.preload === 'none') return false
    const { autoplay, controls, preload, currentTime: position } = video
    const plays = !video.paused
    this.#before = { video, plays, autoplay, controls, preload, position }
    video.pause()
    video.autoplay = false
    const hasBegun = plays || position > 0 || video.played.length > 0
    if (hasPoster && !hasBegun) {
      this.#release(video)
      return false
    }
    if (document.fullscreenElement === video) document.exitFullscreen().catch(() => {})
    this.layer.hidden = false // it is see-through until there is a picture
    const expectFocus = (): void => {
      this.#focusIsOurs = true
    }
    this.layer.addEventListener('mousedown', expectFocus, { signal })
    this.layer.addEventListener('click', () => onPlay(null), { signal })
    // Nobody shall press in the dark what the player asks.
    this.#looking = setInterval(() => this.#look(), LOOK_MS)
    if (plays && !autoplay) onPlay(position)
    if (this.#isSettled || this.#focused !== video) this.#takeControls()
    if (video.poster !== '' && !hasBegun) {
      this.#show()
      this.#release(video)
      return false
    }
    if (video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) {
      this.#copy(video)
      return false
    }
    // A browser without this call shows the <video> itself until the player comes.
    video.requestVideoFrameCallback?.(() => this.#copy(video))
    video.addEventListener('loadeddata', () => this.#show(), { signal })
    video.addEventListener('error', () => this.#settle(), { capture: true, signal })
    return true
  }

  #show(): void {
    this.layer.classList.add('shown')
  }

  #settle(): void {
    if (this.#isSettled || this.#listening.signal.aborted) return
    this.#isSettled = true
    this.#options.onSettled()
    this.#takeControls()
  }

  /** The player's are there instead; who was at the page's is at the player's now. */
  #takeControls(): void {
    if (this.#before === null) return
    const { video } = this.#before
    const hasFocus = this.#focused === video
    if (hasFocus) video.blur() // an element with the focus within keeps it there
    video.controls = false
    if (!hasFocus) return
    this.#focusIsOurs = true
    this.#options.element.focus()
  }

  #look(): void {
    if (this.#focused === this.#options.element && !this.#focusIsOurs) this.end()
  }

  /** Where the element is: in the page, or in a part of it with a tree of its own. */
  get #focused(): Element | null {
    const root = this.#options.element.getRootNode()
    return root instanceof Document || root instanceof ShadowRoot ? root.activeElement : null
  }

  /** Puts the picture in the place of the `<video>`, which then need not load any more. */
  #copy(video: HTMLVideoElement): void {
    if (this.#letGo !== null || this.#listening.signal.aborted) return
    this.#settle()
    const picture = document.createElement('canvas')
    const { videoWidth, videoHeight } = video
    const seen = Math.ceil(this.#options.element.clientWidth * devicePixelRatio)
    picture.width = Math.min(videoWidth, seen || videoWidth)
    picture.height = Math.round((videoHeight * picture.width) / videoWidth)
    picture.ariaHidden = 'true'
    const context = picture.getContext('2d')
    if (context === null) return
    // Of another origin, so nobody can read it; it can be seen.
    context.drawImage(video, 0, 0, picture.width, picture.height)
    this.#slot.replaceWith(picture)
    this.#show()
    this.#release(video)
  }

  #release(video: HTMLVideoElement): void {
    this.#letGo ??= { pinned: letGo(video) }
  }
}

/**
 * Ends what a `<video>` loads. Not by `load()`, which loads whatever `preload` says.
 * @returns the address that it was given for that, where the page names it by `<source>`
 */
export function letGo(video: HTMLVideoElement): string | null {
  const src = video.getAttribute('src')
  const pinned = src === null && video.currentSrc !== '' ? video.currentSrc : null
  video.preload = 'none'
  if (src !== null) video.setAttribute('src', src)
  else if (pinned !== null) video.setAttribute('src', pinned)
  return pinned
}
