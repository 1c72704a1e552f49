// Types of embed.js, which defines <slipstream-player>: put this file beside your own sources. The
// player itself is checked against it, so that the two say the same. See docs/embedding.md.

/** What the player fetched and from where. Bytes are payload bytes. */
export interface SlipstreamStats {
  /** `placeholder`: over HTTP, before the torrent is there. `swarm`: with peers. `http`: without. */
  phase: 'placeholder' | 'swarm' | 'http'
  /** Milliseconds to the first frame, `null` before it. */
  firstFrameMs: number | null
  /** How long the swap to the swarm took, and the pieces that were kept; `null` before it. */
  swap: { readyMs: number; piecesReused: number } | null
  /** Times that playback waited for data, and for how long. */
  stalls: number
  stalledMs: number
  bytes: {
    /** Over HTTP before the swap, and after it. */
    placeholder: number
    origin: number
    /** From other viewers, and to them. */
    peers: number
    uploaded: number
    /** Fetched twice, or failed verification. */
    wasted: number
  }
  /** Connected viewers. */
  peers: number
  pieces: { have: number; total: number }
}

/** Why the player cannot play. */
export interface SlipstreamPlayerError {
  /**
   * `no_player`: the frame did not answer, because this site may not embed the title or the server is
   * out of reach. `not_found`, `source_not_allowed`, `source_unreachable` and on: codes of the
   * server's HTTP interface. `deleted`, `changed` (the file is another now), `unsupported`, `network`,
   * `internal`: playback broke off.
   */
  readonly code: string
  /** One sentence for a person. */
  readonly message: string
}

/** Events of the player; those with a name that `<video>` has are fired when it fires them. */
export interface SlipstreamPlayerEventMap {
  loadedmetadata: Event
  durationchange: Event
  play: Event
  playing: Event
  pause: Event
  waiting: Event
  timeupdate: Event
  seeking: Event
  seeked: Event
  volumechange: Event
  ratechange: Event
  ended: Event
  /** `error` of the element says why. */
  error: Event
  /** About once a second while a title is loaded. */
  stats: CustomEvent<SlipstreamStats>
}

/** `<slipstream-player>`: a player in a frame, used like a `<video>`. */
export interface SlipstreamPlayerElement extends HTMLElement {
  /** Id of a title of the server; wins over `src`. */
  media: string
  /** URL of a media file at an origin that the server's administrator allows. */
  src: string
  /** Base address of the server; that of embed.js when it is not set. */
  server: string
  /** Starts by itself, where the browser allows it. */
  autoplay: boolean
  loop: boolean
  /** The player's own controls; on unless the attribute is `false`. */
  controls: boolean
  /** URL of a still picture. */
  poster: string
  /** With `none` nothing is loaded before somebody presses play. */
  preload: string
  /** `lazy`: the frame is loaded when the visitor comes near it. */
  loading: string
  /** Seconds. */
  currentTime: number
  /** 0 to 1. */
  volume: number
  muted: boolean
  /** 1 is normal. */
  playbackRate: number
  /** Seconds, `NaN` while they are not known. */
  readonly duration: number
  readonly paused: boolean
  readonly ended: boolean
  readonly seeking: boolean
  /** As of `<video>`: 0 nothing … 4 enough data. */
  readonly readyState: number
  readonly buffered: TimeRanges
  /** Pixels, 0 before they are known. */
  readonly videoWidth: number
  readonly videoHeight: number
  /** `null` while all is well. */
  readonly error: SlipstreamPlayerError | null
  /** Rejects as that of a `<video>`: `NotAllowedError` when the browser wants a gesture first. */
  play(): Promise<void>
  pause(): void
  /** Numbers as they are now; rejects when no title is loaded any more. */
  stats(): Promise<SlipstreamStats>

  addEventListener<Name extends keyof SlipstreamPlayerEventMap>(
    type: Name,
    listener: (this: SlipstreamPlayerElement, event: SlipstreamPlayerEventMap[Name]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void
  removeEventListener<Name extends keyof SlipstreamPlayerEventMap>(
    type: Name,
    listener: (this: SlipstreamPlayerElement, event: SlipstreamPlayerEventMap[Name]) => unknown,
    options?: boolean | EventListenerOptions,
  ): void
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void
}

declare global {
  interface HTMLElementTagNameMap {
    'slipstream-player': SlipstreamPlayerElement
  }
}
