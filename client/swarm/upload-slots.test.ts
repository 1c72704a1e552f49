import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Torrent } from 'webtorrent/dist/webtorrent.min.js'
import { UploadSlots } from './upload-slots.ts'

const BLOCK = 16 * 1024
const BYTES_PER_SECOND = 10 * BLOCK

/** A wire as far as choking and requests go. */
class ChokableWire extends EventEmitter {
  peerInterested = false
  amChoking = true
  peerRequests: object[] = []
  unchoke(): void {
    this.amChoking = false
  }
  become(interest: 'interested' | 'uninterested'): void {
    this.peerInterested = interest === 'interested'
    this.emit(interest)
  }
  /** Asks for a block and gets it. @param more how many it waits for */
  exchange(more: number): void {
    this.emit('request')
    this.peerRequests = Array.from({ length: more }, () => ({}))
    this.emit('upload', BLOCK)
  }
}

let wires: ChokableWire[]
let torrent: EventEmitter & { wires: ChokableWire[]; _rechokeNumSlots: number; rechoked: number }
let slots: UploadSlots

beforeEach(() => {
  wires = [1, 2, 3, 4].map(() => new ChokableWire())
  torrent = Object.assign(new EventEmitter(), {
    wires,
    _rechokeNumSlots: 3,
    rechoked: 0,
    _rechoke() {
      this.rechoked += 1
    },
  })
  slots = new UploadSlots(torrent as unknown as Torrent, () => BYTES_PER_SECOND)
  for (const wire of wires) torrent.emit('wire', wire)
})
afterEach(() => void torrent.emit('close'))

const choked = () => wires.map(({ amChoking }) => amChoking)

test('an interested peer is let in at once while there are slots', () => {
  const [first, ...others] = wires
  if (first) first.amChoking = false // WebTorrent lets in who is not interested, too: it costs nothing
  for (const wire of others) wire.become('interested')
  expect(choked()).toEqual([false, false, false, false])
})

test('who waits for a slot gets it as soon as somebody has enough', () => {
  for (const wire of wires) wire.become('interested')
  expect(choked()).toEqual([false, false, false, true])
  wires[1]?.become('uninterested')
  expect(wires[3]?.amChoking).toBe(false)
})

test('no slots, nobody is let in', () => {
  torrent._rechokeNumSlots = 0
  for (const wire of wires) wire.become('interested')
  expect(choked()).toEqual([true, true, true, true])
})

test('a slow uplink has fewer slots from then on, at once', async () => {
  for (const wire of wires) wire.become('interested')
  for (let block = 0; block < 4; block += 1) {
    for (const wire of wires.slice(0, 3)) wire.exchange(5)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  slots.look(performance.now() + 3000) // twelve blocks in more than three seconds, for three
  expect([torrent._rechokeNumSlots, torrent.rechoked]).toEqual([2, 1])
})

test('a fast uplink keeps its slots', () => {
  for (const wire of wires) wire.become('interested')
  for (const wire of wires.slice(0, 3)) wire.exchange(5)
  slots.look(performance.now() + 10)
  expect([torrent._rechokeNumSlots, torrent.rechoked]).toEqual([4, 0])
  expect(wires[3]?.amChoking).toBe(false)
})
