// A swarm in which nobody hears of anybody before so many are announced as the publisher wants.
// Until then every announce counts and none is handed on; when the gate opens, the browsers that
// wait are told soon and native clients, which cannot be told, come back within seconds. When
// viewers leave, those who remain stay connected and new ones wait; when it is the publisher who
// asks for more, or for none, the browsers are told to part. Invariant: a peer id is announced by
// one connection, and few native clients by one network. The tracker owns it and ends it.
import Server, {
  type AnnounceAnswer,
  type AnnounceDone,
  type AnnouncedPeer,
  type AnnounceParams,
} from 'bittorrent-tracker/server'
import { ipKeyGenerator } from 'express-rate-limit'
import { OFFERS_KEY, type OffersTaken, PART_KEY } from '#protocol/tracker.ts'
import { Acquaintances } from './acquaintances.ts'
import { BrowserSocket } from './browser-socket.ts'

/** Until their next announce, for clients that wait for the gate or have just seen it open. */
const SOON_S = { waiting: 10, opened: 1 } as const
/** All browsers announce when they are told, and anybody may come and go across the minimum. */
const TELL_EVERY_MS = 10_000
/** One for each port otherwise; a household or an office has no more that fetch the same title. */
const MAX_NATIVE_PER_NETWORK = 20
/** Whoever has one address of an IPv6 network has them all. */
const IPV6_NETWORK_BITS = 64

/** Ours alone; clients that do not know it stay connected to whom they are. */
const PART = { [PART_KEY]: true }

export class GatedSwarm extends Server.Swarm {
  #minViewers = 1
  #toldAt = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | undefined
  /** Of the browsers. */
  readonly #acquaintances = new Acquaintances()
  /** Announced native clients by network. */
  readonly #natives = new Map<string, number>()

  /** Viewers announced before any two of them hear of each other. */
  setMinViewers(minViewers: number): void {
    const wasOpen = this.isOpen
    this.#minViewers = minViewers
    if (wasOpen === this.isOpen) return
    if (this.isOpen) {
      this.#tellOfOpening(null)
      return
    }
    this.#toldAt = Number.NEGATIVE_INFINITY // only what strangers bring about is told less often
    this.#acquaintances.forget()
    this.#send({ ...this.#counts(), ...this.#warning(), ...PART }, null)
  }

  get isOpen(): boolean {
    return this.complete + this.incomplete >= this.#minViewers
  }

  /**
   * A viewer whose address has changed comes back while its old connection looks open. Anybody else
   * may know its id as well, from an offer: so only an owner that does not answer is shown out.
   * @returns when the peer id of an announce is nobody's, or its owner has proved to be there
   */
  async vacate(params: AnnounceParams): Promise<void> {
    await this.#otherOwner(params)?.isThere()
  }

  /** @param done is missing when the connection of a peer has closed */
  override announce(params: AnnounceParams, done?: AnnounceDone): void {
    if (done === undefined) {
      const isOwn = this.peers.peek(params.peer_id)?.socket?.destroyed
      if (isOwn) super.announce(params)
      return
    }
    const refusal = this.#refusal(params)
    if (refusal !== null) {
      done(new Error(refusal))
      return
    }
    const wasOpen = this.isOpen
    super.announce(params, (error, answer) => {
      if (error !== null || answer === undefined) done(error, answer)
      else if (this.isOpen) done(null, { ...answer, ...this.#offersTaken(params, answer) })
      else done(null, { ...answer, ...this.#warning(), peers: [], interval: SOON_S.waiting })
    })
    if (!wasOpen && this.isOpen) this.#tellInTime(params.peer_id)
  }

  /**
   * Tells the browsers that the swarm has ended, and why.
   * @param part whether they shall close the connections that they have
   */
  end(reason: string, part: boolean): void {
    clearTimeout(this.#timer)
    this.#send({ 'failure reason': reason, ...(part && PART) }, null)
  }

  /** Whom the offers of an announce go to, or whom a native client hears of. */
  override _getPeers(count: number, own: string, isBrowser: boolean): AnnouncedPeer[] {
    if (!isBrowser) return super._getPeers(count, own, isBrowser)
    // Whoever says goodbye has left already.
    if (!this.isOpen || count === 0 || !this.peers.peek(own)) return []
    const ids = this.#acquaintances.introduce(own, count)
    return ids.flatMap((id) => this.peers.peek(id) ?? [])
  }

  /** What our players are told beyond the protocol. */
  #offersTaken({ type, peer_id, numwant, event }: AnnounceParams, { peers }: AnnounceAnswer) {
    if (type !== 'ws' || numwant === 0 || !this.peers.peek(peer_id)) return {}
    const isNew = event === 'started'
    const wanted = isNew ? this.#acquaintances.promise(peer_id) : null
    return { [OFFERS_KEY]: { taken: peers.length, wanted } satisfies OffersTaken }
  }

  /** Every peer that is added comes by here. */
  override _onAnnounceStarted(params: AnnounceParams, peer: AnnouncedPeer | undefined, id: string) {
    if (!peer && params.type === 'http') this.#countNative(params.ip, 1)
    else if (!peer) this.#acquaintances.join(id)
    super._onAnnounceStarted(params, peer, id)
  }

  /** Every peer that is removed, or has not been heard of for too long, comes by here. */
  override _onAnnounceStopped(params: AnnounceParams, peer: AnnouncedPeer | undefined, id: string) {
    if (peer?.type === 'http') this.#countNative(peer.ip, -1)
    else if (peer) this.#acquaintances.leave(id)
    super._onAnnounceStopped(params, peer, id)
  }

  #refusal(params: AnnounceParams): string | null {
    if (params.socket?.destroyed) return 'the connection has closed'
    if (this.#otherOwner(params)) return 'this peer id is in use'
    if (params.type !== 'http' || this.peers.peek(params.addr)) return null
    const count = this.#natives.get(networkOf(params.ip)) ?? 0
    return count < MAX_NATIVE_PER_NETWORK ? null : 'too many clients announce from this address'
  }

  #countNative(ip: string, change: 1 | -1): void {
    const network = networkOf(ip)
    const count = (this.#natives.get(network) ?? 0) + change
    if (count > 0) this.#natives.set(network, count)
    else this.#natives.delete(network)
  }

  /** @returns the connection of whoever announces under the same peer id, when it is another one */
  #otherOwner({ peer_id, socket }: AnnounceParams): BrowserSocket | null {
    if (!socket) return null // native clients are told apart by address and port
    const owner = this.peers.peek(peer_id)?.socket
    return owner instanceof BrowserSocket && owner !== socket ? owner : null
  }

  /** An unasked-for answer with a short interval: they announce again, now with offers that count. */
  #tellOfOpening(except: string | null): void {
    clearTimeout(this.#timer)
    this.#toldAt = performance.now()
    this.#send({ ...this.#counts(), interval: SOON_S.opened }, except)
  }

  /** The same, at once or when they were told long enough ago. */
  #tellInTime(except: string): void {
    const wait = this.#toldAt + TELL_EVERY_MS - performance.now()
    clearTimeout(this.#timer)
    if (wait <= 0) this.#tellOfOpening(except)
    else this.#timer = setTimeout(() => this.isOpen && this.#tellOfOpening(null), wait).unref()
  }

  #counts(): { complete: number; incomplete: number } {
    const { complete, incomplete } = this
    return { complete, incomplete }
  }

  /** Why nobody is introduced. Clients take such an answer as any other, and may show the words. */
  #warning(): { 'warning message': string } {
    const count = this.complete + this.incomplete
    const now = count === 1 ? 'there is 1' : `there are ${count}`
    const message = `the publisher wants ${this.#minViewers} viewers before any are connected, ${now}`
    return { 'warning message': message }
  }

  #send(facts: object, except: string | null): void {
    const infoHash = Buffer.from(this.infoHash, 'hex').toString('latin1')
    const message = JSON.stringify({ action: 'announce', info_hash: infoHash, ...facts })
    for (const key of this.peers.keys) {
      const peer = this.peers.peek(key)
      if (peer?.socket && peer.peerId !== except) peer.socket.send(message, () => {})
    }
  }
}

function networkOf(ip: string): string {
  return ipKeyGenerator(ip, IPV6_NETWORK_BITS)
}
