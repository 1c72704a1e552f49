import { createHash } from 'node:crypto'
import bencode from 'bencode'
import { afterAll, expect, onTestFinished, test, vi } from 'vitest'
import type { Torrent, Wire } from 'webtorrent/dist/webtorrent.min.js'
import { pieceIndex, pieceLayout } from '#protocol/pieces.ts'
import { type Bytes, PieceStore } from '../storage/piece-store.ts'
import { completeByteEncodings } from './byte-encodings.ts'
import { newPeerId } from './peer-id.ts'
import { withdrawLosses } from './withdrawals.ts'

completeByteEncodings()
vi.stubGlobal('self', globalThis) // as in a browser, for WebTorrent's bundle
vi.stubGlobal('window', globalThis)
const { default: WebTorrent } = await import('webtorrent/dist/webtorrent.min.js')
const none = { dht: false, lsd: false, utPex: false, webSeeds: false, tracker: false } as const
const client = new WebTorrent({ ...none, peerId: newPeerId() })
afterAll(() => new Promise<void>((resolve) => client.destroy(() => resolve())))

const layout = pieceLayout(2 * 256 * 1024)
const at = (index: number) => pieceIndex(layout, index)
const bytesOf = (index: number): Bytes =>
  Uint8Array.from({ length: layout.pieceLength }, (_, i) => (i * 7 + index) & 255)

/** A torrent that is ready, and what a peer with a wire to us was told to be gone. */
async function join(store: PieceStore, name: string) {
  const hashes = [0, 1].map((index) => createHash('sha1').update(bytesOf(index)).digest())
  const pieces = Buffer.concat(hashes)
  const info = { name, length: layout.size, 'piece length': layout.pieceLength, pieces }
  const torrent: Torrent = client.add(bencode.encode({ info }), {
    preloadedStore: store.chunkStore(),
    storeCacheSlots: 0,
    deselect: true,
  })
  withdrawLosses(torrent, store)
  await new Promise<void>((resolve) => torrent.on('ready', resolve))
  const told: number[] = []
  const wire = {
    lt_donthave: { donthave: (index: number) => told.push(index) },
  }
  Object.assign(torrent, { wires: [wire as unknown as Wire] })
  onTestFinished(() => {
    Object.assign(torrent, { wires: [] }) // WebTorrent would close it
  })
  return { torrent, told }
}

test('a piece that the store gave up is not claimed any more, and can come again', async () => {
  const store = new PieceStore(layout, async () => null)
  store.write(at(0), bytesOf(0))
  store.write(at(1), bytesOf(1))
  const { torrent, told } = await join(store, 'given up')
  const claimed = () => [0, 1].map((index) => torrent.bitfield.get(index))
  expect(claimed()).toEqual([true, true])
  store.drop(at(0))
  expect(claimed()).toEqual([false, true])
  expect(told).toEqual([0])
  store.write(at(0), bytesOf(0))
  torrent._markVerified(0)
  await Promise.resolve()
  expect(claimed()).toEqual([true, true])
  expect(told).toEqual([0])
})

test('a piece that went while it was being verified is withdrawn at once', async () => {
  const store = new PieceStore(layout, async () => null)
  const { torrent, told } = await join(store, 'going')
  torrent._markVerified(1) // the store does not have it any more
  await Promise.resolve()
  expect(torrent.bitfield.get(1)).toBe(false)
  expect(told).toEqual([1])
})
