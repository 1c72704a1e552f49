// The contract of the playback engine: what the pages and `window.slipstream` see of it.
// The engine itself is made by `openPlayback` (engine.ts); whoever opened it closes it.
import type { MediaRecord } from '#protocol/media.ts'
import type { HeadStart } from './head-start.ts'
import type { NoPeersReason, SharingDecision } from './sharing.ts'

/**
 * `placeholder`: HTTP through the service worker, the real torrent is not there yet. `swarm`: in
 * the WebTorrent swarm. `http`: plain HTTP, for good (no service worker, no WebRTC, a swarm that broke
 * down) or for as long as there shall be no peers.
 */
export type PlaybackPhase = 'placeholder' | 'swarm' | 'http'

/** The answer of `window.slipstream.stats()`. Bytes are payload bytes. */
export interface PlaybackStats {
  readonly phase: PlaybackPhase
  /** From `openPlayback` to the first frame shown (audio: first data), or `null` before it. */
  readonly firstFrameMs: number | null
  /** How long the swap took, and how many pieces fetched before it were kept; `null` before it. */
  readonly swap: { readonly readyMs: number; readonly piecesReused: number } | null
  /** Times that playback waited for data after the first frame. */
  readonly stalls: number
  readonly stalledMs: number
  readonly bytes: {
    /** Over HTTP before the swap. */
    readonly placeholder: number
    /** Over HTTP after the swap. */
    readonly origin: number
    readonly peers: number
    readonly uploaded: number
    /** Fetched twice, or failed verification. */
    readonly wasted: number
  }
  /** Connected peers. */
  readonly peers: number
  readonly pieces: { readonly have: number; readonly total: number }
}

/**
 * Why the phase is `http`: no service worker, no WebRTC (missing, or refused by policy), a swarm
 * that broke down, or somebody does not want peers.
 */
export type HttpReason = 'no-service-worker' | 'no-webrtc' | 'swarm-failed' | NoPeersReason

/** Why playback cannot go on or goes on degraded, in one sentence for a person. */
export interface PlaybackProblem {
  readonly code: 'deleted' | 'changed' | 'unsupported' | 'network' | 'internal'
  readonly message: string
  /** True when the viewer can press "Try again", or "Reload" where the file has changed. */
  readonly retryable: boolean
  /** True when the picture is still worth looking at: playback goes on, or will by itself. */
  readonly playsOn: boolean
}

/** How things stand with the trackers that introduce viewers to each other. Words are theirs. */
export type TrackerReport =
  /** None has answered yet. */
  | { readonly kind: 'connecting' }
  /** None can be reached; they are tried again and again. */
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'refuses'; readonly reason: string }
  | {
      readonly kind: 'answers'
      /** Viewers that it knows besides us. */
      readonly others: number
      /** Why it introduces us to nobody for now, or `null`. */
      readonly warning: string | null
    }

export interface PlaybackSnapshot {
  readonly stats: PlaybackStats
  /** The first frame shows, and playback begins by itself once there is enough for it to last. */
  readonly isGathering: boolean
  /** `null` unless the phase is `http`. */
  readonly httpReason: HttpReason | null
  /** `null` while no peers are looked for. */
  readonly tracker: TrackerReport | null
  readonly problem: PlaybackProblem | null
}

/** A connected peer, without its address. */
export interface PeerShare {
  /** Counts from 1 in the order of first contact; a peer that comes back has its number again. */
  readonly number: number
  /** Payload bytes that it sent. */
  readonly received: number
}

/** What only the picture and the statistics need; made anew with every call. */
export interface PlaybackDetails {
  /**
   * A byte for each piece (piece-states.ts), or `null` when the browser fetches by itself and tells
   * nobody.
   */
  readonly pieces: Uint8Array | null
  readonly peers: readonly PeerShare[]
  /** Seconds of playback held ahead of the position. */
  readonly bufferedSeconds: number
  readonly http: {
    /** Bytes per second while a body streams, or `null` before there is a sample. */
    readonly rate: number | null
    /** Milliseconds from a request to its first byte, smoothed. */
    readonly latencyMs: number
    /** Who sent how much, in the order in which they began. */
    readonly from: readonly HttpSender[]
  }
}

/** A web server that bytes came from. */
export interface HttpSender {
  /** Name and port, or `null` for the server that this page came from. */
  readonly host: string | null
  /** Payload bytes, or `null` when the browser fetches by itself and tells nobody. */
  readonly bytes: number | null
}

/** A running playback. The snapshot is a stable object that changes at most four times a second. */
export interface Playback {
  stats(): PlaybackStats
  details(): PlaybackDetails
  /** For `useSyncExternalStore`. @returns the function that ends the subscription */
  subscribe(onChange: () => void): () => void
  getSnapshot(): PlaybackSnapshot
  /** Joins or leaves the swarm, or changes what peers are sent; what is held stays. */
  setSharing(sharing: SharingDecision): void
  /** Leaves the swarm, cancels requests and lets go of the `<video>` (its `src` is removed). */
  close(): Promise<void>
}

export interface PlaybackOptions {
  readonly media: MediaRecord
  /** Gets its `src` once, unless it has it; everything else of it belongs to the page. */
  readonly video: HTMLVideoElement
  /** With what the `<video>` was started before there was an engine, or `null`. */
  readonly head: HeadStart | null
  readonly iceServers: readonly RTCIceServer[]
  /** Viewers that were there when the page was sent; 0 when nobody knows. */
  readonly viewers: number
  /** Until `setSharing` says otherwise. */
  readonly sharing: SharingDecision
  /** The publisher says something of sharing, perhaps what is known. */
  readonly onP2p: (p2p: MediaRecord['p2p']) => void
}
