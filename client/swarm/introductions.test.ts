// Real sockets; of WebRTC, which Node lacks, only whether a connection is begun.
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { WebSocketServer } from 'ws'
import { Introductions } from './introductions.ts'
import { WebRtcPeers } from './webrtc-peers.ts'

const world = vi.hoisted(() => ({ begun: 0 }))
vi.mock('@thaunknown/simple-peer/lite.js', () => ({
  default: class {
    constructor() {
      world.begun += 1
      throw new Error('there is no WebRTC here')
    }
  },
}))

const INFO_HASH = 'ab'.repeat(20)

let tracker: WebSocketServer
let introductions: Introductions
let connected: number

beforeEach(async () => {
  world.begun = 0
  connected = 0
  tracker = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  tracker.on('connection', () => {
    connected += 1
  })
  await new Promise((resolve) => tracker.once('listening', resolve))
  const { port } = tracker.address() as AddressInfo
  const announceUrls = [`ws://127.0.0.1:${port}/announce`]
  introductions = new Introductions({ announceUrls, iceServers: [], left: () => 1 })
})
afterEach(async () => {
  introductions.stop()
  for (const socket of tracker.clients) socket.terminate()
  await new Promise((resolve) => tracker.close(resolve))
})

const loadedAndMore = async () => {
  await import('./signalling.ts')
  await new Promise((resolve) => setTimeout(resolve, 300))
}

test('whoever begins is announced, and makes an offer', async () => {
  introductions.begin(INFO_HASH)
  await expect.poll(() => connected).toBe(1)
  expect(world.begun).toBeGreaterThan(0)
})

test('whoever stops before it is loaded contacts nobody, and may begin again', async () => {
  introductions.begin(INFO_HASH)
  const adopted = introductions.adopt(INFO_HASH, () => {})
  introductions.stop()
  await adopted
  await loadedAndMore()
  expect([connected, world.begun]).toEqual([0, 0])
  introductions.begin(INFO_HASH)
  await expect.poll(() => connected).toBe(1)
})

test('whoever goes on to another title before it is loaded is announced for that one only', async () => {
  introductions.begin('cd'.repeat(20))
  introductions.begin(INFO_HASH)
  await loadedAndMore()
  expect(connected).toBe(1)
})

test('no connection is begun when it is too late for it', async () => {
  const peers = new WebRtcPeers([])
  const [offer, answered] = [peers.makeOffer(), vi.fn()]
  const answer = peers.answer('v=0', answered, () => {})
  peers.close()
  expect(await offer).toBeNull()
  await answer
  expect(answered).toHaveBeenCalledWith(null)
  expect(world.begun).toBe(0)
})
