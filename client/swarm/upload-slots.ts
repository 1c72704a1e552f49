// Who is sent to, where WebTorrent's own choice does not suit viewers. It reckons every 10 s, prefers
// whoever sends most, and lets a peer in at once only the first time that it is interested; but a
// viewer is interested for a moment, whenever something is new, and cannot wait for 10 s.
import type { Torrent } from 'webtorrent/dist/webtorrent.min.js'

/**
 * As many peers as a viewer looks for, and some that found it: in all but the largest swarms nobody
 * who watches is choked. Beyond that, one slot goes round among those who have none.
 */
export const UPLOAD_SLOTS = 20

/** Lets a peer in as soon as it is interested, while there are slots. */
export function unchokeAtOnce(torrent: Torrent): void {
  torrent.on('wire', (wire) => {
    wire.on('interested', () => {
      const sentTo = torrent.wires.filter((other) => other.peerInterested && !other.amChoking)
      if (wire.amChoking && sentTo.length < torrent._rechokeNumSlots) wire.unchoke()
    })
  })
}
