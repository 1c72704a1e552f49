import { createHash } from 'node:crypto'
import { EventEmitter } from 'node:events'
import bencode from 'bencode'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { Torrent } from 'webtorrent/dist/webtorrent.min.js'
import { pieceIndex, pieceLayout } from '#protocol/pieces.ts'
import { type Bytes, PieceStore } from '../storage/piece-store.ts'
import { newPeerId } from './peer-id.ts'
import { joinSwarm, Traffic } from './swarm.ts'

describe('joinSwarm, with the real WebTorrent and nobody else in the swarm', () => {
  vi.stubGlobal('self', globalThis) // as in a browser
  vi.stubGlobal('window', globalThis)
  const layout = pieceLayout(2 * 256 * 1024 + 100)
  const file: Bytes = Uint8Array.from({ length: layout.size }, (_, i) => (i * 7) & 255)
  const pieces: Bytes[] = [0, 1, 2].map((i) =>
    file.slice(i * layout.pieceLength, (i + 1) * layout.pieceLength),
  )
  const at = (index: number) => pieceIndex(layout, index)

  function metainfo(): Uint8Array {
    const hashes = pieces.map((piece) => createHash('sha1').update(piece).digest())
    return bencode.encode({
      info: {
        name: 'clip.webm',
        length: layout.size,
        'piece length': layout.pieceLength,
        pieces: Buffer.concat(hashes),
      },
    })
  }

  function join(store: PieceStore, signal = new AbortController().signal, size = layout.size) {
    return joinSwarm({
      metainfo: metainfo(),
      layout: pieceLayout(size),
      store,
      peerId: newPeerId(),
      meet: async () => {},
      upload: { bytesPerSecond: null, bytesLeft: null },
      signal,
      onChange: () => {},
      onBroken: (error) => {
        throw error
      },
    })
  }

  const nothing = () => new PieceStore(layout, async () => null)
  const bytesOf = (index: number): Bytes => pieces[index]?.slice() ?? new Uint8Array(0)

  test('what an earlier visit left is waited for, and verified', async () => {
    const backing = {
      write: async () => {},
      read: async (index: number, offset: number, length: number) =>
        index === 1 ? new Uint8Array(length) : bytesOf(index).slice(offset, offset + length),
      forget: () => {},
      close: () => {},
    }
    const store = new PieceStore(layout, async () => {
      await new Promise((resolve) => setTimeout(resolve, 200))
      return { backing, held: [at(0), at(1), at(2)] }
    })
    const swarm = await join(store)
    expect(swarm.piecesReused).toBe(2) // piece 1 is damaged
    expect([0, 1, 2].map((index) => swarm.isVerified(at(index)))).toEqual([true, false, true])
    await swarm.close()
  })

  test('a piece is compared with its hash, whether it was verified before or not', async () => {
    const store = nothing()
    store.write(at(0), bytesOf(0))
    const swarm = await join(store)
    const wrong = new Uint8Array(layout.pieceLength)
    expect(await swarm.inject(at(0), bytesOf(0))).toBe('known')
    expect(await swarm.inject(at(0), wrong)).toBe('wrong')
    expect(await swarm.inject(at(1), wrong)).toBe('wrong')
    expect(swarm.isVerified(at(1))).toBe(false)
    store.write(at(1), bytesOf(1)) // only what lies in the store is offered
    expect(await swarm.inject(at(1), bytesOf(1))).toBe('taken')
    expect(swarm.isVerified(at(1))).toBe(true)
    await swarm.close()
    await swarm.close() // twice does no harm
  })

  test('a store that never answers holds nobody up who wants to leave', async () => {
    const store = nothing()
    store.write(at(0), bytesOf(0))
    store.read = () => new Promise(() => {})
    const closing = new AbortController()
    const joining = join(store, closing.signal)
    setTimeout(() => closing.abort(), 300)
    await expect(joining).rejects.toThrow('closed')
  })

  test('a torrent of another size is refused before the store is read', async () => {
    const store = nothing()
    let reads = 0
    store.read = () => {
      reads += 1
      return Promise.reject(new Error('not held'))
    }
    await expect(join(store, undefined, layout.size + 1)).rejects.toThrow('not cut')
    expect(reads).toBe(0)
  })
})

describe('Traffic', () => {
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

  beforeEach(() => {
    torrent = Object.assign(new EventEmitter(), { bitfield: new Bitfield() })
    changes = 0
    traffic = new Traffic(torrent as unknown as Torrent, () => {
      changes += 1
    })
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
    torrent.emit('warning', new Error('Piece 7 failed verification'))
    torrent.emit('warning', 'the tracker is slow')
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
})
