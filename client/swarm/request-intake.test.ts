import { EventEmitter } from 'node:events'
import { beforeEach, expect, test } from 'vitest'
import type { Torrent } from 'webtorrent/dist/webtorrent.min.js'
import { takeRequestsSlowly } from './request-intake.ts'

const BLOCK = 128 * 1024

/** A wire whose peer asks; `read` holds the requests that would be read and sent. */
class AskingWire extends EventEmitter {
  readonly destroyed = false
  readonly hasFast = true
  peerRequests: { piece: number; offset: number; length: number }[] = []
  readonly read: number[] = []
  readonly refused: number[] = []
  readonly _readableState = { buffered: 0 }
  /** The network has taken everything. */
  _read = (done: (error: Error | null) => void) => done(null)

  constructor() {
    super()
    this.on('request', (piece: number) => this.read.push(piece))
  }
  ask(piece: number): void {
    this.peerRequests.push({ piece, offset: 0, length: BLOCK })
    this.emit('request', piece, 0, BLOCK)
  }
  /** Has been read, and waits for the network. */
  send(piece: number): void {
    this._readableState.buffered += BLOCK
    this.withdraw(piece)
    this.emit('upload', BLOCK)
  }
  withdraw(piece: number): void {
    this.peerRequests = this.peerRequests.filter((request) => request.piece !== piece)
  }
  reject(piece: number): void {
    this.refused.push(piece)
    this.withdraw(piece)
  }
}

let wire: AskingWire
let given: Set<number>

beforeEach(() => {
  given = new Set()
  const torrent = Object.assign(new EventEmitter(), {
    bitfield: { get: (index: number) => index < 100 && !given.has(index) },
  })
  takeRequestsSlowly(torrent as unknown as Torrent)
  wire = new AskingWire()
  torrent.emit('wire', wire)
})

test('no more is read than the network takes', async () => {
  for (let piece = 0; piece < 20; piece += 1) wire.ask(piece)
  expect(wire.read).toEqual([0, 1, 2, 3])
  wire.send(0)
  expect(wire.read).toHaveLength(4) // read, but not out yet
  wire._readableState.buffered = 0
  wire._read(() => {})
  await expect.poll(() => wire.read.length, { interval: 5 }).toBe(5)
  wire.emit('close')
})

test('what is withdrawn while it waits is never read', async () => {
  for (let piece = 0; piece < 6; piece += 1) wire.ask(piece)
  for (const piece of [0, 4]) wire.withdraw(piece)
  wire.emit('cancel')
  await expect.poll(() => wire.read, { interval: 5 }).toEqual([0, 1, 2, 3, 5])
  wire.emit('close')
})

test('what is not here is refused', () => {
  wire.ask(100)
  expect(wire.read).toEqual([])
  expect(wire.refused).toEqual([100])
  expect(wire.peerRequests).toEqual([])
})

test('what was given up after it was passed on holds nothing up', async () => {
  for (let piece = 0; piece < 6; piece += 1) wire.ask(piece)
  expect(wire.read).toEqual([0, 1, 2, 3])
  for (const piece of [0, 1]) given.add(piece)
  wire.emit('cancel')
  expect(wire.read).toEqual([0, 1, 2, 3, 4, 5])
  wire.emit('close')
})
