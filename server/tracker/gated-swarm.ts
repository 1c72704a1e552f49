// A swarm in which nobody hears of anybody before so many are announced as the publisher wants.
// Until then every announce counts and none is handed on; when the gate opens, the browsers that
// wait are told at once and native clients, which cannot be told, come back within seconds. When
// viewers leave, those who remain stay connected and new ones wait; when it is the publisher who
// asks for more, or for none, the browsers are told to part.
import Server, { type AnnounceDone, type AnnounceParams } from 'bittorrent-tracker/server'
import { PART_KEY } from '#protocol/tracker.ts'

/** Until their next announce, for clients that wait for the gate or have just seen it open. */
const SOON_S = { waiting: 10, opened: 1 } as const

/** Ours alone; clients that do not know it stay connected to whom they are. */
const PART = { [PART_KEY]: true }

export class GatedSwarm extends Server.Swarm {
  #minViewers = 1

  /** Viewers announced before any two of them hear of each other. */
  setMinViewers(minViewers: number): void {
    const wasOpen = this.isOpen
    this.#minViewers = minViewers
    if (wasOpen === this.isOpen) return
    if (this.isOpen) this.#tellBrowsers(null)
    else this.#send({ ...this.#counts(), ...this.#warning(), ...PART }, null)
  }

  get isOpen(): boolean {
    return this.complete + this.incomplete >= this.#minViewers
  }

  override announce(params: AnnounceParams, done?: AnnounceDone): void {
    const wasOpen = this.isOpen
    super.announce(params, (error, answer) => {
      if (error !== null || answer === undefined || this.isOpen) done?.(error, answer)
      else done?.(null, { ...answer, ...this.#warning(), peers: [], interval: SOON_S.waiting })
    })
    if (!wasOpen && this.isOpen) this.#tellBrowsers(params.peer_id)
  }

  /**
   * Tells the browsers that the swarm has ended, and why.
   * @param part whether they shall close the connections that they have
   */
  end(reason: string, part: boolean): void {
    this.#send({ 'failure reason': reason, ...(part && PART) }, null)
  }

  /** An unasked-for answer with a short interval: they announce again, now with offers that count. */
  #tellBrowsers(except: string | null): void {
    this.#send({ ...this.#counts(), interval: SOON_S.opened }, except)
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
