// Keeps WebTorrent honest: a piece that the store has given up, or lost, is no longer claimed, and
// peers that were told of it are told that it is gone (BEP 54, lt_donthave).
import type { Torrent } from 'webtorrent/dist/webtorrent.min.js'
import type { PieceIndex } from '#protocol/pieces.ts'
import type { PieceStore } from '../storage/piece-store.ts'

/** Works until the torrent is closed or the store is. To be called before the torrent is ready. */
export function withdrawLosses(torrent: Torrent, store: Pick<PieceStore, 'has' | 'onLost'>): void {
  const withdraw = (index: PieceIndex): void => {
    const isClaimed = !torrent.destroyed && torrent.bitfield?.get(index)
    if (!isClaimed || store.has(index)) return
    torrent._markUnverified(index)
    for (const wire of torrent.wires) wire.lt_donthave.donthave(index)
  }
  const stop = store.onLost(withdraw)
  // One that went while it was being verified. WebTorrent tells peers of it right after this event.
  torrent.on('verified', (index) => {
    if (!store.has(index as PieceIndex)) queueMicrotask(() => withdraw(index as PieceIndex))
  })
  torrent.on('close', stop)
}
