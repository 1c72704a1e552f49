import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Torrent, Wire } from 'webtorrent/dist/webtorrent.min.js'
import { PeerPatience } from './peer-patience.ts'

/** A wire as far as requests go. */
class AskedWire extends EventEmitter {
  readonly peerId: string
  requests: { piece: number; offset: number; length: number }[] = []
  /** When the oldest request was sent. */
  askedAt = 0
  peerChoking = false
  amInterested = false
  constructor(peerId: string) {
    super()
    this.peerId = peerId
  }
  cancel(): void {
    this.requests.pop()
  }
}

let torrent: EventEmitter
let patience: PeerPatience
let hopeless: string[]
let clock = 0

beforeEach(() => {
  torrent = new EventEmitter()
  hopeless = []
  const oldestAge = (wire: Wire): number => {
    const { requests, askedAt } = wire as unknown as AskedWire
    return requests.length > 0 ? patience.now - askedAt : 0
  }
  const onHopeless = ({ peerId }: Wire) => hopeless.push(peerId)
  const options = { oldestAge, onChange: () => {}, onHopeless }
  patience = new PeerPatience(torrent as unknown as Torrent, options, () => clock)
})
afterEach(() => void torrent.emit('close'))

function connect(peerId = 'peer'): { readonly peer: AskedWire; readonly wire: Wire } {
  const peer = new AskedWire(peerId)
  torrent.emit('wire', peer)
  return { peer, wire: peer as unknown as Wire }
}
function ask(peer: AskedWire): void {
  peer.requests.push({ piece: 0, offset: 0, length: 16_384 })
  peer.askedAt = patience.now
}
/** In steps, as a timer would. */
function pass(ms: number): void {
  for (let left = ms; left > 0; left -= 250) passAtOnce(Math.min(250, left))
}
function passAtOnce(ms: number): void {
  clock += ms
  patience.look()
}

test('who has not sent anything is relied on for 2.5 s, who has for 4 s', () => {
  const { peer, wire } = connect()
  ask(peer)
  pass(2250)
  expect(patience.reliesOn(wire)).toBe(true)
  pass(500)
  expect(patience.reliesOn(wire)).toBe(false)
  peer.emit('piece')
  peer.askedAt = patience.now
  expect(patience.reliesOn(wire)).toBe(true)
  pass(3750)
  expect(patience.reliesOn(wire)).toBe(true)
  pass(500)
  expect(patience.reliesOn(wire)).toBe(false)
})

test('what it does not send is given to others, and it is left alone for longer and longer', () => {
  const { peer, wire } = connect()
  const rests: number[] = []
  const gone: boolean[] = []
  for (let i = 0; i < 3; i += 1) {
    ask(peer)
    pass(6250)
    expect(peer.requests).toEqual([])
    gone.push(patience.isGone(wire))
    let rest = 0
    for (; !patience.mayAsk(wire); rest += 250) pass(250)
    rests.push(rest)
  }
  expect(rests).toEqual([5000, 10_000, 20_000])
  expect(gone).toEqual([false, true, true])
  ask(peer)
  pass(6250)
  expect(hopeless).toEqual(['peer'])
})

test('who sends one block in every three seconds is not waited for either', () => {
  const { peer, wire } = connect()
  ask(peer)
  for (let i = 0; i < 2; i += 1) {
    pass(3000)
    peer.emit('piece')
  }
  pass(500)
  expect(patience.reliesOn(wire)).toBe(false)
})

test('who refuses everything is like who says nothing', () => {
  const { peer, wire } = connect()
  for (let ms = 0; ms < 3000; ms += 250) {
    peer.emit('reject')
    pass(250)
  }
  expect(patience.reliesOn(wire)).toBe(false)
})

test('nobody is blamed for the time in which this page slept', () => {
  const { peer, wire } = connect()
  ask(peer)
  passAtOnce(60_000)
  expect(patience.reliesOn(wire)).toBe(true)
})

test('who is not asked is not waited for', () => {
  const { wire } = connect()
  pass(60_000)
  expect(patience.reliesOn(wire)).toBe(true)
})

test('who comes back is known, and relied on again with the first block', () => {
  const { peer } = connect()
  ask(peer)
  pass(6250)
  peer.emit('close')
  const { peer: again, wire } = connect()
  expect(patience.reliesOn(wire)).toBe(false)
  expect(patience.mayAsk(wire)).toBe(true)
  again.emit('piece')
  expect(patience.reliesOn(wire)).toBe(true)
})

test('who keeps us out for five seconds in which we are interested withholds, until it lets us in', () => {
  const { peer, wire } = connect()
  peer.peerChoking = true
  pass(10_000)
  expect(patience.withholds(wire)).toBe(false)
  peer.amInterested = true
  pass(3000)
  peer.amInterested = false
  pass(3000)
  peer.amInterested = true
  pass(1750)
  expect(patience.withholds(wire)).toBe(false)
  pass(250)
  expect(patience.withholds(wire)).toBe(true)
  peer.peerChoking = false
  peer.emit('unchoke')
  expect(patience.withholds(wire)).toBe(false)
  peer.peerChoking = true
  pass(4750)
  expect(patience.withholds(wire)).toBe(false)
})

test('its clock goes on between two looks, but not while the page sleeps', () => {
  const begun = patience.now
  clock += 60
  expect(patience.now - begun).toBe(60)
  patience.look()
  clock += 60
  expect(patience.now - begun).toBe(120)
  clock += 60_000
  expect(patience.now - begun).toBe(1060)
  patience.look()
  clock += 5
  expect(patience.now - begun).toBe(1065)
})
