// A watch session: the one <video> of a page and the playback that feeds it. It is opened before
// React is mounted (main.ts) or by a route, whichever comes first; a route adopts it by `hold` and
// lets go on leaving, and then it is closed. There is at most one at a time. `window.slipstream`
// answers for the present one, and "nothing yet" while there is none.
import type { EmbedSettings } from '#protocol/embed.ts'
import { type MediaRecord, mediaRecordSchema } from '#protocol/media.ts'
import { getBoot, iceServersOf } from '../app/boot.ts'
import { openPlayback } from '../playback/engine.ts'
import {
  dropStartedVideo,
  type HeadStart,
  startHead,
  takeStartedVideo,
} from '../playback/head-start.ts'
import type {
  Playback,
  PlaybackDetails,
  PlaybackSnapshot,
  PlaybackStats,
} from '../playback/playback.ts'
import type { SharingDecision } from '../playback/sharing.ts'
import { requestJson } from '../remote/request.ts'
import { removeStage, showEarly, showStarted } from './early-video.ts'
import { type EmbedParameters, embedParameters, USUAL_PARAMETERS } from './embed-parameters.ts'
import { followMediaSession } from './media-session.ts'
import { type SharingControl, sharingControl } from './sharing-control.ts'
import { type RememberedViewing, rememberViewing, ViewingMemory } from './viewing-memory.ts'

declare global {
  interface Window {
    /** On watch and embed pages: what programs may ask of the playback, at any time. */
    slipstream: { stats(): PlaybackStats }
  }
}

const NOTHING_YET: PlaybackStats = {
  phase: 'placeholder',
  firstFrameMs: null,
  swap: null,
  stalls: 0,
  stalledMs: 0,
  bytes: { placeholder: 0, origin: 0, peers: 0, uploaded: 0, wasted: 0 },
  peers: 0,
  pieces: { have: 0, total: 0 },
}

/** Defines `window.slipstream`: before anything that may take time or fail. */
export function exposeStatistics(): void {
  window.slipstream = { stats: () => current?.session.stats() ?? NOTHING_YET }
}

export type WatchOptions = EmbedParameters

/**
 * A watch page plays at once; an embedded player only when its address says `?autoplay`. Neither does
 * where the viewer wants no motion.
 */
export function watchOptions(page: 'watch' | 'embed'): WatchOptions {
  const options =
    page === 'watch' ? { ...USUAL_PARAMETERS, autoplay: true } : embedParameters(location.search)
  const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches
  return isStill ? { ...options, autoplay: false } : options
}

/** Whether a title may be shared as soon as it plays. */
export function mayShareSoon({ state, p2p }: MediaRecord): boolean {
  return state === 'ready' && sharingControl(getBoot().settings.p2pDefault).decide(p2p).peers
}

export class WatchSession {
  readonly media: MediaRecord
  /** Lives as long as the session; the player puts it into the page. */
  readonly video: HTMLVideoElement
  /** What the viewer says of sharing. */
  readonly sharing: SharingControl
  /** Where the viewer left the title on an earlier visit and goes on, in seconds, or `null`. */
  readonly resumedAt: number | null
  #controls: boolean
  readonly #viewing: RememberedViewing
  readonly #stopMediaSession: () => void
  /** What the publisher says of sharing at present. */
  #p2p: MediaRecord['p2p']
  #decision: SharingDecision
  /** Why the tracker refuses us, since the publisher was asked. */
  #refusal: string | null = null
  /** Of the first playback, when it was started before. */
  #head: HeadStart | null
  #playback: Playback
  #stopCounting: () => void
  #unsubscribe: () => void
  #closed = false
  #retrying: Promise<void> | null = null
  readonly #listeners = new Set<() => void>()

  constructor(media: MediaRecord, options: WatchOptions) {
    this.media = media
    const started = takeStartedVideo(media)
    this.#head = started?.head ?? null
    this.video = started?.video ?? document.createElement('video')
    this.video.playsInline = true
    this.video.preload = 'auto'
    this.video.autoplay = options.autoplay
    this.video.slot = 'media'
    this.video.ariaLabel = media.title
    this.video.loop = options.loop
    const poster = options.poster ?? media.poster
    if (poster !== null) this.video.poster = poster
    this.#controls = options.controls
    this.#viewing = rememberViewing(this.video, media, options.startAt)
    if (options.muted) this.#viewing.impose({ muted: true })
    this.resumedAt = this.#viewing.resumedAt
    this.#stopMediaSession = followMediaSession(this.video, media)
    this.sharing = sharingControl(getBoot().settings.p2pDefault)
    this.#p2p = media.p2p
    this.#decision = this.decide()
    this.#playback = this.#open()
    this.#stopCounting = this.sharing.count(() => this.#playback.stats().bytes.uploaded)
    this.#unsubscribe = this.#follow()
    // Autoplay comes with the first data, which are here already.
    const hasPassed = this.video.readyState === HTMLMediaElement.HAVE_ENOUGH_DATA
    if (started && hasPassed && options.autoplay) this.video.play().catch(() => undefined)
  }

  readonly stats = (): PlaybackStats => this.#playback.stats()

  details(): PlaybackDetails {
    return this.#playback.details()
  }

  /** For `useSyncExternalStore`. @returns the function that ends the subscription */
  readonly subscribe = (onChange: () => void): (() => void) => {
    this.#listeners.add(onChange)
    return () => this.#listeners.delete(onChange)
  }

  readonly getSnapshot = (): PlaybackSnapshot => this.#playback.getSnapshot()

  /** Whether the player shows its controls. */
  readonly getControls = (): boolean => this.#controls

  /** Sets what the page around an embedded player wants; not remembered as the viewer's choice. */
  impose({ currentTime, volume, muted, playbackRate, loop, controls }: EmbedSettings): void {
    this.#viewing.impose({
      ...(volume !== undefined && { volume }),
      ...(muted !== undefined && { muted }),
      ...(playbackRate !== undefined && { rate: playbackRate }),
    })
    if (currentTime !== undefined) this.video.currentTime = currentTime
    if (loop !== undefined) this.video.loop = loop
    if (controls !== undefined) this.#controls = controls
    this.#notify()
  }

  /** What may pass between viewers at present; another object with every change. */
  readonly getSharing = (): SharingDecision => this.#decision

  /** The same, asked anew: a limit may have been reached since the last change. */
  decide(): SharingDecision {
    return this.sharing.decide(this.#p2p)
  }

  /** Starts over after a problem, at the second where playback stopped. Twice is once. */
  retry(): Promise<void> {
    this.#retrying ??= this.#startOver().finally(() => {
      this.#retrying = null
    })
    return this.#retrying
  }

  async #startOver(): Promise<void> {
    if (this.#closed) return
    const position = this.video.currentTime
    this.#unsubscribe()
    this.#stopCounting()
    await this.#playback.close()
    if (this.#closed) return // left meanwhile
    this.#decision = this.decide()
    this.#playback = this.#open()
    this.#stopCounting = this.sharing.count(() => this.#playback.stats().bytes.uploaded)
    this.#unsubscribe = this.#follow()
    if (position > 0) this.video.currentTime = position
    this.#notify()
    // Refused without a gesture, and superseded when the source changes: the button stays. Not
    // waited for: without a connection it takes as long as that is away.
    this.video.play().catch(() => undefined)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#viewing.stop()
    this.#stopMediaSession()
    this.#unsubscribe()
    this.#stopCounting()
    this.#listeners.clear()
    this.video.remove()
    removeStage()
    await this.#playback.close()
  }

  #open(): Playback {
    const { media, video } = this
    const boot = getBoot()
    const viewers = boot.media?.id === media.id ? boot.viewers : 0
    const iceServers = iceServersOf(boot)
    const head = this.#head
    this.#head = null
    return openPlayback({
      media,
      video,
      head,
      iceServers,
      viewers,
      sharing: this.#decision,
      onP2p: (p2p) => this.#publisherSays(p2p),
    })
  }

  /** @returns the function that ends it */
  #follow(): () => void {
    const endings = [
      this.#playback.subscribe(() => {
        this.#followTracker()
        this.#notify()
      }),
      this.sharing.subscribe(this.#decideAnew),
    ]
    return () => {
      for (const end of endings) end()
    }
  }

  readonly #decideAnew = (): void => {
    this.#decision = this.decide()
    this.#playback.setSharing(this.#decision)
    this.#notify()
  }

  #publisherSays(p2p: MediaRecord['p2p']): void {
    const isKnown = JSON.stringify(p2p) === JSON.stringify(this.#p2p)
    if (isKnown || this.#closed) return
    this.#p2p = p2p
    this.#decideAnew()
  }

  /** A page that is paused or hidden hears no events; that it is refused tells it to ask. */
  #followTracker(): void {
    const { tracker } = this.#playback.getSnapshot()
    const refusal = tracker?.kind === 'refuses' ? tracker.reason : null
    if (refusal === this.#refusal) return
    this.#refusal = refusal
    if (refusal === null) return
    requestJson(`/api/media/${this.media.id}`, mediaRecordSchema).then(
      ({ p2p }) => this.#publisherSays(p2p),
      () => undefined, // the title was deleted, or the tracker is soon out of reach as well
    )
  }

  readonly #notify = (): void => {
    for (const listener of this.#listeners) listener()
  }
}

/** A press on a title is followed by its page within that time, or by none. */
const ADOPTION_MS = 5_000

/** Presses on titles so far. */
let presses = 0
/** Lets go of the session of the last press, unless that was done. */
let endPress = (): void => {}

/**
 * Starts playback with the press on a title, ahead of the page that will show it.
 * @returns when that page may take its share of the processor; false when it shall not come,
 *   because a title, this one or another, was pressed again or another page was opened meanwhile
 */
export async function startWatching(media: MediaRecord): Promise<boolean> {
  presses += 1
  const press = presses
  const page = location.pathname
  if (isOpen(media) || new ViewingMemory().position(media) !== null) dropStartedVideo()
  else startHead(media)
  await showStarted(media)
  if (press !== presses) return false
  const session = openWatchSession(media, watchOptions('watch'))
  endPress()
  const letGo = hold(session)
  const adoption = setTimeout(() => endPress(), ADOPTION_MS)
  endPress = () => {
    endPress = () => {}
    clearTimeout(adoption)
    letGo()
  }
  await showEarly(session.video, media, 'watch')
  if (press !== presses) return false
  if (location.pathname === page) return current?.session === session
  endPress()
  return false
}

let current: { session: WatchSession; holders: number } | null = null

function isOpen({ id, revision }: MediaRecord): boolean {
  const open = current?.session.media
  return open?.id === id && open.revision === revision
}

/**
 * @returns the session of this title: the one that is open, or a new one. The session of another
 *   title is closed.
 */
export function openWatchSession(media: MediaRecord, options: WatchOptions): WatchSession {
  if (current !== null) {
    if (isOpen(media)) return current.session
    void current.session.close()
  }
  const session = new WatchSession(media, options)
  current = { session, holders: 0 }
  return session
}

/**
 * Keeps the session open while a page shows it.
 * @returns the function that lets go; the session is closed once nobody has held it for a moment
 */
export function holdWatchSession(session: WatchSession): () => void {
  const letGo = hold(session)
  endPress() // its page is there
  return letGo
}

function hold(session: WatchSession): () => void {
  if (current?.session === session) current.holders += 1
  return () => {
    if (current?.session !== session) return
    current.holders -= 1
    // A page that is only re-mounted (hot reload) takes it back in the same turn.
    queueMicrotask(() => {
      if (current?.session !== session || current.holders > 0) return
      current = null
      void session.close()
    })
  }
}
