// What a viewer may hope for from others: who is connected or expected, how many strangers may come, and
// how long it has been among them. The engine owns it.
import type { Introductions } from '../swarm/introductions.ts'
import { type Standing, strangersAmong } from './look-ahead.ts'
import type { PolicyPeer } from './origin-policy.ts'
import type { HttpReason } from './playback.ts'

interface ProspectsPorts {
  readonly introductions: Pick<Introductions, 'expected' | 'report'>
  readonly isJoined: () => boolean
  /** A steady clock in milliseconds, `performance.now()` if left out. */
  readonly now?: () => number
}

export class Prospects {
  readonly #ports: ProspectsPorts
  readonly #now: () => number
  #joinedAt = 0

  constructor(ports: ProspectsPorts) {
    this.#ports = ports
    this.#now = ports.now ?? (() => performance.now())
  }

  /** The swarm was joined just now. */
  joined(): void {
    this.#joinedAt = this.#now()
  }

  /** Since the swarm was joined; 0 before. */
  get joinedSeconds(): number {
    return this.#ports.isJoined() ? (this.#now() - this.#joinedAt) / 1000 : 0
  }

  /** Viewers that the tracker counts and nobody has met. */
  get strangers(): number {
    const { report, expected } = this.#ports.introductions
    const others = report?.kind === 'answers' ? report.others : 0
    return strangersAmong(this.joinedSeconds, others, expected.length)
  }

  /** Viewers that are connected or expected, strangers as well. */
  get others(): number {
    return this.#ports.introductions.expected.length + this.strangers
  }

  /** @returns the ids of viewers that are expected and not among the peers */
  expectedBesides(peers: readonly PolicyPeer[]): string[] {
    const { expected } = this.#ports.introductions
    return expected.filter((id) => !peers.some((peer) => peer.id === id))
  }

  /**
   * @param httpReason why there are no peers, `null` when there may be
   * @param hasTorrent the real torrent is there
   * @returns how near a swarm is
   */
  swarm(httpReason: HttpReason | null, hasTorrent: boolean): Standing['swarm'] {
    if (httpReason === 'unanswered') return 'later' // whoever agrees has peers at once
    if (httpReason !== null) return 'never'
    if (this.#ports.isJoined() || this.others > 0) return 'joined'
    return hasTorrent ? 'soon' : 'later'
  }
}
