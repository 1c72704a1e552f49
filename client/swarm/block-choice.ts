// Which blocks a peer is asked for next, in place of WebTorrent's own choice (`_update` and `_updateWire`
// in its lib/torrent.js, 3.0.21). That one waits for an idle moment of the page, up to 250 ms each
// time; asks a peer that has sent nothing yet for one block, of the last piece; and then for as many as
// come in a second by the clock, which is two of a peer that was asked for little. On a page that is
// busy, as it is when a film begins, a piece took seconds that way.
import type { Torrent, Wire } from 'webtorrent/dist/webtorrent.min.js'
import { UNKNOWN_PACE } from '../playback/pace.ts'
import type { PaceOf } from './wire-queues.ts'

const BLOCK_BYTES = 16 * 1024
/** Besides what a peer sends in a while, it is asked for so many blocks. */
const LEAST_BLOCKS = 2
/** A peer is asked for more when it has less than so much to send … */
const LOW_SECONDS = 0.5
/** … and then for so much. */
const HIGH_SECONDS = 1

/** Before the first peer comes. @param paceOf bytes per second while something is asked for */
export function chooseBlocks(torrent: Torrent, paceOf: PaceOf): void {
  const updateWire = torrent._updateWire.bind(torrent)
  torrent._updateWire = (wire) => {
    if (wire.peerChoking)
      updateWire(wire) // it may allow some pieces all the same (BEP 6)
    else fill(torrent, wire, paceOf(wire) || UNKNOWN_PACE)
  }
  const updateWires = torrent._updateWireWrapper.bind(torrent)
  let isDue = false
  torrent._update = () => {
    if (isDue) return
    isDue = true
    // What comes in one go is answered in one go.
    setTimeout(() => {
      isDue = false
      updateWires()
    })
  }
}

function fill(torrent: Torrent, wire: Wire, pace: number): void {
  if (wire.destroyed || wire.requests.length >= blocksIn(wire, LOW_SECONDS, pace)) return
  const most = blocksIn(wire, HIGH_SECONDS, pace)
  const { downloadSpeed } = wire
  wire.downloadSpeed = () => pace // `_request` asks for no more than comes in a second by this
  try {
    for (const { from, to } of torrent._selections._items) {
      for (let piece = from; piece <= to; piece += 1) {
        if (!wire.peerPieces.get(piece)) continue
        while (wire.requests.length < most && torrent._request(wire, piece, false));
        if (wire.requests.length >= most) return
      }
    }
  } finally {
    wire.downloadSpeed = downloadSpeed
  }
}

/** No more than the peer takes (BEP 10). */
function blocksIn({ peerExtendedHandshake }: Wire, seconds: number, pace: number): number {
  const { reqq } = peerExtendedHandshake
  const blocks = LEAST_BLOCKS + Math.ceil((seconds * pace) / BLOCK_BYTES)
  return typeof reqq === 'number' && reqq > 0 ? Math.min(blocks, reqq) : blocks
}
