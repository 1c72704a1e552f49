import { createHash } from 'node:crypto'
import bencode from 'bencode'
import { describe, expect, test, vi } from 'vitest'
import { pieceIndex, pieceLayout } from '#protocol/pieces.ts'
import { type Bytes, PieceStore } from '../storage/piece-store.ts'
import { PlainPeer } from './peer-fixture.ts'
import { newPeerId } from './peer-id.ts'
import { joinSwarm, type SwarmOptions } from './swarm.ts'
import type { WebRtcPeer } from './webrtc-peers.ts'
import { MESSAGE } from './wire-messages.ts'

const UNCHOKE = 1
const BLOCK = 16 * 1024

describe('joinSwarm, with the real WebTorrent and nobody else in the swarm', () => {
  vi.stubGlobal('self', globalThis) // as in a browser
  vi.stubGlobal('window', globalThis)
  const layout = pieceLayout(2 * 256 * 1024 + 100)
  const file: Bytes = Uint8Array.from({ length: layout.size }, (_, i) => (i * 7) & 255)
  const pieces: Bytes[] = [0, 1, 2].map((i) =>
    file.slice(i * layout.pieceLength, (i + 1) * layout.pieceLength),
  )
  const at = (index: number) => pieceIndex(layout, index)

  const info = {
    name: 'clip.webm',
    length: layout.size,
    'piece length': layout.pieceLength,
    pieces: Buffer.concat(pieces.map((piece) => createHash('sha1').update(piece).digest())),
  }

  function join(
    store: PieceStore,
    signal = new AbortController().signal,
    size = layout.size,
    meet: SwarmOptions['meet'] = async () => {},
  ) {
    return joinSwarm({
      metainfo: bencode.encode({ info }),
      layout: pieceLayout(size),
      store,
      peerId: newPeerId(),
      meet,
      upload: { bytesPerSecond: null, bytesLeft: null },
      signal,
      onChange: () => {},
      onSpoiled: () => {},
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

  /** With a peer that has everything and lets us in. */
  async function joinWithPeer() {
    let take: (connection: WebRtcPeer) => void = () => {}
    const swarm = await join(nothing(), undefined, undefined, async (_infoHash, adopt) => {
      take = adopt
    })
    const infoHash = createHash('sha1').update(bencode.encode(info)).digest()
    const peer = new PlainPeer(infoHash, '192.0.2.1')
    take(peer as unknown as WebRtcPeer)
    peer.greet()
    await expect.poll(() => swarm.peers().length).toBe(1)
    peer.say(MESSAGE.bitfield, Buffer.of(0b1110_0000))
    peer.say(UNCHOKE)
    return { swarm, peer }
  }

  const answered = new WeakMap<PlainPeer, number>()
  /** Sends what was asked for since the last time. @returns how much was asked for in all: blocks */
  function answer(peer: PlainPeer): number {
    const requests = peer.requests()
    for (const { piece, offset, length } of requests.slice(answered.get(peer) ?? 0)) {
      peer.say(MESSAGE.piece, piece, offset, bytesOf(piece).subarray(offset, offset + length))
    }
    answered.set(peer, requests.length)
    return requests.length
  }

  test('peers are asked for pieces in the order of the decision, ranges that touch too', async () => {
    const { swarm, peer } = await joinWithPeer()
    const range = (first: number, last: number) => ({ first: at(first), last: at(last) })
    swarm.steer([range(1, 1), range(2, 2), range(0, 0)], () => true)
    const isHere = () => [0, 1, 2].every((index) => swarm.isVerified(at(index)))
    await expect
      .poll(() => answer(peer) > 0 && isHere(), { interval: 10, timeout: 5000 })
      .toBe(true)
    // Who is not known is tried with two blocks of the last one.
    const [, , ...asked] = peer.requests().map(({ piece }) => piece)
    expect([...new Set(asked)]).toEqual([1, 2, 0])
    await swarm.close()
  })

  test('of a piece that has begun over HTTP, peers are asked for the rest alone', async () => {
    const half = layout.pieceLength / 2
    const { swarm, peer } = await joinWithPeer()
    swarm.begin(at(0), bytesOf(0).slice(0, half))
    expect(swarm.missing(at(0))).toBe(half)
    swarm.steer([{ first: at(0), last: at(0) }], () => true)
    await expect
      .poll(() => answer(peer) > 0 && swarm.isVerified(at(0)), { interval: 10 })
      .toBe(true)
    const offsets = peer.requests().map(({ offset }) => offset)
    expect(Math.min(...offsets)).toBe(half)
    expect(offsets).toHaveLength(half / BLOCK)
    expect(swarm.totals).toMatchObject({ received: half, wasted: 0 })
    await swarm.close()
  })

  test('who sends the rest of a piece that began wrong is not at fault', async () => {
    const half = layout.pieceLength / 2
    const { swarm, peer } = await joinWithPeer()
    for (const index of [0, 1]) {
      swarm.begin(at(index), new Uint8Array(half)) // not what the file has there
      swarm.steer([{ first: at(index), last: at(index) }], () => true)
      await expect
        .poll(() => answer(peer) > 0 && swarm.isVerified(at(index)), { interval: 10 })
        .toBe(true)
    }
    expect(swarm.peers()).toHaveLength(1)
    await swarm.close()
  })

  test('connections are asked for again when the network was away', async () => {
    let attempts = 0
    const swarm = await join(nothing(), undefined, undefined, async () => {
      attempts += 1
      if (attempts < 3) throw new TypeError('Failed to fetch dynamically imported module')
    })
    await expect.poll(() => attempts, { timeout: 3000 }).toBe(3)
    await swarm.close()
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
