import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import bencode from 'bencode'
import { afterAll, expect, test, vi } from 'vitest'
import type { Wire } from 'webtorrent/dist/webtorrent.min.js'
import { pieceLayout } from '#protocol/pieces.ts'
import { PieceStore } from '../storage/piece-store.ts'
import { chooseBlocks } from './block-choice.ts'
import { completeByteEncodings } from './byte-encodings.ts'
import { PlainPeer } from './peer-fixture.ts'
import { newPeerId } from './peer-id.ts'
import type { WebRtcPeer } from './webrtc-peers.ts'
import { MESSAGE } from './wire-messages.ts'

completeByteEncodings()
vi.stubGlobal('self', globalThis) // as in a browser, for WebTorrent's bundle
vi.stubGlobal('window', globalThis)
// A page that is never idle.
vi.stubGlobal('requestIdleCallback', () => 0)
const { default: WebTorrent } = await import('webtorrent/dist/webtorrent.min.js')
const none = { dht: false, lsd: false, utPex: false, webSeeds: false, tracker: false } as const
const client = new WebTorrent({ ...none, peerId: newPeerId() })
afterAll(() => new Promise<void>((resolve) => client.destroy(() => resolve())))

const BLOCK_BYTES = 16 * 1024
const UNCHOKE = 1
const layout = pieceLayout(8 * 256 * 1024)

/** A torrent whose pieces 2 to 7 are wanted, and a peer that has all and may be asked. */
async function meet(name: string, pace: (wire: Wire) => number) {
  const hash = createHash('sha1').update(new Uint8Array(layout.pieceLength)).digest()
  const pieces = Buffer.concat(Array.from({ length: layout.count }, () => hash))
  const info = { name, length: layout.size, 'piece length': layout.pieceLength, pieces }
  const store = new PieceStore(layout, async () => null)
  const torrent = client.add(bencode.encode({ info }), {
    preloadedStore: store.chunkStore(),
    storeCacheSlots: 0,
    deselect: true,
  })
  chooseBlocks(torrent, pace)
  await new Promise<void>((resolve) => torrent.on('ready', resolve))
  torrent._selections._items = [{ from: 2, to: 7, offset: 0, priority: 0 }]
  const peer = new PlainPeer(Buffer.from(torrent.infoHash, 'hex'), '192.0.2.1')
  torrent.addPeer(peer as unknown as WebRtcPeer)
  peer.greet()
  peer.say(MESSAGE.bitfield, Buffer.of(0xff))
  peer.say(UNCHOKE)
  await vi.waitFor(() => expect(peer.requests().length).toBeGreaterThan(0))
  let answered = 0
  const send = async (count: number): Promise<void> => {
    const sent = peer.requests().slice(answered, answered + count)
    answered += sent.length
    for (const { piece, offset, length } of sent) {
      peer.say(MESSAGE.piece, piece, offset, new Uint8Array(length))
    }
    await delay(20)
  }
  return { torrent, peer, send }
}

/** Besides two blocks. */
const blocksIn = (seconds: number, pace: number) => 2 + Math.ceil((seconds * pace) / BLOCK_BYTES)

test('a peer that has sent nothing yet is tried with two blocks of the last piece wanted', async () => {
  const { peer } = await meet('unknown', () => 0)
  const requests = peer.requests()
  expect(requests).toHaveLength(2)
  expect(new Set(requests.map(({ piece }) => piece))).toEqual(new Set([7]))
})

test('then for what it sends in a second, whenever half of that is left', async () => {
  const pace = 20 * BLOCK_BYTES
  const { peer, send } = await meet('known', () => pace)
  const most = blocksIn(1, pace)
  const least = blocksIn(0.5, pace)
  expect(peer.requests()).toHaveLength(most)
  expect(peer.requests()[0]?.piece).toBe(2)
  await send(most - least)
  expect(peer.requests()).toHaveLength(most)
  await send(1)
  expect(peer.requests()).toHaveLength(most - least + 1 + most)
})

test('a peer that says so is asked for no more at a time', async () => {
  const { peer, send } = await meet('modest', () => 8 * BLOCK_BYTES)
  peer.handshake({ m: {}, reqq: 3 })
  const before = peer.requests().length
  await send(before - 3)
  expect(peer.requests()).toHaveLength(before)
  await send(1)
  expect(peer.requests()).toHaveLength(before + 1)
})

test('who is sent to goes by what came, not by what may come', async () => {
  const { torrent } = await meet('measured', () => 1e6)
  expect(torrent.wires.map((wire) => wire.downloadSpeed())).toEqual([0])
})

test('nobody is asked while choking', async () => {
  const { peer, send } = await meet('choking', () => 0)
  const before = peer.requests().length
  peer.say(0) // choke
  await send(2)
  expect(peer.requests()).toHaveLength(before)
})
