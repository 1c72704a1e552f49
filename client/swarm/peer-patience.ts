// How long a peer is waited for that was asked and does not send. First it is not relied on, so that
// the origin policy looks elsewhere; then what it was asked for is given to others and it is left
// alone for a while, each time for longer; in the end it is let go. One block from it and all is
// forgiven: it may have been asleep, or the network gone. Only time in which this page was awake
// counts. In place before the first peer comes; ends with the torrent.
import type { Torrent, Wire } from 'webtorrent/dist/webtorrent.min.js'

export interface PeerPatienceOptions {
  /** Milliseconds since the oldest open request to the wire was sent; 0 when there is none. */
  readonly oldestAge: (wire: Wire) => number
  /** The wire is not relied on any more, or is again. */
  readonly onChange: (wire: Wire) => void
  /** Out of patience. */
  readonly onHopeless: (wire: Wire) => void
}

interface Standing {
  /** Milliseconds of waiting since the last block. */
  waited: number
  hasSent: boolean
  /** Milliseconds that it has choked us while we were interested, since it last let us in. */
  choked: number
  /** It has refused a request since the last look. */
  hasRefused: boolean
  isReliedOn: boolean
  /** Not asked before then, by the clock of this class. */
  restsUntil: number
}

/** How often is looked. Milliseconds. */
const LOOK_MS = 250
/** Between two looks no more time counts than that: a page that slept did not wait. */
const MAX_STEP_MS = 1000
/** A peer that has not sent anything yet is relied on for so long. */
const UNPROVEN_MS = 2500
const PROVEN_MS = 4000
/** Who has kept us out for so long is not about to let us in. */
const WITHHOLDS_MS = 5000
/** What it was asked for is then given to others. */
const GIVE_UP_MS = 6000
/** First rest; each further one is twice as long. */
const REST_MS = 5000
/** After so many rests in a row without a block between them it is taken to be gone … */
const GONE_RESTS = 2
/** … and after so many let go. */
const MAX_RESTS = 3

export class PeerPatience {
  readonly #options: PeerPatienceOptions
  readonly #standings = new Map<Wire, Standing>()
  /** Rests in a row, by peer id: who comes back has not become another by that. */
  readonly #rests = new Map<string, number>()
  readonly #clock: () => number
  /** By the clock. */
  #lookedAt: number
  /** Milliseconds that this page had been awake by then. */
  #awakeMs = 0

  /** @param clock a steady one, in milliseconds */
  constructor(torrent: Torrent, options: PeerPatienceOptions, clock = () => performance.now()) {
    this.#options = options
    this.#clock = clock
    this.#lookedAt = clock()
    torrent.on('wire', (wire) => this.#follow(wire))
    const timer = setInterval(() => this.look(), LOOK_MS)
    torrent.on('close', () => clearInterval(timer))
  }

  /** Milliseconds that this page was awake, up to this moment. */
  get now(): number {
    return this.#awakeMs + this.#sinceLook
  }

  get #sinceLook(): number {
    return Math.min(this.#clock() - this.#lookedAt, MAX_STEP_MS)
  }

  /** Whether it may be expected that the wire sends what it is asked for. */
  reliesOn(wire: Wire): boolean {
    return this.#standings.get(wire)?.isReliedOn ?? false
  }

  /** Whether the peer has been silent for so long that it will hardly be back. */
  isGone({ peerId }: Wire): boolean {
    return (this.#rests.get(peerId) ?? 0) >= GONE_RESTS
  }

  /** Whether the wire has choked us for seconds. */
  withholds(wire: Wire): boolean {
    return (this.#standings.get(wire)?.choked ?? 0) >= WITHHOLDS_MS
  }

  /** False while the wire is left alone. */
  mayAsk(wire: Wire): boolean {
    return (this.#standings.get(wire)?.restsUntil ?? 0) <= this.now
  }

  /** Judges every peer by the time that has passed since the last look. */
  look(): void {
    const step = this.#sinceLook
    this.#awakeMs += step
    this.#lookedAt = this.#clock()
    for (const [wire, standing] of [...this.#standings]) {
      // Who refuses everything is waited for like who says nothing.
      if (wire.requests.length > 0 || standing.hasRefused) standing.waited += step
      standing.hasRefused = false
      if (wire.peerChoking && wire.amInterested) standing.choked += step
      this.#judge(wire, standing)
    }
  }

  #follow(wire: Wire): void {
    const standing: Standing = {
      waited: 0,
      hasSent: false,
      choked: 0,
      hasRefused: false,
      isReliedOn: !this.#rests.has(wire.peerId),
      restsUntil: 0,
    }
    this.#standings.set(wire, standing)
    wire.on('piece', () => {
      standing.waited = 0
      standing.hasSent = true
      standing.restsUntil = 0
      this.#rests.delete(wire.peerId)
      if (standing.isReliedOn) return
      standing.isReliedOn = true
      this.#options.onChange(wire)
    })
    wire.on('unchoke', () => {
      standing.choked = 0
    })
    wire.on('reject', () => {
      standing.hasRefused = true
    })
    wire.on('close', () => this.#standings.delete(wire))
  }

  #judge(wire: Wire, standing: Standing): void {
    const age = this.#options.oldestAge(wire)
    const limit = standing.hasSent ? PROVEN_MS : UNPROVEN_MS
    const isSlow = standing.waited > limit || age > GIVE_UP_MS
    if (isSlow && standing.isReliedOn) {
      standing.isReliedOn = false
      this.#options.onChange(wire)
    }
    if (standing.waited <= GIVE_UP_MS && age <= GIVE_UP_MS) return
    standing.waited = 0
    const rests = (this.#rests.get(wire.peerId) ?? 0) + 1
    this.#rests.set(wire.peerId, rests)
    standing.restsUntil = this.now + REST_MS * 2 ** (rests - 1)
    for (const { piece, offset, length } of [...wire.requests]) wire.cancel(piece, offset, length)
    if (rests > MAX_RESTS) this.#options.onHopeless(wire)
  }
}
