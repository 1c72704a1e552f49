// The contract of the playback engine: what the pages and `window.slipstream` see of it.
// The engine itself is made by `openPlayback` (engine.ts); whoever opened it closes it.
import type { MediaRecord } from '#protocol/media.ts'

/**
 * `placeholder`: HTTP through the service worker, the real torrent is not there yet. `swarm`: in
 * the WebTorrent swarm. `http`: plain HTTP for good (no service worker, no WebRTC, or peers off).
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

/** Why playback cannot go on or goes on degraded, in one sentence for a person. */
export interface PlaybackProblem {
  readonly code: 'deleted' | 'unsupported' | 'network' | 'internal'
  readonly message: string
  /** True when the viewer can press "Try again". */
  readonly retryable: boolean
}

export interface PlaybackSnapshot {
  readonly stats: PlaybackStats
  readonly problem: PlaybackProblem | null
}

/** A running playback. The snapshot is a stable object that changes at most four times a second. */
export interface Playback {
  stats(): PlaybackStats
  /** For `useSyncExternalStore`. @returns the function that ends the subscription */
  subscribe(onChange: () => void): () => void
  getSnapshot(): PlaybackSnapshot
  /** Leaves the swarm, cancels requests and lets go of the `<video>` (its `src` is removed). */
  close(): Promise<void>
}

export interface PlaybackOptions {
  readonly media: MediaRecord
  /** Gets its `src` once; everything else of it belongs to the page. */
  readonly video: HTMLVideoElement
  readonly iceServers: readonly RTCIceServer[]
}
