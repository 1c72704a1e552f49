import { EventEmitter } from 'node:events'
import { beforeEach, expect, test } from 'vitest'
import type { Torrent } from 'webtorrent/dist/webtorrent.min.js'
import { Traffic } from './traffic.ts'

const BLOCK = 16 * 1024

/** A torrent as far as its events and its bitfield go. */
class Bitfield {
  readonly held = new Set<number>()
  get(index: number): boolean {
    return this.held.has(index)
  }
}

let torrent: EventEmitter & { readonly bitfield: Bitfield }
let traffic: Traffic
let changes: number
let isAsked: boolean

beforeEach(() => {
  torrent = Object.assign(new EventEmitter(), { bitfield: new Bitfield() })
  changes = 0
  traffic = new Traffic(torrent as unknown as Torrent, {
    wasAsked: () => isAsked,
    onChange: () => {
      changes += 1
    },
  })
  isAsked = true
})

function connect(): (piece: number, block: number) => void {
  const wire = new EventEmitter()
  torrent.emit('wire', wire)
  return (piece, block) => wire.emit('piece', piece, block * BLOCK, new Uint8Array(BLOCK))
}

function verify(piece: number): void {
  torrent.bitfield.held.add(piece)
  torrent.emit('verified', piece)
}

const inBlocks = () => {
  const { received, uploaded, wasted } = traffic.totals
  return { received: received / BLOCK, uploaded: uploaded / BLOCK, wasted: wasted / BLOCK }
}

test('blocks of a piece that turns out right are received and not wasted', () => {
  const [a, b] = [connect(), connect()]
  a(0, 0)
  b(0, 1)
  verify(0)
  traffic.superseded(0) // HTTP was later
  expect(inBlocks()).toEqual({ received: 2, uploaded: 0, wasted: 0 })
})

test('a block that two peers send is wasted once', () => {
  const [a, b] = [connect(), connect()]
  a(0, 0)
  b(0, 0)
  expect(inBlocks()).toEqual({ received: 2, uploaded: 0, wasted: 1 })
})

test('a block of a piece that is held already is wasted', () => {
  const send = connect()
  verify(3)
  send(3, 0)
  expect(inBlocks()).toEqual({ received: 1, uploaded: 0, wasted: 1 })
})

test('the blocks of a piece that HTTP brought first are wasted, each once', () => {
  const send = connect()
  send(0, 0)
  send(0, 1)
  send(1, 0)
  traffic.superseded(0)
  verify(0)
  send(0, 2) // was on its way
  traffic.superseded(0)
  expect(inBlocks()).toEqual({ received: 4, uploaded: 0, wasted: 3 })
})

test('the blocks of a piece that fails verification are wasted, and it starts anew', () => {
  const send = connect()
  send(7, 0)
  send(7, 1)
  traffic.superseded(7)
  send(7, 0)
  send(7, 1)
  verify(7)
  expect(inBlocks()).toEqual({ received: 4, uploaded: 0, wasted: 2 })
})

test('what peers have, or may send, is told', () => {
  const wire = new EventEmitter()
  torrent.emit('wire', wire)
  for (const event of ['have', 'unchoke', 'close']) wire.emit(event)
  wire.emit('upload', BLOCK)
  verify(0)
  expect([changes, inBlocks().uploaded]).toEqual([5, 1])
})

test('a block that nobody asked for is wasted, and begins no piece', () => {
  const send = connect()
  isAsked = false
  send(4_000_000_000, 0)
  send(1, 0)
  expect([...traffic.begun()]).toEqual([])
  isAsked = true
  send(1, 0)
  verify(1)
  expect(inBlocks()).toEqual({ received: 3, uploaded: 0, wasted: 2 })
})
