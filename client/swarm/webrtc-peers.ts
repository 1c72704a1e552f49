// Makes WebRTC connections as WebTorrent's own tracker client makes them, so that both understand
// each other: data channel only, all candidates in one description. All share one certificate.
import SimplePeer from '@thaunknown/simple-peer/lite.js'
import { bundleMessages } from './message-bundles.ts'

export type WebRtcPeer = SimplePeer

export interface MadeOffer {
  readonly peer: WebRtcPeer
  readonly sdp: string
}

/**
 * From the first candidate on: STUN servers answer within that time or are not reached. Without
 * them all candidates are there at once.
 */
const CANDIDATES_WAIT_MS = 1000
/** A browser that has not described its end by then never will. */
const DESCRIPTION_WAIT_MS = 8000

export class WebRtcPeers {
  readonly #config: Promise<RTCConfiguration>
  #closed = false

  /** @param iceServers named in full: left out, simple-peer would ask strangers' STUN servers */
  constructor(iceServers: readonly RTCIceServer[]) {
    this.#config = configuration([...iceServers])
  }

  /** No more connections are begun, and no STUN server is asked; those made belong to who has them. */
  close(): void {
    this.#closed = true
  }

  /** @returns `null` when the browser can make no more connections. The caller closes the peer. */
  async makeOffer(): Promise<MadeOffer | null> {
    const peer = await this.#create(true)
    if (!peer) return null
    const sdp = await description(peer)
    return sdp === null ? null : { peer, sdp }
  }

  /**
   * @param adopt gets the peer as soon as there is one, and closes it; it may do so at once. `null`
   *   when the browser can make no more connections
   * @param reply gets our answer
   */
  async answer(
    offer: string,
    adopt: (peer: WebRtcPeer | null) => void,
    reply: (sdp: string) => void,
  ): Promise<void> {
    const peer = await this.#create(false)
    adopt(peer)
    if (!peer) return
    const answered = description(peer)
    describe(peer, { type: 'offer', sdp: offer })
    const sdp = await answered
    if (sdp !== null) reply(sdp)
  }

  async #create(initiator: boolean): Promise<WebRtcPeer | null> {
    const config = await this.#config
    if (this.#closed) return null
    try {
      const peer = new SimplePeer({
        initiator,
        trickle: false,
        config,
        iceCompleteTimeout: CANDIDATES_WAIT_MS,
      })
      peer.on('error', () => {}) // whoever has the peer listens as well
      refuseText(peer)
      bundleMessages(peer)
      return peer
    } catch {
      return null
    }
  }
}

/** Further on, text would be taken for bytes. */
function refuseText(peer: WebRtcPeer): void {
  const onMessage = peer._onChannelMessage
  peer._onChannelMessage = (event) => {
    if (event.data instanceof ArrayBuffer) onMessage.call(peer, event)
    else peer.destroy()
  }
}

/**
 * While nobody reads what a peer sends, it lies in memory: one that sends more than that is closed.
 * An honest one sends its handshake of 68 bytes, and waits for ours.
 */
const MAX_UNREAD_BYTES = 64 * 1024

/** @param isRead whether there is somebody by now who reads, and minds how much it is */
export function boundUnread(peer: WebRtcPeer, isRead: () => boolean): void {
  let unread = 0
  const onMessage = peer._onChannelMessage
  peer._onChannelMessage = (event) => {
    if (!isRead()) unread += event.data.byteLength ?? 0 // text has none, and is refused
    if (unread > MAX_UNREAD_BYTES) peer.destroy()
    else onMessage.call(peer, event)
  }
}

/** Tells a peer what the other end has described; a description that is no good ends it. */
export function describe(peer: WebRtcPeer, description: RTCSessionDescriptionInit): void {
  try {
    peer.signal(description)
  } catch {
    peer.destroy()
  }
}

/** @returns our description, or `null` and the peer is closed */
function description(peer: WebRtcPeer): Promise<string | null> {
  return new Promise((resolve) => {
    const fail = (): void => {
      clearTimeout(timer)
      resolve(null)
      peer.destroy()
    }
    const timer = setTimeout(fail, DESCRIPTION_WAIT_MS)
    peer.on('signal', ({ sdp }) => {
      clearTimeout(timer)
      resolve(sdp ?? null)
    })
    peer.on('error', fail).on('close', fail)
  })
}

/** Otherwise every connection would have the browser make a certificate of its own. */
async function configuration(iceServers: RTCIceServer[]): Promise<RTCConfiguration> {
  try {
    const ecdsa = { name: 'ECDSA', namedCurve: 'P-256' }
    return { iceServers, certificates: [await RTCPeerConnection.generateCertificate(ecdsa)] }
  } catch {
    return { iceServers }
  }
}
