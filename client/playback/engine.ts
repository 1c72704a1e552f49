// The playback engine: gives a `<video>` its one `src` and keeps bytes flowing to it, first over
// HTTP, then from the swarm as well. It owns the piece store, the origin fetcher, the readers and
// the swarm; every piece is in exactly one of four states: held, under way over HTTP, left to
// peers, or not wanted yet (of the one in which a head ends, its rest is). What to fetch is decided by
// origin-policy.ts alone. Longer than other files: it is where all parts of a playback meet, a third of
// it their wiring; what decides or keeps state by itself has a file of its own.
import { GUESSED_BYTES_PER_SECOND, lastPieceToStartWith } from '#protocol/early-request.ts'
import { bytesPerSecondOf, nameOfBytes } from '#protocol/media.ts'
import {
  type PieceIndex,
  type PieceLayout,
  pieceAt,
  pieceIndex,
  pieceLayout,
  piecesBetween,
} from '#protocol/pieces.ts'
import { webSeedPath } from '#protocol/stream.ts'
import { ownUrl } from '../remote/own-address.ts'
import { openOpfs } from '../storage/opfs-backing.ts'
import { type Bytes, PieceStore } from '../storage/piece-store.ts'
import { noteStored, wasStored } from '../storage/stored-titles.ts'
import { Introductions } from '../swarm/introductions.ts'
import { joinSwarm, preloadSwarm, type Swarm, webRtcWorks } from '../swarm/swarm.ts'
import { SwarmMembership } from '../swarm/swarm-membership.ts'
import { CalmClock } from './calm-clock.ts'
import { problemOfType } from './codec-support.ts'
import { DirectPlayback } from './direct-playback.ts'
import { dropEarlyResponse } from './early-response.ts'
import { Feed } from './feed.ts'
import { httpSenders } from './http-senders.ts'
import { lookAheadFor, type Standing } from './look-ahead.ts'
import { MeetingPatience } from './meeting-patience.ts'
import { OriginFetcher } from './origin.ts'
import { type Demand, decide, type PieceRange } from './origin-policy.ts'
import { pieceStates } from './piece-states.ts'
import { ENOUGH_SECONDS } from './play-gate.ts'
import { PlayHold } from './play-hold.ts'
import type {
  HttpReason,
  Playback,
  PlaybackDetails,
  PlaybackOptions,
  PlaybackPhase,
  PlaybackProblem,
  PlaybackSnapshot,
  PlaybackStats,
} from './playback.ts'
import { DELETED, presentedProblem, problemOfOrigin, problemOfVideo } from './problems.ts'
import { Prospects } from './prospects.ts'
import { type ByteRange, Reader } from './reader.ts'
import { isControlled, mayBeControlled, waitForServiceWorker } from './service-worker-client.ts'
import type { SharingDecision } from './sharing.ts'
import { StreamSource } from './stream-source.ts'
import { followTorrent } from './torrent-source.ts'
import { Uplink } from './uplink.ts'
import { Verification } from './verification.ts'
import { VideoWatch } from './video-watch.ts'

/** What an earlier visit left is worth waiting so long, on a busy machine, before it is fetched again. */
const RESTORE_WAIT_MS = 1000
const TICK_MS = 250
/** While bytes arrive, the policy looks at them so often. */
const BYTES_TICK_MS = 30
/** Piece files, torrent and swarm must not compete with the first frame, but for so long only. */
const FIRST_FRAME_WAIT_MS = 3000
/** With so much ahead, an outage is nothing that a viewer need know of. Seconds. */
const CARRIED_SECONDS = 4

/** Starts playback at once. The caller closes it. */
export function openPlayback(options: PlaybackOptions): Playback {
  return new Engine(options)
}

class Engine implements Playback {
  readonly #options: PlaybackOptions
  readonly #layout: PieceLayout
  readonly #seeds: readonly string[]
  readonly #store: PieceStore
  readonly #fetcher: OriginFetcher
  readonly #watch: VideoWatch
  readonly #source: StreamSource
  readonly #closing = new AbortController()
  readonly #listeners = new Set<() => void>()
  /** Open readers, the one that moved last first. */
  #readers: Reader[] = []
  /** The one that moved last: read-ahead goes on from there while there is none. */
  #lastReader: Demand | Reader
  readonly #feed: Feed
  /** Until it can go on and will last, where the first frame came so late that it may not. */
  readonly #hold: PlayHold | null
  readonly #calm = new CalmClock()
  /** With the other viewers, while it is held. */
  readonly #patience: MeetingPatience | null
  readonly #introductions: Introductions
  readonly #membership: SwarmMembership
  readonly #prospects: Prospects
  readonly #uplink = new Uplink()
  #torrentIsReal = false
  /** Why there will never be peers. */
  #noSwarm: HttpReason | null = null
  #swap: PlaybackStats['swap'] = null
  #originProblem: PlaybackProblem | null = null
  /** What the browser lacks for the title. */
  readonly #codecProblem: PlaybackProblem | null
  #problem: PlaybackProblem | null = null
  /** What the `<video>` said, when something was made of it. */
  #explained: MediaError | null = null
  #bytes = { placeholder: 0, origin: 0, wasted: 0 }
  /** Not `null` when the `<video>` plays a web seed itself, without the service worker. */
  #direct: DirectPlayback | null = null
  /** False until it is known what need not be fetched, and for good when the browser fetches. */
  #mayFetch = false
  readonly #verification: Verification
  /** The first frame shows, or is not worth waiting for any longer. */
  readonly #firstFrame = deferred()
  /** Somebody wants to watch: who only has the player before them gets the first frame. */
  readonly #wanted = deferred()
  #isWanted = false
  #tickQueued = false
  #tickTimer: ReturnType<typeof setTimeout> | undefined
  readonly #ticker: ReturnType<typeof setInterval>
  #snapshot: PlaybackSnapshot

  constructor(options: PlaybackOptions) {
    const { media, video } = options
    this.#options = options
    this.#layout = pieceLayout(media.size)
    const ownSeed = ownUrl(webSeedPath(media.id, media.revision, media.filename))
    this.#seeds = media.webSeeds.length > 0 ? media.webSeeds : [ownSeed]
    const title = nameOfBytes(media)
    const comesBack = wasStored(title)
    this.#codecProblem = problemOfType(media.type, (type) => video.canPlayType(type))
    const { head } = options
    this.#source = new StreamSource({
      media,
      video,
      head,
      openReader: (range) => this.#openReader(range),
    })
    this.#lastReader = { position: this.#source.headEnd, end: media.size, waiting: false }
    const now = () => performance.now()
    this.#watch = new VideoWatch(video, () => this.#onWatch(), now, head)
    const want = (): void => {
      this.#isWanted = true
      this.#wanted.resolve()
      this.#queueTick()
    }
    const begins = video.autoplay || !video.paused
    if (begins) want()
    else video.addEventListener('play', want, { once: true, signal: this.#closing.signal })
    const firstFrameWait = setTimeout(this.#firstFrame.resolve, FIRST_FRAME_WAIT_MS)
    this.#closing.signal.addEventListener('abort', () => clearTimeout(firstFrameWait))
    this.#store = new PieceStore(this.#layout, async () => {
      if (!comesBack) await this.#firstFrame.promise
      if (this.#direct) return null
      const opened = await openOpfs(title, this.#layout)
      if (opened) noteStored(title)
      return opened
    })
    this.#verification = new Verification({
      layout: this.#layout,
      store: this.#store,
      swarm: () => this.#swarm,
      onWasted: (count) => {
        this.#bytes.wasted += count
      },
      onOtherFile: () => this.#membership.fail(),
    })
    // A swarm that did not wait for them gets them late.
    void this.#store.restored.then(() => this.#verification.offerHeld())
    this.#store.subscribe(() => this.#wakeReaders())
    this.#store.onLost(() => this.#queueTick())
    this.#fetcher = new OriginFetcher({
      urls: this.#seeds,
      layout: this.#layout,
      headEnd: this.#source.headEnd,
      isHeld: (index) => this.#store.has(index),
      onBytes: (count) => this.#onBytes(count),
      onWasted: (count) => {
        this.#bytes.wasted += count
      },
      onPiece: (index, bytes) => {
        this.#verification.cameByHttp(index, bytes)
        this.#queueTick()
      },
      onTrouble: (trouble) => {
        this.#originProblem = problemOfOrigin(trouble)
      },
    })
    this.#feed = new Feed({
      layout: this.#layout,
      video,
      watch: this.#watch,
      store: this.#store,
      fetcher: this.#fetcher,
      calm: this.#calm,
      peersPace: () => this.#swarm?.peers().reduce((sum, { rate }) => sum + rate, 0) ?? 0,
      waitsForOthers: () => this.#waitsForOthers() > 0,
      bytesPerSecond: () => this.#bytesPerSecond(),
    })
    const isScant = head !== null && head.end < ENOUGH_SECONDS * this.#bytesPerSecond()
    const isHeld = isScant && head.end < media.size && begins
    this.#hold = isHeld ? new PlayHold(video) : null
    this.#patience = isHeld ? new MeetingPatience(this.#layout) : null
    if (head) this.#feed.beganWithout(this.#lastReader, isHeld)
    this.#introductions = new Introductions({
      announceUrls: [ownUrl('/announce').replace(/^http/, 'ws')],
      iceServers: options.iceServers,
      left: () => this.#layout.size * (1 - this.#store.count / this.#layout.count),
    })
    this.#membership = new SwarmMembership({
      sharing: options.sharing,
      join: (request) =>
        joinSwarm({
          ...request,
          layout: this.#layout,
          store: this.#store,
          peerId: this.#introductions.peerId,
          meet: (infoHash, take) => this.#introductions.adopt(infoHash, take),
          onChange: () => this.#tickWithin(BYTES_TICK_MS),
          onSpoiled: (index) => this.#fetcher.spoiled(index),
        }),
      onJoined: (swarm) => {
        this.#onJoined(swarm).catch(() => this.#membership.fail())
      },
      onLeft: () => this.#introductions.stop(),
      onFailed: () => this.#stayWithHttp('swarm-failed'),
    })
    this.#prospects = new Prospects({
      introductions: this.#introductions,
      isJoined: () => this.#swarm !== null,
    })
    this.#ticker = setInterval(() => {
      if (this.#feed.isKeeping) this.#wakeReaders() // time may have changed what they are allowed
      const plays = !this.#direct && !this.#isHeld
      if (plays) this.#source.releaseIfScarce(this.#watch.bufferedSeconds())
      this.#tick()
      this.#publish()
    }, TICK_MS)
    video.addEventListener('error', () => void this.#explainVideoError(), {
      signal: this.#closing.signal,
    })
    const httpReason = this.#httpReason
    const isGathering = this.#isGathering
    this.#snapshot = { stats: this.stats(), isGathering, httpReason, tracker: null, problem: null }
    this.#start(comesBack)
    if (this.#watch.firstFrameMs !== null) this.#onWatch()
    if (video.error) void this.#explainVideoError() // before anybody listened
  }

  #onWatch(): void {
    if (this.#watch.firstFrameMs !== null) {
      this.#firstFrame.resolve()
      this.#calm.close()
    }
    this.#queueTick()
  }

  stats(): PlaybackStats {
    const { totals } = this.#membership
    return {
      phase: this.#phase,
      firstFrameMs: this.#watch.firstFrameMs,
      swap: this.#swap,
      stalls: this.#watch.stalls,
      stalledMs: this.#watch.stalledMs,
      bytes: {
        placeholder: this.#bytes.placeholder,
        origin: this.#bytes.origin,
        peers: totals.received,
        uploaded: totals.uploaded,
        wasted: this.#bytes.wasted + totals.wasted + this.#store.refetchedBytes,
      },
      peers: this.#swarm?.peers().length ?? 0,
      pieces: { have: this.#store.count, total: this.#layout.count },
    }
  }

  details(): PlaybackDetails {
    const swarm = this.#swarm
    const fromPeers = swarm?.arriving()
    const pieces = pieceStates({
      layout: this.#layout,
      has: (index) => this.#store.has(index),
      cameNow: (index) => this.#store.cameNow(index),
      cameByHttp: (index) => this.#verification.isByHttp(index),
      isArriving: (index) => this.#fetcher.isFetching(index) || (fromPeers?.has(index) ?? false),
      isVerified: (index) => swarm?.isVerified(index) ?? false,
    })
    return {
      pieces: this.#direct ? null : pieces,
      peers: swarm?.shares() ?? [],
      bufferedSeconds: this.#watch.bufferedSeconds(),
      http: {
        rate: this.#fetcher.rate,
        latencyMs: this.#fetcher.latencyMs,
        from: httpSenders((this.#direct ?? this.#fetcher).bytesFrom, location.origin),
      },
    }
  }

  subscribe(onChange: () => void): () => void {
    this.#listeners.add(onChange)
    return () => this.#listeners.delete(onChange)
  }

  getSnapshot(): PlaybackSnapshot {
    return this.#snapshot
  }

  setSharing(sharing: SharingDecision): void {
    this.#membership.setSharing(sharing)
    this.#tick()
    this.#publish()
  }

  get #swarm(): Swarm | null {
    return this.#membership.swarm
  }

  get #isHeld(): boolean {
    return this.#hold?.isOver === false
  }

  get #isGathering(): boolean {
    return this.#isHeld && this.#hold?.isPaused === false && this.#watch.firstFrameMs !== null
  }

  get #httpReason(): HttpReason | null {
    const { sharing } = this.#membership
    return this.#noSwarm ?? (sharing.peers ? null : sharing.because)
  }

  get #phase(): PlaybackPhase {
    if (this.#httpReason !== null) return 'http'
    return this.#swarm ? 'swarm' : 'placeholder'
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#closing.abort()
    clearInterval(this.#ticker)
    clearTimeout(this.#tickTimer)
    this.#listeners.clear()
    this.#watch.close()
    this.#calm.close()
    this.#patience?.close()
    this.#hold?.cancel()
    this.#options.video.removeAttribute('src')
    this.#options.video.load()
    this.#source.close()
    dropEarlyResponse()
    this.#fetcher.close()
    await this.#membership.close()
    this.#store.close()
  }

  /** Sets the source at once where that is possible, so that a `play()` right after it holds. */
  #start(comesBack: boolean): void {
    if (this.#codecProblem?.playsOn === false) return // every byte would be for nothing
    if (!mayBeControlled()) {
      this.#playDirectly()
      return
    }
    this.#meetEarly()
    if (!comesBack) this.#startFetching()
    else void this.#store.restoredWithin(RESTORE_WAIT_MS).then(() => this.#startFetching())
    const go = (controlled: boolean): void => {
      if (this.#closing.signal.aborted) return
      if (controlled) this.#playStream()
      else this.#playDirectly()
    }
    if (isControlled()) go(true)
    else void waitForServiceWorker().then(go)
  }

  #startFetching(): void {
    if (this.#direct) return
    this.#mayFetch = true
    const first = pieceIndex(this.#layout, 0)
    // Here by the time that the worker asks, and in one request: each costs as much as a piece.
    if (this.#source.headEnd === 0 && !this.#store.has(first)) {
      this.#fetcher.start(first, this.#lastToStartWith())
    }
    this.#queueTick()
  }

  /** The last of the pieces in a row that the decoder needs for the first frame. */
  #lastToStartWith(): PieceIndex {
    const last = lastPieceToStartWith(this.#layout, this.#bytesPerSecond())
    const wanted = [...piecesBetween(pieceIndex(this.#layout, 0), last)]
    return wanted[wanted.findIndex((index) => this.#store.has(index)) - 1] ?? last
  }

  /** The browser fetches by itself; what has come of the first piece came for nothing. */
  #playDirectly(): void {
    this.#stayWithHttp('no-service-worker')
    this.#introductions.stop()
    this.#mayFetch = false
    dropEarlyResponse()
    this.#fetcher.close()
    this.#bytes.placeholder += this.#source.headEnd
    this.#bytes.wasted = this.#bytes.placeholder
    this.#hold?.release()
    this.#direct = new DirectPlayback(this.#options.video, this.#seeds)
  }

  /** What the server has given the `<video>` is taken into the store, once it is all there. */
  async #takeHead(): Promise<void> {
    const end = this.#source.headEnd
    if (end === 0) return
    await this.#firstFrame.promise
    const { signal } = this.#closing
    const head = await this.#source.readHead(signal)
    if (signal.aborted || this.#source.headEnd === 0) return
    if (head) {
      this.#fetcher.take(head.url, head.bytes)
      this.#offerBeginning()
    } else {
      this.#bytes.placeholder += end // it came, if not to us
      this.#fetcher.loseHead()
    }
  }

  /** Of the piece in which the head ends, peers shall bring the rest alone. */
  #offerBeginning(): void {
    const { beginning } = this.#fetcher
    if (beginning) this.#swarm?.begin(beginning.index, beginning.bytes)
  }

  /** The server could not give the head: the page fetches it, which tries more often and elsewhere. */
  #startWithoutHead(): void {
    this.#lastReader = { position: 0, end: this.#layout.size, waiting: false }
    this.#fetcher.loseHead()
    this.#hold?.release()
    this.#startFetching()
    if (isControlled()) this.#source.open()
  }

  #playStream(): void {
    const { media, video } = this.#options
    this.#source.open()
    void this.#takeHead()
    void Promise.all([this.#firstFrame.promise, this.#wanted.promise]).then(() => {
      if (this.#closing.signal.aborted) return
      if (!webRtcWorks()) this.#stayWithHttp('no-webrtc')
      else if (this.#meetViewers()) preloadSwarm()
      followTorrent({
        media,
        video,
        signal: this.#closing.signal,
        onReal: (metainfo) => {
          this.#torrentIsReal = true
          if (this.#noSwarm === null) this.#membership.torrentFound(metainfo)
        },
        onP2p: this.#options.onP2p,
        onDeleted: () => {
          this.#problem = DELETED
        },
      })
    })
  }

  /** Decoding takes a while, as connecting does, and so may the worker. */
  #meetEarly(): void {
    const { video } = this.#options
    const meet = (): void => {
      if (this.#noSwarm === null && this.#isWanted && webRtcWorks()) this.#meetViewers()
    }
    if (video.readyState >= HTMLMediaElement.HAVE_METADATA) meet()
    else {
      const options = { once: true, signal: this.#closing.signal }
      video.addEventListener('loadedmetadata', meet, options)
    }
  }

  /**
   * Who knows the other viewers early fetches little that they fetch as well.
   * @returns whether there is a swarm to join
   */
  #meetViewers(): boolean {
    const { media } = this.#options
    if (media.state !== 'ready' || !this.#membership.sharing.peers) return false
    this.#introductions.begin(media.infoHash)
    return true
  }

  async #onJoined(swarm: Swarm): Promise<void> {
    this.#prospects.joined()
    this.#swap = { readyMs: swarm.readyMs, piecesReused: swarm.piecesReused }
    this.#offerBeginning()
    await this.#verification.offerHeld()
    this.#tick()
  }

  #stayWithHttp(reason: HttpReason): void {
    this.#noSwarm = reason
  }

  #openReader(range: ByteRange): Reader {
    const reader = new Reader(
      {
        layout: this.#layout,
        store: this.#store,
        fetcher: this.#fetcher,
        onReader: (moved) => this.#onReader(moved),
        allow: (asking, bytes) => this.#allow(asking, bytes),
      },
      range,
    )
    this.#onReader(reader)
    return reader
  }

  #allow(reader: Reader, bytes: Bytes): number {
    const allowed = this.#feed.allow(reader, bytes)
    this.#releaseHold()
    return allowed
  }

  /** Once it can go on and there is enough for it to last, or the viewer went elsewhere. */
  #releaseHold(): void {
    if (!this.#isHeld) return
    const mayBegin = this.#feed.mayBegin(this.#lastReader, this.#source.wasRead)
    if (this.#watch.seeks > 0 || mayBegin) this.#hold?.release()
  }

  #onReader(reader: Reader): void {
    const isKnown = this.#readers.includes(reader)
    const others = this.#readers.filter((other) => other !== reader)
    this.#readers = reader.closed ? others : [reader, ...others]
    this.#lastReader = this.#readers[0] ?? reader
    const { position } = this.#lastReader
    this.#store.focusOn(pieceAt(this.#layout, Math.min(position, this.#layout.size - 1)))
    if (isKnown && !reader.closed) this.#tickWithin(BYTES_TICK_MS)
    else this.#queueTick() // a seek: what is wanted is elsewhere
  }

  #wakeReaders(): void {
    for (const reader of this.#readers) reader.wake()
  }

  #onBytes(count: number): void {
    if (this.#swap) this.#bytes.origin += count
    else this.#bytes.placeholder += count
    this.#wakeReaders()
    this.#tickWithin(BYTES_TICK_MS)
  }

  #queueTick(): void {
    if (this.#tickQueued) return
    this.#tickQueued = true
    queueMicrotask(() => {
      this.#tickQueued = false
      this.#tick()
    })
  }

  #tickWithin(ms: number): void {
    this.#tickTimer ??= setTimeout(() => {
      this.#tickTimer = undefined
      this.#tick()
    }, ms)
  }

  #tick(): void {
    if (this.#closing.signal.aborted) return
    this.#releaseHold()
    if (!this.#mayFetch || !this.#options.video.src) return
    // On a slow line there is no better use for the time than to look for peers.
    if (this.#feed.isSlow) this.#firstFrame.resolve()
    const swarm = this.#swarm
    const arriving = swarm?.arriving()
    const sends = this.#sends()
    const bytesPerSecond = this.#bytesPerSecond() * this.#watch.speed
    const leads = this.#leads(bytesPerSecond)
    const peers = (swarm?.peers() ?? []).filter(({ isKnown }) => isKnown)
    const queued = swarm?.queued()
    const { others } = this.#prospects
    const waitsForOthers = this.#waitsForOthers()
    const decision = decide({
      layout: this.#layout,
      has: (index) => this.#store.has(index),
      isFetching: (index) => this.#fetcher.isFetching(index),
      demands: this.#readers.length > 0 ? this.#readers : [this.#lastReader],
      bufferedSeconds: this.#bufferedSeconds(),
      waits: Math.max(this.#feed.waits, waitsForOthers),
      bytesPerSecond,
      spans: this.#fetcher.spans,
      originRate: this.#fetcher.rate,
      originLatencyMs: this.#fetcher.latencyMs,
      peerSeconds: swarm?.peerSeconds ?? 0.5,
      originIsDown: this.#fetcher.isDown,
      spanPieces: this.#fetcher.spanPieces,
      ownId: this.#introductions.peerId,
      sends,
      leads,
      peers,
      expected: this.#prospects.expectedBesides(peers),
      // As long as the tracker has not answered there may be somebody.
      strangers: waitsForOthers > 0 && others === 0 ? 1 : this.#prospects.strangers,
      missing: (index) => (arriving?.has(index) ? (swarm?.missing(index) ?? null) : null),
      queued: (index) => queued?.get(index) ?? 0,
      settings: lookAheadFor(this.#standing()),
    })
    const decidedAt = performance.now()
    // Peers would bring what the head has as well.
    const { awaited } = this.#fetcher
    const fromPeers = awaited === null ? decision.fromPeers : without(decision.fromPeers, awaited)
    swarm?.steer(fromPeers, (piece, bytes, rate) => {
      const age = (performance.now() - decidedAt) / 1000
      return decision.mayAsk(pieceIndex(this.#layout, piece), { queued: bytes, rate, age })
    })
    for (const { first, last } of decision.fromOrigin) {
      if (!this.#fetcher.start(first, last)) continue
      for (const index of piecesBetween(first, last)) swarm?.release(index)
    }
    swarm?.tell({
      sends,
      leads,
      wants: decision.wanted,
      spans: this.#fetcher.intents(),
    })
  }

  /** Seconds for which a film that is held waits for what others may bring. */
  #waitsForOthers(): number {
    if (!this.#isHeld) this.#patience?.close()
    if (!this.#isHeld || !this.#patience) return 0
    const { state } = this.#options.media
    return this.#patience.left({
      isSought: this.#httpReason === null && state === 'ready' && this.#isWanted,
      tracker: this.#introductions.report,
      atStart: this.#options.viewers,
      others: this.#prospects.others,
      peers: this.#swarm?.peers().length ?? 0,
      canGoOn: this.#source.wasRead,
    })
  }

  /** How fast the line is, and so whether what is held will last, only a fetch can tell. */
  #bufferedSeconds(): number {
    const isUntold = this.#isHeld && this.#fetcher.pace === 0
    return isUntold ? 0 : this.#feed.bufferedSeconds(this.#lastReader) / this.#watch.speed
  }

  #sends(): boolean {
    const { sharing } = this.#membership
    return sharing.peers && (this.#swarm?.maySend ?? sharing.upload.bytesLeft !== 0)
  }

  #leads(bytesPerSecond: number): boolean {
    const now = performance.now()
    const { sharing, totals } = this.#membership
    this.#uplink.look(totals.uploaded, this.#introductions.waitsToSend, now)
    const limit = sharing.peers ? sharing.upload.bytesPerSecond : null
    return this.#uplink.leads(bytesPerSecond, limit, now)
  }

  #stage(): Standing['stage'] {
    if (!this.#isWanted) return this.#watch.hasFrame ? 'resting' : 'starting'
    return this.#watch.firstFrameMs !== null || this.#feed.isSlow ? 'watching' : 'starting'
  }

  #standing(): Standing {
    const { joinedSeconds, others } = this.#prospects
    const hasTorrent = this.#torrentIsReal || this.#options.media.state === 'ready'
    return {
      stage: this.#stage(),
      swarm: this.#prospects.swarm(this.#httpReason, hasTorrent),
      joinedSeconds,
      others,
      isPressed: this.#store.isPressed,
    }
  }

  #bytesPerSecond(): number {
    const duration = this.#options.media.duration ?? this.#options.video.duration
    return bytesPerSecondOf(this.#layout.size, duration) ?? GUESSED_BYTES_PER_SECOND
  }

  async #explainVideoError(): Promise<void> {
    const { error } = this.#options.video
    if (error === null || error === this.#explained) return // of a source that was given up
    this.#explained = error
    if (this.#direct?.turnToNext()) return
    if (!this.#direct && this.#source.giveUpHead()) {
      this.#startWithoutHead()
      return
    }
    const { video, media } = this.#options
    const problem = await problemOfVideo(video, media, this.#seeds)
    this.#problem ??= problem
  }

  /** Nobody need know of an outage that peers, or what is held, carry playback over. */
  #presentProblem(): PlaybackProblem | null {
    const isCarriedOver =
      this.#watch.bufferedSeconds() > CARRIED_SECONDS ||
      !this.#readers.some(({ waiting }) => waiting)
    return presentedProblem({
      ending: this.#problem,
      origin: this.#originProblem,
      codec: this.#codecProblem,
      isCarriedOver,
      hasPeers: (this.#swarm?.peers().length ?? 0) > 0,
      playsOn: isCarriedOver && !this.#direct && this.#options.video.error === null,
    })
  }

  #publish(): void {
    const snapshot = {
      stats: this.stats(),
      isGathering: this.#isGathering,
      httpReason: this.#httpReason,
      tracker: this.#introductions.report,
      problem: this.#presentProblem(),
    }
    if (JSON.stringify(snapshot) === JSON.stringify(this.#snapshot)) return
    this.#snapshot = snapshot
    for (const listener of this.#listeners) listener()
  }
}

/** @returns the ranges, in their order, without that piece */
function without(ranges: readonly PieceRange[], index: PieceIndex): PieceRange[] {
  const parts = ranges.flatMap(({ first, last }) =>
    first <= index && index <= last
      ? [
          { first, last: (index - 1) as PieceIndex },
          { first: (index + 1) as PieceIndex, last },
        ]
      : [{ first, last }],
  )
  return parts.filter(({ first, last }) => first <= last)
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {}
  const promise = new Promise<void>((fulfil) => {
    resolve = fulfil
  })
  return { promise, resolve }
}
