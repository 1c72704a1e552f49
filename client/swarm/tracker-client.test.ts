// What is between the plan and the wire, with a real server in the tracker's place. How it meets the
// real tracker is in signalling.test.ts.
import { EventEmitter } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { type WebSocket as Socket, WebSocketServer } from 'ws'
import { OFFERS_KEY } from '#protocol/tracker.ts'
import { TrackerClient, type TrackerClientOptions } from './tracker-client.ts'
import { toBinary } from './tracker-messages.ts'
import type { WebRtcPeer } from './webrtc-peers.ts'

const INFO_HASH = 'ab'.repeat(20)

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
  vi.restoreAllMocks()
})

async function listen(port = 0): Promise<WebSocketServer> {
  const server = new WebSocketServer({ port, host: '127.0.0.1' })
  await new Promise((resolve) => server.once('listening', resolve))
  ends.push(() => {
    for (const socket of server.clients) socket.terminate()
    server.close()
  })
  return server
}

const portOf = (server: WebSocketServer) => (server.address() as AddressInfo).port

class FakePeer extends EventEmitter {
  isDestroyed = false
  destroy(): void {
    this.isDestroyed = true
  }
}

function client(
  port: number,
  makeOffer: TrackerClientOptions['makeOffer'] = async () => null,
): TrackerClient {
  const made = new TrackerClient({
    url: `ws://127.0.0.1:${port}/announce`,
    infoHash: INFO_HASH,
    peerId: '12'.repeat(20),
    maxOffers: 5,
    wantedWires: 16,
    left: () => 1,
    contacts: () => ({ wires: 0, coming: 0, room: 50 }),
    makeOffer,
    onOffer: () => {},
    onAnswer: () => {},
    onPart: () => {},
  })
  ends.push(() => made.close())
  return made
}

const connection = (server: WebSocketServer) =>
  new Promise<Socket>((resolve) => server.once('connection', resolve))
const message = (socket: Socket) => new Promise((resolve) => socket.once('message', resolve))
const answer = (socket: Socket, facts: object) =>
  socket.send(JSON.stringify({ action: 'announce', info_hash: toBinary(INFO_HASH), ...facts }))

test('an offer that the tracker handed to nobody is made good use of, and one that is being answered is kept', async () => {
  const server = await listen()
  const connected = connection(server)
  const peers: FakePeer[] = []
  client(portOf(server), async () => {
    const peer = new FakePeer()
    peers.push(peer)
    return { peer: peer as unknown as WebRtcPeer, sdp: `sdp ${peers.length}` }
  })
  const socket = await connected
  const sdps = (announce: unknown) =>
    JSON.parse(String(announce)).offers.map(({ offer }: { offer: { sdp: string } }) => offer.sdp)
  expect(sdps(await message(socket))).toEqual(['sdp 1'])
  const again = message(socket)
  const offers = { taken: 0, wanted: 2 }
  answer(socket, { complete: 0, incomplete: 3, interval: 60, [OFFERS_KEY]: offers })
  expect(sdps(await again)).toEqual(['sdp 1', 'sdp 2'])
  answer(socket, {
    complete: 0,
    incomplete: 3,
    interval: 60,
    [OFFERS_KEY]: { taken: 2, wanted: null },
  })
  peers[0]?.emit('iceStateChange', 'checking')
  await expect.poll(() => peers[1]?.isDestroyed, { timeout: 6000 }).toBe(true)
  expect(peers[0]?.isDestroyed).toBe(false)
}, 10_000)

test('when all are told at once that a swarm has opened, each announces in its turn', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
  const server = await listen()
  const connected = connection(server)
  client(portOf(server))
  const socket = await connected
  await message(socket)
  answer(socket, { complete: 0, incomplete: 1, interval: 60 })
  await new Promise((resolve) => setTimeout(resolve, 50))
  const told = performance.now()
  const announced = message(socket)
  answer(socket, { complete: 0, incomplete: 3001, interval: 1 })
  await announced
  const after = performance.now() - told
  expect(after).toBeGreaterThan(1400)
  expect(after).toBeLessThan(2900)
})

test('whoever loses the last peer does not wait for its turn to try a tracker that was gone', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(1)
  const gone = await listen()
  const port = portOf(gone)
  await new Promise((resolve) => gone.close(resolve))
  const lonely = client(port)
  await new Promise((resolve) => setTimeout(resolve, 1800)) // tried at 0, 0.5 and 1.5 s
  expect(lonely.report.kind).toBe('unreachable')
  const server = await listen(port)
  const before = performance.now()
  const connected = connection(server)
  lonely.contactsChanged(true)
  await connected
  expect(performance.now() - before).toBeLessThan(1000) // on its own at 3.5 s
})
