// Peer ids of this player: 20 bytes, written as 40 hex digits. In the manner of BEP 20 they begin
// with a client's name and version, so that two viewers with this player know each other's rules.
import { hexOf } from './hex.ts'

const PREFIX = '2d534c303130302d' // "-SL0100-"
const LENGTH_BYTES = 20

export function newPeerId(): string {
  const random = crypto.getRandomValues(new Uint8Array(LENGTH_BYTES - PREFIX.length / 2))
  return PREFIX + hexOf(random)
}

/** @returns whether the peer plays by our rules */
export function isOurPlayer(peerId: string): boolean {
  return peerId.startsWith(PREFIX)
}
