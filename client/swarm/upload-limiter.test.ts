import { EventEmitter } from 'node:events'
import { beforeEach, expect, test } from 'vitest'
import type { Torrent } from 'webtorrent/dist/webtorrent.min.js'
import type { UploadLimit } from '../playback/sharing.ts'
import { UploadLimiter } from './upload-limiter.ts'

/** A wire as far as choking and uploads go; WebTorrent lets it in when it is interested. */
class SentToWire extends EventEmitter {
  amChoking = true
  readonly destroyed = false
  readonly hasFast = true
  peerRequests: { piece: number; offset: number; length: number }[] = []
  readonly answered: number[] = []
  readonly refused: number[] = []
  constructor() {
    super()
    this.once('interested', () => this.unchoke())
    this.on('request', (piece: number) => this.answered.push(piece))
  }
  readonly said: string[] = []
  extended(name: string): void {
    this.said.push(name)
  }
  choke(): void {
    this.amChoking = true
    this.peerRequests = []
  }
  ask(piece: number): void {
    this.peerRequests.push({ piece, offset: 0, length: 1000 })
    this.emit('request', piece, 0, 1000, () => {})
  }
  reject(piece: number): void {
    this.refused.push(piece)
  }
  unchoke(): void {
    this.amChoking = false
  }
}

const ALL = { bytesPerSecond: null, bytesLeft: null }
const NOTHING = { bytesPerSecond: null, bytesLeft: 0 }

let wires: SentToWire[]
let torrent: EventEmitter
let given: Set<number>

beforeEach(() => {
  wires = []
  given = new Set()
  torrent = Object.assign(new EventEmitter(), {
    wires,
    bitfield: { get: (index: number) => !given.has(index) },
    _rechoke: () => {
      for (const wire of wires) wire.unchoke()
    },
  })
})

const limited = (limit: UploadLimit) => new UploadLimiter(torrent as unknown as Torrent, limit)
const connect = () => {
  const wire = new SentToWire()
  wires.push(wire)
  torrent.emit('wire', wire)
  return wire
}
const choking = () => wires.map(({ amChoking }) => amChoking)

test('where nothing may be sent no rule lets a peer in, until something may be sent', () => {
  const limiter = limited(NOTHING)
  const wire = connect()
  wire.emit('interested')
  wire.unchoke()
  expect(choking()).toEqual([true])
  limiter.limit(ALL)
  expect(choking()).toEqual([false])
  limiter.limit(NOTHING)
  expect(choking()).toEqual([true])
})

test('what is left is shared by all peers, and then all are choked', () => {
  const limiter = limited({ bytesPerSecond: 9, bytesLeft: 100 })
  const [one, two] = [connect(), connect()]
  one.unchoke()
  two.unchoke()
  one.emit('upload', 60)
  expect([choking(), limiter.isSpent]).toEqual([[false, false], false])
  two.emit('upload', 60)
  expect(limiter.isSpent).toBe(true)
  expect(choking()).toEqual([true, true])
  one.unchoke()
  expect(choking()).toEqual([true, true])
})

test('where nothing may be sent the metadata stay here too, and other words go out', () => {
  limited(NOTHING)
  const wire = connect()
  for (const name of ['ut_metadata', 'lt_donthave']) wire.extended(name)
  expect(wire.said).toEqual(['lt_donthave'])
})

test('requests wait for their turn, and those withdrawn cost nothing', async () => {
  const limiter = limited({ bytesPerSecond: 20_000, bytesLeft: null }) // one in 50 ms
  const [one, two] = [connect(), connect()]
  one.ask(0)
  for (const piece of [1, 2, 3, 4, 5, 6, 7]) two.ask(piece)
  for (const piece of [10, 11]) one.ask(piece)
  two.choke()
  await expect.poll(() => one.answered, { interval: 5 }).toEqual([0, 10, 11])
  expect(two.answered.length).toBeLessThan(6)
  for (let piece = 20; piece < 30; piece += 1) one.ask(piece)
  expect(one.answered.length).toBeLessThan(13)
  limiter.limit(ALL)
  expect(one.answered).toHaveLength(13)
})

test('a piece that is given up while a request for it waits is refused', async () => {
  limited({ bytesPerSecond: 20_000, bytesLeft: null })
  const wire = connect()
  for (let piece = 0; piece < 10; piece += 1) wire.ask(piece)
  given.add(7).add(8)
  await expect.poll(() => wire.answered).toEqual([0, 1, 2, 3, 4, 5, 6, 9])
  expect(wire.refused).toEqual([7, 8])
})

test('over time the rate holds', async () => {
  const limiter = limited({ bytesPerSecond: 40_000, bytesLeft: null })
  const wire = connect()
  const start = performance.now()
  for (let piece = 0; piece < 100; piece += 1) wire.ask(piece)
  await new Promise((resolve) => setTimeout(resolve, 500))
  limiter.close()
  const answered = wire.answered.length
  const seconds = (performance.now() - start) / 1000
  expect(answered).toBeGreaterThan(10)
  expect(answered).toBeLessThan(40 * (seconds + 0.3)) // and the unused time of before
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(wire.answered.length).toBe(answered)
})
