// Brings up connections to the other viewers of a title: asks the trackers to introduce us, makes
// and answers offers, and hands every connection to the swarm once it is up. It may be started
// before the swarm is there: what connects earlier is kept for it. Invariants: one connection per
// peer, at most `MAX_CONTACTS` of them, and whatever does not come up is closed. The engine owns it.
import type { TrackerReport } from '../playback/playback.ts'
import { exclusions } from './exclusions.ts'
import { isOurPlayer } from './peer-id.ts'
import { TrackerClient } from './tracker-client.ts'
import { boundUnread, describe, type WebRtcPeer, WebRtcPeers } from './webrtc-peers.ts'

export interface SignallingOptions {
  /** 40 hex digits. */
  readonly infoHash: string
  /** 40 hex digits. */
  readonly peerId: string
  /** `wss:` or `ws:` URLs; other schemes are left out. */
  readonly announceUrls: readonly string[]
  readonly iceServers: readonly RTCIceServer[]
  /** Bytes of the title that are not held; none makes us a seeder. */
  readonly left: () => number
}

/** A connection to another viewer. */
interface Contact {
  /** 40 hex digits. */
  readonly peerId: string
  readonly peer: WebRtcPeer
  /** Whether the offer was ours. */
  readonly byUs: boolean
  readonly since: number
  state: 'coming' | 'up' | 'shaky'
  isHandedOver: boolean
  timer: ReturnType<typeof setTimeout>
}

type Adopt = (peer: WebRtcPeer) => void

const MAX_CONTACTS = 50
/** Everybody has something to give to so many; beyond them, more cost more than they bring. */
const WANTED_WIRES = 16
/** Open offers, over all trackers. */
const MAX_OFFERS = 5
const MAX_TRACKERS = 5
/** Offers of others that are being answered at a time. */
const MAX_ANSWERING = 12
/** A connection that comes up at all is up within that time. */
const CONNECT_WAIT_MS = 15_000
/** Most of those that come up are up within that time. */
const EXPECT_MS = 5000
/** Whoever offers anew after that has given the earlier offer up. */
const SAME_OFFER_MS = 4000

export class Signalling {
  readonly #options: SignallingOptions
  readonly #peers: WebRtcPeers
  readonly #contacts = new Map<string, Contact>()
  readonly #trackers: readonly TrackerClient[]
  #adopt: Adopt | null = null
  /** Ends of connections that are being made, to answer an offer. */
  #making = 0
  #stopped = false

  constructor(options: SignallingOptions) {
    this.#options = options
    this.#peers = new WebRtcPeers(options.iceServers)
    const urls = [...new Set(options.announceUrls)].filter((url) => /^wss?:\/\//.test(url))
    const used = urls.slice(0, MAX_TRACKERS)
    this.#trackers = used.map((url) => this.#track(url, Math.ceil(MAX_OFFERS / used.length)))
  }

  /** Of the tracker that does best. */
  get report(): TrackerReport {
    const reports = this.#trackers.map(({ report }) => report)
    for (const kind of ['answers', 'refuses', 'connecting'] as const) {
      const best = reports.find((report) => report.kind === kind)
      if (best) return best
    }
    return { kind: 'unreachable' }
  }

  /** Hands over what is connected, and from then on whatever connects; the receiver owns it. */
  attach(adopt: Adopt): void {
    this.#adopt = adopt
    for (const contact of this.#contacts.values()) {
      if (contact.state !== 'coming') this.#handOver(contact, adopt)
    }
  }

  /** Viewers of our player that are connected, or may soon be. 40 hex digits each. */
  expected(): string[] {
    const now = performance.now()
    return [...this.#contacts.values()]
      .filter(({ state, since }) => state !== 'coming' || now - since < EXPECT_MS)
      .map(({ peerId }) => peerId)
      .filter(isOurPlayer)
  }

  /** Whether bytes wait to leave for anybody who is connected. */
  get waitsToSend(): boolean {
    return this.#count(({ peer }) => peer.bufferSize > 0) > 0
  }

  /** Says goodbye to the trackers and closes all connections, those handed over as well. */
  stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#peers.close()
    for (const tracker of this.#trackers) tracker.close()
    for (const contact of [...this.#contacts.values()]) this.#close(contact)
  }

  #track(url: string, maxOffers: number): TrackerClient {
    return new TrackerClient({
      url,
      infoHash: this.#options.infoHash,
      peerId: this.#options.peerId,
      maxOffers,
      wantedWires: WANTED_WIRES,
      left: this.#options.left,
      contacts: () => {
        const wires = this.#count(({ state }) => state !== 'coming')
        const coming = this.#contacts.size - wires
        return { wires, coming, room: MAX_CONTACTS - this.#contacts.size }
      },
      makeOffer: () => this.#peers.makeOffer(),
      onOffer: (peerId, sdp, reply) => this.#onOffer(peerId, sdp, reply),
      onAnswer: (peerId, peer, sdp) => this.#onAnswer(peerId, peer, sdp),
      onPart: () => this.#part(),
    })
  }

  /** The publisher does not have the viewers connected any more; how to go on, the trackers say. */
  #part(): void {
    for (const contact of [...this.#contacts.values()]) this.#close(contact)
  }

  #onOffer(peerId: string, sdp: string, reply: (sdp: string) => void): void {
    if (this.#stopped || peerId === this.#options.peerId) return
    const known = this.#contacts.get(peerId)
    if (known && this.#outranksOffer(known)) return
    if (!known && !this.#hasRoomFor(peerId)) return
    const answering = this.#count(({ state, byUs }) => state === 'coming' && !byUs)
    if (answering + this.#making >= MAX_ANSWERING) return
    if (known) this.#close(known)
    this.#making += 1
    const adopt = (peer: WebRtcPeer | null): void => {
      this.#making -= 1
      if (peer) this.#add(peerId, peer, false)
    }
    void this.#peers.answer(sdp, adopt, reply)
  }

  #onAnswer(peerId: string, peer: WebRtcPeer, sdp: string): void {
    const known = this.#contacts.get(peerId)
    const isUnwanted =
      this.#stopped ||
      peerId === this.#options.peerId ||
      (known ? this.#outranksAnswer(known) : !this.#hasRoomFor(peerId))
    if (isUnwanted) {
      peer.destroy()
      return
    }
    if (known) this.#close(known)
    this.#add(peerId, peer, true)
    describe(peer, { type: 'answer', sdp })
  }

  #hasRoomFor(peerId: string): boolean {
    return this.#contacts.size < MAX_CONTACTS && exclusions.mayTry(peerId, performance.now())
  }

  /** Whether a connection is kept although its peer offers another one. */
  #outranksOffer({ peerId, byUs, state, since }: Contact): boolean {
    if (state !== 'coming') return state === 'up'
    return byUs ? this.#ownOfferWins(peerId) : performance.now() - since < SAME_OFFER_MS
  }

  /** Whether a connection is kept although its peer has answered an offer of ours. */
  #outranksAnswer({ peerId, byUs, state }: Contact): boolean {
    return byUs ? state === 'up' : !this.#ownOfferWins(peerId)
  }

  /**
   * Two who offer each other a connection at the same time must settle for the same one. Other
   * clients stay with the first that they know of: when they answer, that is ours.
   */
  #ownOfferWins(peerId: string): boolean {
    return !isOurPlayer(peerId) || this.#options.peerId < peerId
  }

  #add(peerId: string, peer: WebRtcPeer, byUs: boolean): void {
    // Something may have come in between while the peer was made.
    if (this.#stopped || this.#contacts.has(peerId) || this.#contacts.size >= MAX_CONTACTS) {
      peer.destroy()
      return
    }
    peer.id = peerId
    const contact: Contact = {
      peerId,
      peer,
      byUs,
      since: performance.now(),
      state: 'coming',
      isHandedOver: false,
      timer: setTimeout(() => this.#close(contact), CONNECT_WAIT_MS),
    }
    this.#contacts.set(peerId, contact)
    boundUnread(peer, () => contact.isHandedOver)
    const close = (): void => this.#close(contact)
    peer.on('disconnect', close).on('error', close).on('finish', close).on('close', close)
    peer.on('connect', () => this.#onConnect(contact))
    peer.on('iceStateChange', (ice) => {
      if (contact.state === 'coming') return
      contact.state = ice === 'connected' || ice === 'completed' ? 'up' : 'shaky'
    })
  }

  #onConnect(contact: Contact): void {
    if (this.#contacts.get(contact.peerId) !== contact) return
    clearTimeout(contact.timer)
    if (exclusions.has(contact.peerId, contact.peer.remoteAddress ?? null)) {
      this.#close(contact)
      return
    }
    contact.state = 'up'
    if (this.#adopt) this.#handOver(contact, this.#adopt)
    for (const tracker of this.#trackers) tracker.contactsChanged(false)
  }

  #handOver(contact: Contact, adopt: Adopt): void {
    contact.isHandedOver = true
    adopt(contact.peer)
  }

  #close(contact: Contact): void {
    clearTimeout(contact.timer)
    contact.peer.destroy()
    if (this.#contacts.get(contact.peerId) !== contact) return
    this.#contacts.delete(contact.peerId)
    if (this.#stopped || contact.state === 'coming') return
    for (const tracker of this.#trackers) tracker.contactsChanged(true)
  }

  #count(counts: (contact: Contact) => boolean): number {
    let number = 0
    for (const contact of this.#contacts.values()) if (counts(contact)) number += 1
    return number
  }
}
