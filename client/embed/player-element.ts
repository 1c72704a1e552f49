// <slipstream-player>: one frame in a shadow tree, behind the properties, methods and events of a
// <video>. What is within the element is for browsers without JavaScript and for when the player
// cannot be loaded; else it is not shown, but for the first picture (first-picture.ts). Being removed
// ends everything; being put in, or getting another title, starts anew. `public/embed.d.ts` says the
// same to companies.
import {
  type EmbedMessage,
  type EmbedSettings,
  type EmbedState,
  FRAME_PERMISSIONS,
  NOTHING_YET,
} from '#protocol/embed.ts'
import type {
  SlipstreamPlayerElement,
  SlipstreamPlayerError,
  SlipstreamStats,
} from '../../public/embed.d.ts'
import { FirstPicture, letGo } from './first-picture.ts'
import { frameAddress } from './frame-address.ts'
import { FrameLink } from './frame-link.ts'
import { STYLE } from './style.ts'

/** The address of this module below the server's, wherever a company's page is. */
const SCRIPT = import.meta.url
/** The frame says that it listens before it has loaded; so much later it was refused. */
const SILENCE_MS = 3_000
/** No answer at all from the server. */
const LOAD_MS = 30_000

const UPGRADED = [
  'media',
  'src',
  'server',
  'autoplay',
  'loop',
  'controls',
  'poster',
  'preload',
  'loading',
  'currentTime',
  'volume',
  'muted',
  'playbackRate',
] as const

interface EarlyPlay {
  resolve(): void
  reject(reason: unknown): void
}

// Where pages are made on a server there is no such class; nobody makes an element there.
const Base = globalThis.HTMLElement ?? (class {} as typeof HTMLElement)

export class SlipstreamPlayer extends Base implements SlipstreamPlayerElement {
  static readonly observedAttributes = [
    'media',
    'src',
    'server',
    'loop',
    'controls',
    'width',
    'height',
  ]

  readonly #root: ShadowRoot
  readonly #rule: CSSStyleDeclaration
  #link: FrameLink | null = null
  #frame: HTMLIFrameElement | null = null
  #firstPicture: FirstPicture | null = null
  /** What the page has set; currentTime only until there is a frame. */
  #settings: EmbedSettings = {}
  /** Calls of `play` before there is a frame. */
  #earlyPlays: EarlyPlay[] = []
  #error: SlipstreamPlayerError | null = null
  #loadQueued = false
  #patience: ReturnType<typeof setTimeout> | undefined

  constructor() {
    super()
    this.#root = this.attachShadow({ mode: 'open', delegatesFocus: true })
    // Not a <style>, which a page's content security policy may forbid.
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(STYLE)
    this.#root.adoptedStyleSheets = [sheet]
    this.#rule = (sheet.cssRules[0] as CSSStyleRule).style
  }

  connectedCallback(): void {
    // Set before this class was there, they would hide its accessors.
    const self = this as Record<string, unknown>
    for (const name of UPGRADED) {
      if (!Object.hasOwn(this, name)) continue
      const value = self[name]
      delete self[name]
      self[name] = value
    }
    this.#reload()
  }

  /** Moved by `moveBefore`: the frame lives on. */
  connectedMoveCallback(): void {}

  disconnectedCallback(): void {
    this.#unload()
    this.#root.replaceChildren()
  }

  attributeChangedCallback(name: string, before: string | null, value: string | null): void {
    if (name === 'width' || name === 'height') {
      this.#rule[name] = /^\d+$/.test(value ?? '') ? `${value}px` : ''
    } else if (name === 'loop') this.#link?.set({ loop: this.loop })
    else if (name === 'controls') this.#link?.set({ controls: this.controls })
    else if (before !== value && this.isConnected) this.#reload()
  }

  get media(): string {
    return this.#text('media')
  }
  set media(value: string) {
    this.setAttribute('media', value)
  }

  get src(): string {
    const src = this.#text('src')
    return URL.canParse(src, this.baseURI) ? new URL(src, this.baseURI).href : src
  }
  set src(value: string) {
    this.setAttribute('src', value)
  }

  get server(): string {
    return this.#text('server') || new URL('.', SCRIPT).href
  }
  set server(value: string) {
    this.setAttribute('server', value)
  }

  get autoplay(): boolean {
    return this.hasAttribute('autoplay')
  }
  set autoplay(value: boolean) {
    this.toggleAttribute('autoplay', value)
  }

  get loop(): boolean {
    return this.hasAttribute('loop')
  }
  set loop(value: boolean) {
    this.toggleAttribute('loop', value)
  }

  get controls(): boolean {
    return this.getAttribute('controls') !== 'false'
  }
  set controls(value: boolean) {
    if (value) this.removeAttribute('controls')
    else this.setAttribute('controls', 'false')
  }

  get poster(): string {
    const poster = this.#text('poster')
    return URL.canParse(poster, this.baseURI) && poster !== ''
      ? new URL(poster, this.baseURI).href
      : ''
  }
  set poster(value: string) {
    this.setAttribute('poster', value)
  }

  get preload(): string {
    return this.#text('preload') || 'auto'
  }
  set preload(value: string) {
    this.setAttribute('preload', value)
  }

  get loading(): string {
    return this.#text('loading') || 'eager'
  }
  set loading(value: string) {
    this.setAttribute('loading', value)
  }

  get currentTime(): number {
    return this.#state.currentTime
  }
  set currentTime(value: number) {
    this.#set({ currentTime: Math.max(0, finite(value)) })
  }

  get volume(): number {
    return this.#state.volume
  }
  set volume(value: number) {
    const volume = finite(value)
    if (volume < 0 || volume > 1) {
      throw new DOMException(
        `The volume must be between 0 and 1; it is ${volume}.`,
        'IndexSizeError',
      )
    }
    this.#set({ volume })
  }

  get muted(): boolean {
    return this.#state.muted
  }
  set muted(value: boolean) {
    this.#set({ muted: Boolean(value) })
  }

  get playbackRate(): number {
    return this.#state.playbackRate
  }
  set playbackRate(value: number) {
    const playbackRate = finite(value)
    if (playbackRate < 0.0625 || playbackRate > 16) {
      const message = `The speed must be between 0.0625 and 16; it is ${playbackRate}.`
      throw new DOMException(message, 'NotSupportedError')
    }
    this.#set({ playbackRate })
  }

  get duration(): number {
    return this.#state.duration ?? Number.NaN
  }
  get paused(): boolean {
    return this.#state.paused
  }
  get ended(): boolean {
    return this.#state.ended
  }
  get seeking(): boolean {
    return this.#state.seeking
  }
  get readyState(): number {
    return this.#state.readyState
  }
  get videoWidth(): number {
    return this.#state.videoWidth
  }
  get videoHeight(): number {
    return this.#state.videoHeight
  }
  get buffered(): TimeRanges {
    const { buffered } = this.#state
    const edge = (place: 0 | 1) => (index: number) => {
      const range = buffered[index]
      if (range) return range[place]
      throw new DOMException('There is no such range.', 'IndexSizeError')
    }
    return { length: buffered.length, start: edge(0), end: edge(1) }
  }
  get error(): SlipstreamPlayerError | null {
    return this.#error ?? this.#state.error
  }

  async play(): Promise<void> {
    // A player that has not begun to load, by `preload`, does now.
    if (!this.#link && !this.#loadQueued && this.isConnected) this.#load(true)
    if (this.#link) await this.#link.ask('play')
    else if (this.#error) throw new DOMException(this.#error.message, 'NotSupportedError')
    else await new Promise<void>((resolve, reject) => this.#earlyPlays.push({ resolve, reject }))
  }

  pause(): void {
    this.#abandonEarlyPlays()
    this.#link?.pause()
  }

  async stats(): Promise<SlipstreamStats> {
    const stats = await this.#link?.ask('stats')
    if (stats) return stats
    throw new DOMException('No title is loaded.', 'InvalidStateError')
  }

  get #state(): EmbedState {
    return this.#link?.isConnected
      ? this.#link.state
      : { ...NOTHING_YET, muted: this.hasAttribute('muted'), ...this.#settings }
  }

  #text(name: string): string {
    return this.getAttribute(name)?.trim() ?? ''
  }

  #set(settings: EmbedSettings): void {
    this.#settings = { ...this.#settings, ...settings }
    this.#link?.set(settings)
    if (this.#link?.isConnected) delete this.#settings.currentTime
  }

  /** Ends what is there at once, and starts when the page has said all that it has to say. */
  #reload(): void {
    this.#unload()
    if (this.#loadQueued) return
    this.#loadQueued = true
    queueMicrotask(() => {
      this.#loadQueued = false
      if (this.isConnected && !this.#link) this.#load(this.#earlyPlays.length > 0)
    })
  }

  #unload(): void {
    clearTimeout(this.#patience)
    this.#link?.close()
    this.#link = null
    this.#frame = null
    this.#firstPicture?.end()
    this.#firstPicture = null
    this.#error = null
  }

  /** @param isWanted somebody has asked for playback */
  #load(isWanted: boolean): void {
    this.#root.replaceChildren()
    if (this.media === '' && this.src === '') {
      this.#silence()
      return
    }
    if (this.preload === 'none' && !isWanted && !this.autoplay) {
      this.#quiet()
      this.#root.append(this.#startButton())
      return
    }
    const { server, media, src, autoplay, loop, controls, poster } = this
    const { muted } = this.#state
    const url = frameAddress({ server, media, src, autoplay, muted, loop, controls, poster })
    if (url === null) {
      this.#fail(`The address of the server, ${server}, is not an http(s) address.`)
      return
    }
    const frame = document.createElement('iframe')
    frame.allow = FRAME_PERMISSIONS
    frame.title = this.ariaLabel || this.title || 'Video player'
    if (this.loading === 'lazy') frame.loading = 'lazy'
    else this.#expect(LOAD_MS)
    frame.src = url.href
    frame.onload = () => this.#expect(SILENCE_MS)
    const start = (): void => this.#root.prepend(frame)
    const link = new FrameLink({
      frame,
      origin: url.origin,
      onMessage: (message, before) => this.#onMessage(message, before),
    })
    this.#frame = frame
    this.#link = link
    if (Object.keys(this.#settings).length > 0) link.set({ ...this.#settings })
    for (const { resolve, reject } of this.#earlyPlays)
      link.ask('play').then(() => resolve(), reject)
    this.#earlyPlays = []
    if (this.preload === 'none') {
      this.#quiet()
      start()
    } else {
      const onPlay = (position: number | null) => this.#playFrom(position)
      this.#firstPicture = new FirstPicture({
        element: this,
        hasPoster: poster !== '',
        onPlay,
        onSettled: start,
      })
      this.#root.append(this.#firstPicture.layer)
    }
    this.#silence()
  }

  /** What is within the element plays nothing while there is a player. */
  #silence(): void {
    for (const media of this.querySelectorAll<HTMLMediaElement>('video, audio')) media.pause()
  }

  /** Nor does it load anything. */
  #quiet(): void {
    this.#silence()
    for (const video of this.querySelectorAll('video')) if (video.preload !== 'none') letGo(video)
  }

  /** @param position seconds, `null` for wherever the player begins */
  #playFrom(position: number | null): void {
    if (position !== null) this.#set({ currentTime: position })
    this.play().catch(() => undefined) // the player's own button stays
  }

  /** Stands for the player until somebody presses it. */
  #startButton(): HTMLButtonElement {
    const button = document.createElement('button')
    button.ariaLabel = `Play${this.ariaLabel || this.title ? `: ${this.ariaLabel || this.title}` : ''}`
    if (this.poster !== '') {
      const picture = document.createElement('img')
      picture.src = this.poster
      picture.alt = ''
      button.append(picture)
    }
    button.onclick = () => {
      const hadFocus = this.#root.activeElement === button
      this.play().catch(() => undefined) // the player's own button stays
      if (hadFocus) this.#frame?.focus()
    }
    return button
  }

  #expect(withinMs: number): void {
    clearTimeout(this.#patience)
    this.#patience = setTimeout(() => {
      if (this.#link?.isConnected) return
      const { host } = new URL(this.server)
      const message =
        `The player of ${host} does not answer: it is out of reach, or this site, ` +
        `${location.origin}, is not among those that may embed the title.`
      this.#fail(message)
    }, withinMs)
  }

  /** Shows what the page has for this case, or says what is wrong. */
  #fail(message: string): void {
    this.#giveBack()
    this.#unload()
    this.#error = { code: 'no_player', message }
    this.#abandonEarlyPlays()
    this.#showInstead(message)
    this.dispatchEvent(new Event('error'))
  }

  /** The page's own <video> is what it was again. */
  #giveBack(): void {
    this.#firstPicture?.giveBack()
    this.#firstPicture = null
  }

  #showInstead(message: string): void {
    if (this.childElementCount > 0) this.#root.replaceChildren(document.createElement('slot'))
    else {
      const sentence = document.createElement('p')
      sentence.role = 'alert'
      sentence.textContent = message
      this.#root.replaceChildren(sentence)
    }
  }

  #abandonEarlyPlays(): void {
    const reason = new DOMException('Playback was called off.', 'AbortError')
    for (const { reject } of this.#earlyPlays.splice(0)) reject(reason)
  }

  #onMessage(message: EmbedMessage, before: EmbedState): void {
    if (message.type === 'stats' && message.id === 0) {
      this.dispatchEvent(new CustomEvent('stats', { detail: message.stats }))
    } else if (message.type === 'connected') this.#onConnected(message)
    else if (message.type === 'state') {
      if (message.event !== null) this.dispatchEvent(new Event(message.event))
      if (before.videoWidth !== message.state.videoWidth) {
        this.#shape(message.state.videoWidth, message.state.videoHeight)
      }
    }
    if ('state' in message) this.#firstPicture?.follow(message.state)
  }

  #onConnected({ title, shape, state }: EmbedMessage & { readonly type: 'connected' }): void {
    clearTimeout(this.#patience)
    delete this.#settings.currentTime
    if (shape) this.#shape(...shape)
    if (title !== null && this.#frame && !this.ariaLabel && !this.title) this.#frame.title = title
    if (title === null && state.error !== null && this.childElementCount > 0) {
      // There is nothing to play; what the page has for this case may know better.
      this.#giveBack()
      this.#unload()
      this.#error = state.error
      this.#showInstead(state.error.message)
    }
    for (const name of eventsSoFar(state)) this.dispatchEvent(new Event(name))
  }

  #shape(width: number, height: number): void {
    if (width > 0 && height > 0) this.#rule.aspectRatio = `${width} / ${height}`
  }
}

function finite(value: number): number {
  const number = Number(value)
  if (Number.isFinite(number)) return number
  throw new TypeError(`A finite number is wanted, not ${value}.`)
}

/** What happened before anybody could listen, in the order of a <video>. */
function eventsSoFar(state: EmbedState): string[] {
  const { readyState, paused, volume, muted, error } = state
  return [
    ...(volume !== 1 || muted ? ['volumechange'] : []),
    ...(readyState > 0 ? ['durationchange', 'loadedmetadata'] : []),
    ...(paused ? [] : ['play']),
    ...(paused || readyState < 3 ? [] : ['playing']),
    ...(error ? ['error'] : []),
  ]
}
