// The signalling of a title, from the moment when peers are wanted until they are not: may begin
// before WebTorrent is loaded, and is loaded itself only where somebody may be met. Each beginning has
// a peer id of its own. The engine owns and stops it.
import type { TrackerReport } from '../playback/playback.ts'
import { newPeerId } from './peer-id.ts'
import type { Signalling } from './signalling.ts'
import type { WebRtcPeer } from './webrtc-peers.ts'

export interface IntroductionsOptions {
  readonly announceUrls: readonly string[]
  readonly iceServers: readonly RTCIceServer[]
  /** Bytes of the title that are not held. */
  readonly left: () => number
}

interface Present {
  readonly infoHash: string
  /** `null` when it was stopped before it was there. */
  readonly signalling: Promise<Signalling | null>
  /** The same, once it is there. */
  begun: Signalling | null
}

/** Starts loading what introduces viewers ahead of the moment when they are wanted. */
export function preloadIntroductions(): void {
  loadSignalling().catch(() => {}) // `begin` tries again
}

const loadSignalling = () => import('./signalling.ts')

export class Introductions {
  readonly #options: IntroductionsOptions
  #peerId = newPeerId()
  #present: Present | null = null

  constructor(options: IntroductionsOptions) {
    this.#options = options
  }

  /** Ours, 40 hex digits; another one after `stop`. */
  get peerId(): string {
    return this.#peerId
  }

  /** How things stand with the trackers, or `null` while no connections are wanted. */
  get report(): TrackerReport | null {
    return this.#present?.begun?.report ?? null
  }

  /** Viewers of our player that are connected, or may soon be: 40 hex digits each. */
  get expected(): readonly string[] {
    return this.#present?.begun?.expected() ?? []
  }

  /** Whether bytes for viewers wait to leave. */
  get waitsToSend(): boolean {
    return this.#present?.begun?.waitsToSend ?? false
  }

  /** Begins to connect to the other viewers; connections are kept until somebody adopts them. */
  begin(infoHash: string): void {
    this.#signalling(infoHash).catch(() => {}) // `adopt` tries again, and tells
  }

  /**
   * Hands over connections to viewers of this info hash; begins when that was not done yet.
   * @throws Error when the player's files cannot be loaded
   */
  async adopt(infoHash: string, take: (connection: WebRtcPeer) => void): Promise<void> {
    const signalling = await this.#signalling(infoHash)
    signalling?.attach(take)
  }

  /** Leaves the trackers and closes all connections. */
  stop(): void {
    this.#present?.begun?.stop()
    this.#present = null
    this.#peerId = newPeerId()
  }

  #signalling(infoHash: string): Promise<Signalling | null> {
    if (this.#present?.infoHash === infoHash) return this.#present.signalling
    this.#present?.begun?.stop()
    const peerId = this.#peerId
    const signalling = loadSignalling()
      .then(({ Signalling }) => {
        if (this.#present !== present) return null // stopped by now: nobody is contacted any more
        present.begun = new Signalling({ ...this.#options, infoHash, peerId })
        return present.begun
      })
      .catch((error) => {
        if (this.#present === present) this.#present = null
        throw error
      })
    const present: Present = { infoHash, signalling, begun: null }
    this.#present = present
    return signalling
  }
}
