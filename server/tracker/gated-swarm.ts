// A swarm in which nobody hears of anybody before so many are announced as the publisher wants.
// Until then every announce counts and none is handed on; when the gate opens, the browsers that
// wait are told at once and native clients, which cannot be told, come back within seconds.
import Server, { type AnnounceDone, type AnnounceParams } from 'bittorrent-tracker/server'

/** Until their next announce, for clients that wait for the gate or have just seen it open. */
const SOON_S = { waiting: 10, opened: 1 } as const

export class GatedSwarm extends Server.Swarm {
  #minViewers = 1

  /** Viewers announced before any two of them hear of each other. */
  setMinViewers(minViewers: number): void {
    const wasOpen = this.isOpen
    this.#minViewers = minViewers
    if (!wasOpen && this.isOpen) this.#tellBrowsers(null)
  }

  get isOpen(): boolean {
    return this.complete + this.incomplete >= this.#minViewers
  }

  override announce(params: AnnounceParams, done?: AnnounceDone): void {
    const wasOpen = this.isOpen
    super.announce(params, (error, answer) => {
      if (error !== null || answer === undefined || this.isOpen) done?.(error, answer)
      else done?.(null, { ...answer, peers: [], interval: SOON_S.waiting })
    })
    if (!wasOpen && this.isOpen) this.#tellBrowsers(params.peer_id)
  }

  /** Tells the browsers that the swarm has ended, and why. */
  end(reason: string): void {
    this.#send({ 'failure reason': reason }, null)
  }

  /** An unasked-for answer with a short interval: they announce again, now with offers that count. */
  #tellBrowsers(except: string | null): void {
    const { complete, incomplete } = this
    this.#send({ complete, incomplete, interval: SOON_S.opened }, except)
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
