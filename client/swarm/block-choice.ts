// Which blocks a peer is asked for next, in place of WebTorrent's own choice (`_update` and `_updateWire`
// in its lib/torrent.js, 3.0.21). That one waits for an idle moment of the page, up to 250 ms each
// time; asks a peer that has sent nothing yet for one block; and then for as many as come in a second by
// the clock, which is two of a peer that was asked for little. On a page that is busy, as it is when a
// film begins, a piece took seconds that way.
import type { Torrent, Wire } from 'webtorrent/dist/webtorrent.min.js'
import { BLOCK_BYTES } from '#protocol/pieces.ts'
import type { PaceOf } from './wire-queues.ts'

/** Besides what a peer sends in a while, it is asked for so many blocks. */
const LEAST_BLOCKS = 2
/** A peer is asked for more when it has less than so much to send … */
const LOW_SECONDS = 0.5
/** … and then for so much. */
const HIGH_SECONDS = 1

/**
 * Before the first peer comes.
 * @param paceOf bytes per second while something is asked for, 0 until that is known
 */
export function chooseBlocks(torrent: Torrent, paceOf: PaceOf): void {
  const updateWire = torrent._updateWire.bind(torrent)
  torrent._updateWire = (wire) => {
    if (wire.peerChoking)
      updateWire(wire) // it may allow some pieces all the same (BEP 6)
    else fill(torrent, wire, paceOf(wire))
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
    const wanted = wantedOf(torrent, wire)
    // What is needed at once may yet be fetched elsewhere: who is not known is tried with the last.
    for (const piece of pace > 0 ? wanted : [...wanted].reverse()) {
      while (wire.requests.length < most && torrent._request(wire, piece, false));
      if (wire.requests.length >= most) return
    }
  } finally {
    wire.downloadSpeed = downloadSpeed
  }
}

/** What the peer has of it, soonest needed first. */
function* wantedOf(torrent: Torrent, wire: Wire): Generator<number> {
  for (const { from, to } of torrent._selections._items) {
    for (let piece = from; piece <= to; piece += 1) if (wire.peerPieces.get(piece)) yield piece
  }
}

/** No more than the peer takes (BEP 10). */
function blocksIn({ peerExtendedHandshake }: Wire, seconds: number, pace: number): number {
  const { reqq } = peerExtendedHandshake
  const blocks = LEAST_BLOCKS + Math.ceil((seconds * pace) / BLOCK_BYTES)
  return typeof reqq === 'number' && reqq > 0 ? Math.min(blocks, reqq) : blocks
}
