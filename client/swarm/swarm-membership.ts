// In the swarm or not: joins as soon as there is a torrent and peers are wanted, leaves when they
// are not, and joins again. The next join waits until the last swarm is closed. A swarm that broke
// down is not joined again. The engine owns and closes it.
import type { SharingDecision, UploadLimit } from '../playback/sharing.ts'
import type { Swarm } from './swarm.ts'
import type { SwarmTotals } from './traffic.ts'

export interface JoinRequest {
  /** The real torrent's metainfo (BEP 3). */
  readonly metainfo: Uint8Array
  readonly upload: UploadLimit
  readonly signal: AbortSignal
  /** The swarm broke down. */
  readonly onBroken: () => void
}

export interface MembershipOptions {
  /** Until `setSharing` says otherwise. */
  readonly sharing: SharingDecision
  readonly join: (request: JoinRequest) => Promise<Swarm>
  readonly onJoined: (swarm: Swarm) => void
  /** No connections to peers are wanted, for now or any more. */
  readonly onLeft: () => void
  /** There is no swarm any more, and there will be none. */
  readonly onFailed: () => void
}

export class SwarmMembership {
  readonly #options: MembershipOptions
  #sharing: SharingDecision
  #metainfo: Uint8Array | null = null
  #swarm: Swarm | null = null
  #joining: AbortController | null = null
  /** Settles when the last swarm is closed. */
  #closed: Promise<void> = Promise.resolve()
  /** What the swarms carried that were left. */
  #past: SwarmTotals = { received: 0, uploaded: 0, wasted: 0 }
  #isOver = false

  constructor(options: MembershipOptions) {
    this.#options = options
    this.#sharing = options.sharing
  }

  /** The swarm that is joined at present. */
  get swarm(): Swarm | null {
    return this.#swarm
  }

  get sharing(): SharingDecision {
    return this.#sharing
  }

  /** Payload bytes of all swarms so far. */
  get totals(): SwarmTotals {
    return sum(this.#past, this.#swarm?.totals)
  }

  /** The real torrent is there. */
  torrentFound(metainfo: Uint8Array): void {
    this.#metainfo = metainfo
    this.#follow()
  }

  setSharing(sharing: SharingDecision): void {
    this.#sharing = sharing
    this.#follow()
  }

  /** Leaves a swarm that is of no use, for good. */
  fail(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#leave()
    this.#options.onFailed()
  }

  async close(): Promise<void> {
    this.#isOver = true
    this.#leave()
    await this.#closed
  }

  #follow(): void {
    if (this.#isOver) return
    const { peers } = this.#sharing
    if (!peers) this.#leave()
    else if (this.#swarm) this.#swarm.limitUpload(this.#sharing.upload)
    else if (this.#metainfo && !this.#joining)
      void this.#join(this.#metainfo, new AbortController())
  }

  async #join(metainfo: Uint8Array, joining: AbortController): Promise<void> {
    this.#joining = joining
    await this.#closed
    if (joining.signal.aborted || !this.#sharing.peers) return
    try {
      const swarm = await this.#options.join({
        metainfo,
        upload: this.#sharing.upload,
        signal: joining.signal,
        onBroken: () => {
          if (this.#joining === joining) this.fail()
        },
      })
      if (joining.signal.aborted) {
        this.#closed = swarm.close()
        return
      }
      this.#swarm = swarm
      if (this.#sharing.peers) swarm.limitUpload(this.#sharing.upload)
      this.#options.onJoined(swarm)
    } catch {
      if (!joining.signal.aborted) this.fail()
    }
  }

  #leave(): void {
    this.#options.onLeft()
    this.#joining?.abort()
    this.#joining = null
    const swarm = this.#swarm
    if (!swarm) return
    this.#past = this.totals
    this.#swarm = null
    this.#closed = swarm.close()
  }
}

function sum(a: SwarmTotals, b: SwarmTotals | undefined): SwarmTotals {
  if (!b) return a
  return {
    received: a.received + b.received,
    uploaded: a.uploaded + b.uploaded,
    wasted: a.wasted + b.wasted,
  }
}
