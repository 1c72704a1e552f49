// The real WebTorrent, and peers that say what they like, byte for byte.
import { createHash } from 'node:crypto'
import bencode from 'bencode'
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { pieceIndex, pieceLayout } from '#protocol/pieces.ts'
import type { UploadLimit } from '../playback/sharing.ts'
import { type Bytes, PieceStore } from '../storage/piece-store.ts'
import { PlainPeer } from './peer-fixture.ts'
import { newPeerId } from './peer-id.ts'
import { joinSwarm, type Swarm } from './swarm.ts'
import type { WebRtcPeer } from './webrtc-peers.ts'
import { MESSAGE } from './wire-messages.ts'

vi.stubGlobal('self', globalThis) // as in a browser
vi.stubGlobal('window', globalThis)

const layout = pieceLayout(4 * 256 * 1024)
const file: Bytes = Uint8Array.from({ length: layout.size }, (_, i) => (i * 7) & 255)
const pieces = [0, 1, 2, 3].map((i) =>
  file.slice(i * layout.pieceLength, (i + 1) * layout.pieceLength),
)
const info = {
  name: 'clip.webm',
  length: layout.size,
  'piece length': layout.pieceLength,
  pieces: Buffer.concat(pieces.map((piece) => createHash('sha1').update(piece).digest())),
}
const infoHash = createHash('sha1').update(bencode.encode(info)).digest()
const ALL: UploadLimit = { bytesPerSecond: null, bytesLeft: null }

let swarm: Swarm
let take: (connection: WebRtcPeer) => void

beforeEach(async () => {
  const store = new PieceStore(layout, async () => null)
  for (const [index, bytes] of pieces.entries()) store.write(pieceIndex(layout, index), bytes)
  swarm = await joinSwarm({
    metainfo: bencode.encode({ info }),
    layout,
    store,
    peerId: newPeerId(),
    meet: async (_infoHash, adopt) => {
      take = adopt
    },
    upload: ALL,
    signal: new AbortController().signal,
    onChange: () => {},
    onSpoiled: () => {},
    onBroken: (error) => {
      throw error
    },
  })
  return () => swarm.close()
})

let hosts = 0

/** One that has been let in, from an address of its own. */
async function letIn(): Promise<PlainPeer> {
  hosts += 1
  const peer = new PlainPeer(infoHash, `192.0.2.${hosts}`)
  take(peer as unknown as WebRtcPeer)
  peer.greet()
  peer.handshake({ m: { ut_metadata: 3, lt_donthave: 7 } })
  await expect.poll(() => isIn(peer)).toBe(true)
  return peer
}

const isIn = ({ id }: PlainPeer) => swarm.peers().some((peer) => peer.id === id)
const untilRead = () => new Promise((resolve) => setTimeout(resolve, 100))
const four = (number: number) => Buffer.from([0, 0, 0, number])
const question = bencode.encode({ msg_type: 0, piece: 0 })

test('who asks for the metadata again and again is shown out', async () => {
  const peer = await letIn()
  for (let i = 0; i < 2; i += 1) peer.extension('ut_metadata', question)
  await expect.poll(() => peer.heard(3)).toBe(2)
  expect(isIn(peer)).toBe(true)
  for (let i = 0; i < 10; i += 1) peer.extension('ut_metadata', question)
  await expect.poll(() => isIn(peer)).toBe(false)
  expect(peer.heard(3)).toBe(2)
})

test('while nothing may be uploaded, the metadata do not go out either', async () => {
  const peer = await letIn()
  swarm.limitUpload({ bytesPerSecond: null, bytesLeft: 0 })
  expect(swarm.maySend).toBe(false)
  peer.extension('ut_metadata', question)
  await untilRead()
  expect([peer.heard(3), isIn(peer)]).toEqual([0, true])
  swarm.limitUpload(ALL)
  expect(swarm.maySend).toBe(true)
  peer.extension('ut_metadata', question)
  await expect.poll(() => peer.heard(3)).toBe(1)
})

test('who asks for more and more, slowly enough for its messages, is shown out', async () => {
  swarm.limitUpload({ bytesPerSecond: 1, bytesLeft: null })
  const peer = await letIn()
  peer.say(2) // interested
  await untilRead()
  const now = performance.now.bind(performance)
  let ahead = 0
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + ahead)
  onTestFinished(() => clock.mockRestore())
  const askFor = async (seconds: number) => {
    for (let second = 0; second < seconds; second += 1) {
      for (let i = 0; i < 900; i += 1) peer.say(MESSAGE.request, i % 4, 0, 16_384)
      await untilRead()
      ahead += 1000
    }
  }
  await askFor(4)
  expect(isIn(peer)).toBe(true)
  await askFor(2)
  expect(isIn(peer)).toBe(false)
})

test('who sends a block that nobody asked for is shown out', async () => {
  const peer = await letIn()
  peer.say(MESSAGE.piece, 0, 0, new Uint8Array(16_384))
  await expect.poll(() => isIn(peer)).toBe(false)
})

test('who takes pieces back and announces them again, all the time, is shown out', async () => {
  const peer = await letIn()
  const inTurn = (times: number) => {
    for (let i = 0; i < times; i += 1) {
      peer.say(MESSAGE.have, i % 4)
      peer.extension('lt_donthave', four(i % 4))
    }
  }
  inTurn(100)
  await untilRead()
  expect(isIn(peer)).toBe(true) // it may have little room
  inTurn(300)
  await expect.poll(() => isIn(peer)).toBe(false)
})

test('who greets again with ever new extensions is shown out', async () => {
  const peer = await letIn()
  const names = (from: number) =>
    Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`x${from + i}`, 1]))
  for (let i = 0; i < 10; i += 1) peer.handshake({ m: names(200 * i) })
  await untilRead()
  expect(isIn(peer)).toBe(true)
  for (let i = 10; i < 60; i += 1) peer.handshake({ m: names(200 * i) })
  await expect.poll(() => isIn(peer)).toBe(false)
  const other = await letIn()
  other.handshake({ m: {}, v: 'x'.repeat(5000) })
  await expect.poll(() => isIn(other)).toBe(false)
})
