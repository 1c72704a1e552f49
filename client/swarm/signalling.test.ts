/// <reference path="../../server/tracker/bittorrent-tracker.d.ts" />
// The real tracker and real sockets; of WebRTC, which Node lacks, only what its connections do. The
// real thing is in e2e/signalling.e2e.ts.
import { EventEmitter } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type WebSocket as Socket, WebSocketServer } from 'ws'
import type { InfoHash } from '#protocol/ids.ts'
import { Tracker } from '../../server/tracker/tracker.ts'
import { exclusions } from './exclusions.ts'
import { newPeerId } from './peer-id.ts'
import { Signalling, type SignallingOptions } from './signalling.ts'
import { toBinary } from './tracker-messages.ts'

const world = vi.hoisted(() => ({
  open: new Set<object>(),
  made: [] as object[],
  isFull: false,
  address: '192.0.2.1' as const,
}))

/** Both ends of a connection know each other by the number in their descriptions. */
class ScriptedPeer extends EventEmitter {
  id?: string
  connected = false
  readonly remoteAddress = world.address
  /** Bytes that came; nobody reads them. */
  received = 0
  #remote: ScriptedPeer | null = null
  readonly #initiator: boolean
  readonly #sdp: string

  constructor({ initiator }: { initiator: boolean }) {
    super()
    if (world.isFull) throw new Error('Cannot create so many PeerConnections')
    this.#initiator = initiator
    this.#sdp = sdpOf(world.made.push(this) - 1)
    world.open.add(this)
    if (initiator) setTimeout(() => this.#describe('offer'), 5)
  }

  signal({ type, sdp }: { type: string; sdp: string }): void {
    if (!world.open.has(this)) throw new Error('cannot signal after peer is destroyed')
    const remote = world.made[Number(/number:(\d+)/.exec(sdp)?.[1])] as ScriptedPeer | undefined
    if (!remote || (type === 'offer') === this.#initiator) {
      this.#fail()
      return
    }
    this.#remote = remote
    if (!this.#initiator) setTimeout(() => this.#describe('answer'), 5)
    else setTimeout(() => this.#meet(), 5)
  }

  _onChannelMessage({ data }: { data: ArrayBuffer }): void {
    this.received += data.byteLength
  }

  destroy(): void {
    if (!world.open.delete(this)) return
    const remote = this.#remote
    if (remote && remote.#remote === this) setTimeout(() => remote.destroy(), 5)
    if (this.connected) this.emit('disconnect')
    this.connected = false
    this.emit('close')
  }

  #describe(type: 'offer' | 'answer'): void {
    if (world.open.has(this)) this.emit('signal', { type, sdp: this.#sdp })
  }

  #meet(): void {
    const remote = this.#remote
    if (!remote || remote.#remote !== this) return // it was given up at the other end
    for (const end of [this, remote]) {
      if (!world.open.has(end)) return
      end.connected = true
      end.emit('connect')
    }
  }

  #fail(): void {
    this.destroy()
    this.emit('error', new Error('ERR_SET_REMOTE_DESCRIPTION'))
  }
}
vi.mock('@thaunknown/simple-peer/lite.js', () => ({
  get default() {
    return ScriptedPeer // defined later than this is imported
  },
}))

const sdpOf = (number: number) =>
  `v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=number:${number}\r\n`
const KNOWN = 'ab'.repeat(20) as InfoHash
const FOREIGN = 'cd'.repeat(20)

let rules: { enabled: boolean; minViewers: number }
let url: string
let stopTracker: () => Promise<void>
/** The publisher says something else now. */
let change: (changed: typeof rules) => Promise<void>
let started: Signalling[]

async function startTracker(port = 0): Promise<void> {
  const tracker = new Tracker({
    rulesOf: async (infoHash) => (infoHash === KNOWN ? rules : null),
    addressOf: () => '127.0.0.1',
    log: pino({ level: 'silent' }),
  })
  const server: Server = createServer()
  server.on('upgrade', (request, socket, head) => tracker.upgrade(request, socket, head))
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/announce`
  change = (changed) => {
    rules = changed
    return tracker.rulesChanged(KNOWN)
  }
  stopTracker = async () => {
    await tracker.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}

beforeEach(async () => {
  rules = { enabled: true, minViewers: 1 }
  world.isFull = false
  started = []
  await startTracker()
})
afterEach(async () => {
  for (const signalling of started) signalling.stop()
  await expect.poll(() => world.open.size).toBe(0) // nothing outlives the viewers
  await stopTracker()
})

interface TestViewer {
  readonly peerId: string
  readonly signalling: Signalling
  /** Peer ids of what was handed over and is still up. */
  peers(): string[]
  /** Closes a connection as a bad network does. */
  cut(peerId: string): void
}

function viewer(options: Partial<SignallingOptions> = {}): TestViewer {
  const handedOver: ScriptedPeer[] = []
  const peerId = options.peerId ?? newPeerId()
  const signalling = new Signalling({
    infoHash: KNOWN,
    peerId,
    announceUrls: [url],
    iceServers: [],
    left: () => 1,
    ...options,
  })
  started.push(signalling)
  signalling.attach((peer) => handedOver.push(peer as unknown as ScriptedPeer))
  const up = () => handedOver.filter(({ connected }) => connected)
  return {
    peerId,
    signalling,
    peers: () => up().map(({ id }) => id ?? ''),
    cut: (id) =>
      up()
        .find((peer) => peer.id === id)
        ?.destroy(),
  }
}

const until = (check: () => unknown, timeout = 5000) =>
  expect.poll(check, { timeout, interval: 10 })
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe('with the real tracker', () => {
  test('two viewers are connected at once, and once', async () => {
    const startedAt = performance.now()
    const [a, b] = [viewer(), viewer()]
    await until(() => [a.peers(), b.peers()]).toEqual([[b.peerId], [a.peerId]])
    expect(performance.now() - startedAt).toBeLessThan(1000)
    await pause(300)
    expect([a.peers(), b.peers()]).toEqual([[b.peerId], [a.peerId]])
  })

  test('what connects before the swarm is there is kept for it', async () => {
    const a = viewer()
    const b = new Signalling({
      infoHash: KNOWN,
      peerId: newPeerId(),
      announceUrls: [url],
      iceServers: [],
      left: () => 1,
    })
    started.push(b)
    await until(() => a.peers()).toHaveLength(1)
    const adopted: unknown[] = []
    b.attach((peer) => adopted.push(peer.id))
    expect(adopted).toEqual([a.peerId])
  })

  test('what is pushed at us before anybody reads it is bounded', async () => {
    const a = viewer()
    const held = { infoHash: KNOWN, peerId: newPeerId(), announceUrls: [url], iceServers: [] }
    const b = new Signalling({ ...held, left: () => 1 })
    started.push(b)
    await until(() => a.peers()).toHaveLength(1)
    await until(() => b.expected()).toEqual([a.peerId])
    const ours = world.made.find((end) => (end as ScriptedPeer).id === a.peerId) as ScriptedPeer
    const push = (bytes: number) => ours._onChannelMessage({ data: new ArrayBuffer(bytes) })
    push(68) // its handshake
    for (let i = 0; i < 100; i += 1) push(16 * 1024)
    expect(ours.received).toBeLessThanOrEqual(64 * 1024)
    expect(ours.connected).toBe(false)
  })

  test('who was shown out is not let in again', async () => {
    const liar = newPeerId()
    exclusions.exclude(liar, '192.0.2.1', true)
    const a = viewer()
    viewer({ peerId: liar })
    await pause(2500)
    expect(a.peers()).toEqual([])
  })

  test('who comes from elsewhere than the one that was shown out under its id is let in', async () => {
    const peerId = newPeerId()
    exclusions.exclude(peerId, '198.51.100.7', true)
    const a = viewer()
    viewer({ peerId })
    await until(() => a.peers()).toEqual([peerId])
  })

  test('what is handed over may be sent as much as is read', async () => {
    const [a, b] = [viewer(), viewer()]
    await until(() => [a.peers(), b.peers()]).toEqual([[b.peerId], [a.peerId]])
    const end = world.made.find((made) => (made as ScriptedPeer).id === a.peerId) as ScriptedPeer
    for (let i = 0; i < 100; i += 1) end._onChannelMessage({ data: new ArrayBuffer(16 * 1024) })
    expect(end.received).toBe(100 * 16 * 1024)
    expect(a.peers()).toEqual([b.peerId])
  })

  test('six who come together are all connected to each other, each once', async () => {
    const viewers = Array.from({ length: 6 }, () => viewer())
    for (const { peers, peerId } of viewers) {
      const others = viewers.map((other) => other.peerId).filter((id) => id !== peerId)
      await until(() => peers().sort(), 10_000).toEqual(others.sort())
    }
  })

  test('a connection that is lost is made anew within seconds', async () => {
    const [a, b] = [viewer(), viewer()]
    await until(() => a.peers()).toEqual([b.peerId])
    a.cut(b.peerId)
    await until(() => a.peers()).toEqual([])
    await until(() => [a.peers(), b.peers()], 4000).toEqual([[b.peerId], [a.peerId]])
  })

  test('who was there before meets newcomers within seconds of the tracker’s return', async () => {
    const [a, b] = [viewer(), viewer()]
    await until(() => a.peers()).toEqual([b.peerId])
    const port = Number(new URL(url).port)
    await stopTracker()
    await pause(1500)
    expect(a.peers()).toEqual([b.peerId]) // they go on without it
    await startTracker(port)
    const c = viewer()
    await until(() => c.peers().sort(), 8000).toEqual([a.peerId, b.peerId].sort())
  })

  test('how things stand with the tracker is told, in its own words', async () => {
    const foreign = viewer({ infoHash: FOREIGN })
    expect(foreign.signalling.report).toEqual({ kind: 'connecting' })
    const unknown = { kind: 'refuses', reason: expect.stringMatching(/does not know/) }
    await until(() => foreign.signalling.report).toEqual(unknown)
    const alone = viewer()
    await until(() => alone.signalling.report).toEqual({
      kind: 'answers',
      others: 0,
      warning: null,
    })
    rules = { enabled: false, minViewers: 1 }
    const refused = viewer()
    await until(() => refused.signalling.report).toMatchObject({
      kind: 'refuses',
      reason: expect.stringMatching(/switched sharing off/),
    })
    expect(world.open.size).toBeLessThanOrEqual(3)
    const port = Number(new URL(url).port)
    await stopTracker()
    await until(() => refused.signalling.report).toEqual({ kind: 'unreachable' })
    rules = { enabled: true, minViewers: 1 }
    await startTracker(port)
    await until(() => refused.signalling.report).toMatchObject({ kind: 'answers' })
  })

  test('of several trackers the one that does best is told of', async () => {
    const dead = 'ws://127.0.0.1:9/announce'
    const one = viewer({ announceUrls: [dead, url] })
    await until(() => one.signalling.report).toMatchObject({ kind: 'answers' })
    const none = viewer({ announceUrls: [dead] })
    await until(() => none.signalling.report).toEqual({ kind: 'unreachable' })
  })

  test('viewers part when the publisher switches sharing off, and stay so', async () => {
    const [a, b] = [viewer(), viewer()]
    await until(() => a.peers()).toEqual([b.peerId])
    await change({ enabled: false, minViewers: 1 })
    await until(() => [...a.peers(), ...b.peers()]).toEqual([])
    await pause(500)
    expect([...a.peers(), ...b.peers()]).toEqual([])
  })

  test('viewers part when the publisher asks for more of them, until there are', async () => {
    const [a, b] = [viewer(), viewer()]
    await until(() => a.peers()).toEqual([b.peerId])
    await change({ enabled: true, minViewers: 3 })
    await until(() => [...a.peers(), ...b.peers()]).toEqual([])
    await until(() => a.signalling.report).toMatchObject({
      kind: 'answers',
      others: 1,
      warning: expect.stringMatching(/wants 3 viewers .* there are 2$/),
    })
    const c = viewer()
    for (const { peers } of [a, b, c]) await until(() => peers()).toHaveLength(2)
    c.signalling.stop() // those who remain are left in peace
    await until(() => a.peers()).toEqual([b.peerId])
    await pause(300)
    expect(b.peers()).toEqual([a.peerId])
  })

  test('behind a gate nobody meets; when it opens, all meet at once', async () => {
    rules = { enabled: true, minViewers: 3 }
    const [a, b] = [viewer(), viewer()]
    await pause(1500)
    expect([a.peers(), b.peers()]).toEqual([[], []])
    const c = viewer()
    const everybody = [a, b, c].map(({ peerId }) => peerId)
    for (const { peers, peerId } of [a, b, c]) {
      await until(() => [...peers(), peerId].sort(), 4000).toEqual(everybody.sort())
    }
  })

  test('whoever stops is gone from the tracker, and all connections are closed', async () => {
    const [a, b, c] = [viewer(), viewer(), viewer()]
    await until(() => c.peers()).toHaveLength(2)
    b.signalling.stop()
    b.signalling.stop()
    await until(() => [a.peers(), c.peers()]).toEqual([[c.peerId], [a.peerId]])
  })

  test('a browser that makes no more connections is left in peace', async () => {
    world.isFull = true
    const a = viewer()
    await pause(200)
    world.isFull = false
    const b = viewer()
    await until(() => a.peers()).toEqual([b.peerId])
  })

  test('addresses that are no trackers do no harm', async () => {
    const announceUrls = ['nonsense', 'wss://', 'https://tracker.example/announce', url, url]
    const [a, b] = [viewer({ announceUrls }), viewer()]
    await until(() => a.peers()).toEqual([b.peerId])
  })
})

describe('with a tracker that misbehaves', () => {
  let bad: WebSocketServer
  let sockets: Socket[]
  let heard: { offers: { offer_id: string }[] }[]
  let badUrl: string
  let answer: (socket: Socket) => void

  const facts = { action: 'announce', info_hash: toBinary(KNOWN) }
  const send = (message: unknown) => {
    for (const socket of sockets) {
      socket.send(typeof message === 'string' ? message : JSON.stringify(message))
    }
  }
  const offerOf = (peerId: string, number: number) => ({
    ...facts,
    peer_id: toBinary(peerId),
    offer_id: String(number),
    offer: { type: 'offer', sdp: sdpOf(number) },
  })

  beforeEach(async () => {
    sockets = []
    heard = []
    answer = (socket) => socket.send(JSON.stringify({ ...facts, complete: 0, incomplete: 20 }))
    bad = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    bad.on('connection', (socket) => {
      sockets.push(socket)
      socket.on('message', (data) => {
        heard.push(JSON.parse(String(data)))
        answer(socket)
      })
    })
    await new Promise((resolve) => bad.once('listening', resolve))
    badUrl = `ws://127.0.0.1:${(bad.address() as AddressInfo).port}`
  })
  afterEach(() => {
    for (const socket of sockets) socket.terminate()
    bad.close()
  })
  const victim = () => viewer({ announceUrls: [badUrl] })

  test('no more than five offers are open, and those that nobody answers are given up', async () => {
    victim()
    await until(() => heard.length).toBeGreaterThan(1)
    expect(heard[0]?.offers).toHaveLength(1)
    expect(heard[1]?.offers).toHaveLength(4)
    const first = [...world.open]
    expect(first).toHaveLength(5)
    await until(() => first.filter((peer) => world.open.has(peer)), 8000).toEqual([])
    expect(world.open.size).toBeLessThanOrEqual(5)
  })

  test('a flood of offers takes no more connections than there can be wires', async () => {
    const { peers } = victim()
    await until(() => heard.length).toBeGreaterThan(0)
    for (let number = 0; number < 1000; number += 1) send(offerOf(newPeerId(), number))
    await pause(300)
    expect(world.open.size).toBeLessThanOrEqual(12 + 5)
    expect(peers()).toEqual([])
  })

  test('answers that nobody asked for, twice, or from ourselves change nothing', async () => {
    const { peerId } = victim()
    await until(() => heard.length).toBeGreaterThan(1)
    const offerId = heard[0]?.offers[0]?.offer_id
    const answerOf = (from: string, id: unknown) => ({
      ...facts,
      peer_id: toBinary(from),
      offer_id: id,
      answer: { type: 'answer', sdp: sdpOf(999_999) },
    })
    send(answerOf(newPeerId(), 'unknown'))
    send(offerOf(peerId, 1))
    await pause(100)
    expect(world.open.size).toBe(5)
    send(answerOf(newPeerId(), offerId)) // a description of nobody
    send(answerOf(newPeerId(), offerId))
    await until(() => world.open.size).toBe(4)
  })

  test.each([
    '{nonsense',
    'null',
    '[]',
    '""',
    'x'.repeat(200_000),
    JSON.stringify({ ...facts, complete: 'many', incomplete: null }),
    JSON.stringify({ ...facts, peer_id: 'x', offer_id: {}, offer: 7 }),
    JSON.stringify({ ...offerOf(newPeerId(), 1), offer: { type: 'offer', sdp: 'v=0 nonsense' } }),
    JSON.stringify({ 'failure reason': { toString: null } }),
  ])('%.40s does no harm', async (message) => {
    victim()
    await until(() => heard.length).toBeGreaterThan(1)
    const before = world.open.size
    send(message)
    await pause(50)
    expect(world.open.size).toBe(before)
  })

  test('one that never answers, or hangs up each time, is tried again and again', async () => {
    answer = (socket) => socket.close()
    victim()
    await until(() => sockets.length, 6000).toBeGreaterThan(3)
    expect(world.open.size).toBeLessThanOrEqual(5)
  })
})
