// For tests of the tracker: a new one on a real server for every test, and those who announce to it.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import bencode from 'bencode'
import { pino } from 'pino'
import { afterEach, beforeEach } from 'vitest'
import { type ClientOptions, WebSocket } from 'ws'
import type { InfoHash } from '#protocol/ids.ts'
import { clientAddress } from '../http/request-address.ts'
import type { SwarmRules } from '../media/catalogue.ts'
import { Tracker } from './tracker.ts'

export const KNOWN = 'ab'.repeat(20) as InfoHash
export const FOREIGN = 'cd'.repeat(20)

interface Scene {
  tracker: Tracker
  /** `127.0.0.1:<port>/announce` */
  address: string
  /** What holds for `KNOWN`. */
  rules: SwarmRules | null
  /** Called before the tracker gets to know `rules`. */
  beforeRules: () => void | Promise<void>
  /** Whether `X-Forwarded-For` counts. */
  trusts: boolean
}

/** Of the test that runs. */
export const scene = {} as Scene
let server: Server

beforeEach(async () => {
  const tracker = new Tracker({
    async rulesOf(infoHash) {
      const rules = infoHash === KNOWN ? scene.rules : null
      await scene.beforeRules()
      return rules
    },
    addressOf: clientAddress((peer) => scene.trusts && peer.endsWith('127.0.0.1')),
    log: pino({ level: 'silent' }),
  })
  server = createServer((request, response) => tracker.handle(request, response))
  server.on('upgrade', (request, socket, head) => tracker.upgrade(request, socket, head))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  Object.assign(scene, {
    tracker,
    address: `127.0.0.1:${(server.address() as AddressInfo).port}/announce`,
    rules: { enabled: true, minViewers: 1 },
    beforeRules: () => {},
    trusts: false,
  } satisfies Scene)
})
afterEach(async () => {
  await scene.tracker.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

/** @returns a string with one character for each byte */
export const binary = (hex: string) => Buffer.from(hex, 'hex').toString('latin1')

/** @returns the same for a query */
export const percent = (hex: string) => hex.replace(/../g, '%$&')

/** @returns the first announce of a browser */
export const announcement = (infoHash: string, peer: string, more: object = {}) => ({
  action: 'announce',
  info_hash: binary(infoHash),
  peer_id: peer.padEnd(20, '-'),
  left: 1,
  event: 'started',
  numwant: 5,
  offers: [],
  ...more,
})

/** @returns so many offers for an announcement, told apart by their numbers */
export const offersFor = (count: number) =>
  Array.from({ length: count }, (_, n) => ({
    offer: { type: 'offer', sdp: `${n}` },
    offer_id: `${n}`.padEnd(20, '-'),
  }))

export interface Browser {
  send(message: unknown): void
  /** The next message from the tracker. */
  next(): Promise<Record<string, unknown>>
  close(): void
  /** Fulfilled when the tracker has closed the connection. */
  readonly closed: Promise<unknown>
}

export async function browser(options: ClientOptions = {}): Promise<Browser> {
  const socket = new WebSocket(`ws://${scene.address}`, options)
  const messages: Record<string, unknown>[] = []
  let wake = () => {}
  socket.on('message', (data) => {
    messages.push(JSON.parse(String(data)))
    wake()
  })
  const closed = new Promise((resolve) => socket.once('close', resolve))
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  return {
    send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    async next() {
      while (messages.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      return messages.shift() as Record<string, unknown>
    },
    close: () => socket.close(),
    closed,
  }
}

/** Announces as a native client does. @returns the decoded answer */
export const announce = async (query: string, headers = {}) => {
  const response = await fetch(`http://${scene.address}?${query}`, { headers })
  return bencode.decode(new Uint8Array(await response.arrayBuffer()))
}
