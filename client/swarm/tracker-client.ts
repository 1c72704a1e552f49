// Keeps one tracker announced to and makes the offers that it hands to other viewers. Invariant: no
// more than `maxOffers` of them are open, and each is answered, dropped in time, or closed here.
// Signalling owns and closes it, and takes what comes of the introductions.
import type { TrackerReport } from '../playback/playback.ts'
import {
  type AnnouncePlan,
  offerPatience,
  planAnnounce,
  type TrackerAnswer,
} from './announce-plan.ts'
import {
  type Introduction,
  parseTrackerMessage,
  type TrackerMessage,
  toBinary,
} from './tracker-messages.ts'
import { TrackerSocket } from './tracker-socket.ts'
import type { MadeOffer, WebRtcPeer } from './webrtc-peers.ts'

export interface TrackerClientOptions {
  readonly url: string
  /** 40 hex digits. */
  readonly infoHash: string
  /** 40 hex digits. */
  readonly peerId: string
  readonly maxOffers: number
  readonly wantedWires: number
  /** Bytes of the title that we do not hold. */
  readonly left: () => number
  /** Connected peers, those that come up, and how many more there may be. */
  readonly contacts: () => {
    readonly wires: number
    readonly coming: number
    readonly room: number
  }
  /** @returns a peer that has made its offer, or `null` when none could be made */
  readonly makeOffer: () => Promise<MadeOffer | null>
  /** Somebody offers us a connection; `reply` takes the answer. */
  readonly onOffer: (peerId: string, sdp: string, reply: (sdp: string) => void) => void
  /** Somebody has answered an offer of ours; the peer is the receiver's from now on. */
  readonly onAnswer: (peerId: string, peer: WebRtcPeer, sdp: string) => void
  /** The tracker asks us to close all connections that came of this swarm. */
  readonly onPart: () => void
}

interface Offer {
  readonly id: string
  readonly peer: WebRtcPeer
  readonly sdp: string
  /** True once the tracker may have handed it to somebody. */
  isOut: boolean
  timer: ReturnType<typeof setTimeout> | undefined
}

/** Until the tracker says otherwise. */
const DEFAULT_INTERVAL_MS = 30_000
/** An announce does not wait longer for offers that take their time. */
const OFFERS_WAIT_MS = 1500
/** A tracker that does not answer for so long is not there, whatever the socket says. */
const ANSWER_WAIT_MS = 12_000
/** An offer that somebody is about to answer is kept so long. */
const ANSWERED_WAIT_MS = 15_000
/** Addresses in an offer that nobody got grow stale. */
const OFFER_SHELF_LIFE_MS = 30_000

export class TrackerClient {
  readonly #options: TrackerClientOptions
  readonly #socket: TrackerSocket
  readonly #infoHash: string
  readonly #peerId: string
  readonly #offers = new Map<string, Offer>()
  /** Offers that are being made. */
  readonly #making = new Set<Promise<void>>()
  /** Ids of the offers in the announce that is not answered yet, in their order. */
  #sent: readonly string[] = []
  #announcedAt: number | null = null
  #answer: TrackerAnswer | null = null
  #intervalMs = DEFAULT_INTERVAL_MS
  #thinRounds = 0
  /** The tracker has shown that it introduces no pair twice. */
  #pairs = false
  #hasLost = false
  #jitter = Math.random()
  #isAnnouncing = false
  #report: TrackerReport = { kind: 'connecting' }
  #timer: ReturnType<typeof setTimeout> | undefined
  #closed = false

  constructor(options: TrackerClientOptions) {
    this.#options = options
    this.#infoHash = toBinary(options.infoHash)
    this.#peerId = toBinary(options.peerId)
    this.#socket = new TrackerSocket({
      url: options.url,
      onOpen: () => this.#schedule(),
      onMessage: (data) => this.#onMessage(data),
      onLost: () => this.#onLost(),
    })
    void this.#makeOffers(1) // while the socket opens
  }

  /** What the tracker said last. */
  get report(): TrackerReport {
    return this.#report
  }

  /** Peers have come or gone. */
  contactsChanged(hasLost: boolean): void {
    // Whoever left is still in the tracker's last count: it is not asked again at once.
    if (hasLost || this.#thinRounds > 1) this.#thinRounds = 1
    this.#hasLost ||= hasLost
    if (hasLost && this.#options.contacts().wires === 0) this.#socket.hurry()
    this.#schedule()
  }

  /** Says goodbye to the tracker and closes all offers. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#timer)
    if (this.#announcedAt !== null) this.#socket.send(this.#announcement({ event: 'stopped' }))
    this.#socket.close()
    for (const offer of [...this.#offers.values()]) this.#drop(offer)
  }

  #plan(now: number): AnnouncePlan {
    const { contacts, maxOffers, wantedWires } = this.#options
    const { wires, coming, room } = contacts()
    const out = [...this.#offers.values()].filter(({ isOut }) => isOut).length
    return planAnnounce({
      now,
      announcedAt: this.#announcedAt,
      answer: this.#answer,
      thinRounds: this.#thinRounds,
      hasLost: this.#hasLost,
      wires,
      wantedWires,
      pending: coming + out,
      coming,
      offerSlots: Math.max(0, Math.min(maxOffers - out, room)),
      jitter: this.#jitter,
    })
  }

  #schedule(): void {
    clearTimeout(this.#timer)
    if (this.#closed || this.#isAnnouncing || !this.#socket.isOpen) return
    const now = performance.now()
    const plan = this.#plan(now)
    if (this.#announcedAt !== null && this.#answer === null) {
      const wait = this.#announcedAt + ANSWER_WAIT_MS - now
      this.#timer = setTimeout(() => this.#socket.reconnect(), Math.max(0, wait))
    } else if (plan.at > now) {
      this.#timer = setTimeout(() => this.#schedule(), plan.at - now)
    } else {
      void this.#announce(plan)
    }
  }

  async #announce({ offers: count, isThin }: AnnouncePlan): Promise<void> {
    this.#isAnnouncing = true
    await this.#makeOffers(count)
    this.#isAnnouncing = false
    if (this.#closed || !this.#socket.isOpen) return
    const offers = [...this.#offers.values()].filter(({ isOut }) => !isOut).slice(0, count)
    const isFirst = this.#announcedAt === null
    const sent = this.#socket.send(
      this.#announcement({
        ...(isFirst && { event: 'started' }),
        numwant: offers.length,
        offers: offers.map(({ id, sdp }) => ({ offer: { type: 'offer', sdp }, offer_id: id })),
      }),
    )
    if (!sent) return this.#socket.reconnect()
    if (isThin) this.#thinRounds += 1
    else this.#thinRounds = isFirst || this.#answer?.refused ? 0 : 1
    for (const offer of offers) this.#handOut(offer)
    this.#sent = offers.map(({ id }) => id)
    this.#announcedAt = performance.now()
    this.#hasLost = false
    this.#answer = null
    this.#jitter = Math.random()
    this.#schedule()
  }

  #announcement(more: object): object {
    const left = Math.max(0, this.#options.left())
    return { action: 'announce', info_hash: this.#infoHash, peer_id: this.#peerId, left, ...more }
  }

  /** Sees to it that so many offers are ready, unless they take too long. */
  async #makeOffers(count: number): Promise<void> {
    const ready = [...this.#offers.values()].filter(({ isOut }) => !isOut).length
    const room = this.#options.maxOffers - this.#offers.size - this.#making.size
    for (let n = Math.min(count - ready - this.#making.size, room); n > 0; n -= 1) {
      const making = this.#makeOffer().finally(() => this.#making.delete(making))
      this.#making.add(making)
    }
    if (ready >= count || this.#making.size === 0) return
    await Promise.race([Promise.all(this.#making), delay(OFFERS_WAIT_MS)])
  }

  async #makeOffer(): Promise<void> {
    const made = await this.#options.makeOffer()
    if (!made) return
    if (this.#closed) {
      made.peer.destroy()
      return
    }
    const id = newOfferId()
    const offer: Offer = { ...made, id, isOut: false, timer: undefined }
    this.#offers.set(id, offer)
    made.peer.on('close', () => this.#forget(offer)).on('error', () => this.#forget(offer))
    // Whoever has it tries our addresses while the answer is still on its way.
    made.peer.on('iceStateChange', (ice) => {
      if (ice === 'checking' && this.#offers.get(id) === offer) {
        this.#dropAfter(offer, ANSWERED_WAIT_MS)
      }
    })
    this.#dropAfter(offer, OFFER_SHELF_LIFE_MS)
  }

  #handOut(offer: Offer): void {
    offer.isOut = true
    this.#dropAfter(offer, offerPatience(this.#thinRounds))
  }

  /** The tracker has not handed it to anybody. */
  #takeBack(offer: Offer): void {
    offer.isOut = false
    this.#dropAfter(offer, OFFER_SHELF_LIFE_MS)
  }

  #dropAfter(offer: Offer, ms: number): void {
    clearTimeout(offer.timer)
    offer.timer = setTimeout(() => this.#drop(offer), ms)
  }

  #drop(offer: Offer): void {
    this.#forget(offer)
    offer.peer.destroy()
  }

  #forget(offer: Offer): void {
    clearTimeout(offer.timer)
    this.#offers.delete(offer.id)
  }

  #onMessage(data: unknown): void {
    const message = parseTrackerMessage(data, this.#infoHash)
    if (!message || this.#closed) return
    if (message.kind === 'offer') this.#onOffer(message)
    else if (message.kind === 'answer') this.#onAnswer(message)
    else this.#onTrackerAnswer(message)
  }

  #onOffer({ peerId, offerId, sdp }: Introduction): void {
    this.#options.onOffer(peerId, sdp, (answer) => {
      this.#socket.send({
        action: 'announce',
        info_hash: this.#infoHash,
        peer_id: this.#peerId,
        to_peer_id: toBinary(peerId),
        answer: { type: 'answer', sdp: answer },
        offer_id: offerId,
      })
    })
  }

  #onAnswer({ peerId, offerId, sdp }: Introduction): void {
    const offer = this.#offers.get(offerId)
    if (!offer?.isOut) return
    this.#forget(offer)
    this.#options.onAnswer(peerId, offer.peer, sdp)
  }

  #onTrackerAnswer(message: Exclude<TrackerMessage, Introduction>): void {
    if (this.#announcedAt === null) return
    const isAsked = this.#answer === null
    const refused = message.kind === 'failure'
    // We are among the peers that it counts.
    const others = refused ? 0 : Math.max(0, message.complete + message.incomplete - 1)
    this.#intervalMs = message.intervalMs ?? this.#intervalMs
    const offers = refused ? null : message.offers
    this.#pairs ||= offers !== null
    this.#answer = {
      others,
      intervalMs: this.#intervalMs,
      refused,
      wanted: offers?.wanted ?? null,
      pairs: this.#pairs,
      ...(!isAsked && { unaskedAt: performance.now() }),
    }
    this.#socket.approve()
    this.#report = refused
      ? { kind: 'refuses', reason: message.reason }
      : { kind: 'answers', others, warning: message.warning }
    if (message.part) {
      for (const offer of [...this.#offers.values()]) if (offer.isOut) this.#drop(offer)
      this.#options.onPart()
    } else if (isAsked) {
      // Unless it says so, it hands out one to each peer that it knows, in their order.
      for (const id of this.#sent.slice(offers?.taken ?? others)) this.#takeBackById(id)
    } else {
      // The swarm has opened, or has ended: what was handed out before came to nothing.
      this.#thinRounds = 0
      for (const { id } of this.#offers.values()) this.#takeBackById(id)
    }
    this.#sent = []
    this.#schedule()
  }

  #takeBackById(id: string): void {
    const offer = this.#offers.get(id)
    if (offer?.isOut) this.#takeBack(offer)
  }

  #onLost(): void {
    clearTimeout(this.#timer)
    this.#report = { kind: 'unreachable' }
    this.#announcedAt = null
    this.#answer = null
    this.#thinRounds = 0
    this.#hasLost = false
    this.#sent = []
  }
}

/** 20 bytes, one for each character. */
function newOfferId(): string {
  return String.fromCharCode(...crypto.getRandomValues(new Uint8Array(20)))
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
