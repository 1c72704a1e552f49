import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import type { Torrent } from 'webtorrent/dist/webtorrent.min.js'
import { unchokeAtOnce } from './upload-slots.ts'

/** A wire as far as choking goes. */
class ChokableWire extends EventEmitter {
  peerInterested = false
  amChoking = true
  unchoke(): void {
    this.amChoking = false
  }
  becomeInterested(): void {
    this.peerInterested = true
    this.emit('interested')
  }
}

test('an interested peer is let in at once, again and again, while there are slots', () => {
  const wires = [1, 2, 3, 4].map(() => new ChokableWire())
  const torrent = Object.assign(new EventEmitter(), { wires, _rechokeNumSlots: 2 })
  unchokeAtOnce(torrent as unknown as Torrent)
  for (const wire of wires) torrent.emit('wire', wire)
  const [first, ...others] = wires
  if (first) first.amChoking = false // WebTorrent lets in who is not interested, too: it costs nothing
  for (const wire of others) wire.becomeInterested()
  expect(wires.map(({ amChoking }) => amChoking)).toEqual([false, false, false, true])
  const [, second, , last] = wires
  Object.assign(second ?? {}, { peerInterested: false, amChoking: true })
  last?.becomeInterested()
  expect(last?.amChoking).toBe(false)
  torrent._rechokeNumSlots = 0 // nothing may be sent any more
  Object.assign(second ?? {}, { amChoking: true })
  second?.becomeInterested()
  expect(second?.amChoking).toBe(true)
})
