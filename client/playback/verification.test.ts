import { beforeEach, expect, test } from 'vitest'
import { type PieceIndex, pieceIndex, pieceLayout } from '#protocol/pieces.ts'
import { type Bytes, PieceStore } from '../storage/piece-store.ts'
import type { Swarm } from '../swarm/swarm.ts'
import { Verification } from './verification.ts'

const layout = pieceLayout(3 * 256 * 1024)
const at = (index: number) => pieceIndex(layout, index)
const right: Bytes = new Uint8Array(layout.pieceLength).fill(1)
const wrong: Bytes = new Uint8Array(layout.pieceLength).fill(2)

/** Takes pieces of ones only. */
function joined() {
  const verified = new Set<PieceIndex>()
  const swarm: Pick<Swarm, 'isVerified' | 'inject'> = {
    isVerified: (index) => verified.has(index),
    inject: async (index, bytes) => {
      if (bytes.some((byte) => byte !== 1)) return 'wrong'
      if (verified.has(index)) return 'known'
      verified.add(index)
      return 'taken'
    },
  }
  return { swarm, verified }
}

let store: PieceStore
let present: ReturnType<typeof joined> | null
let wasted: number
let otherFiles: number
let verification: Verification

beforeEach(() => {
  store = new PieceStore(layout, async () => null)
  present = null
  wasted = 0
  otherFiles = 0
  verification = new Verification({
    layout,
    store,
    swarm: () => present?.swarm ?? null,
    onWasted: (count) => {
      wasted += count
    },
    onOtherFile: () => {
      otherFiles += 1
    },
  })
})

const settled = () => new Promise((resolve) => setTimeout(resolve, 10))

test('what came before there was a swarm is offered to it, right or wrong', async () => {
  verification.cameByHttp(at(0), right)
  verification.cameByHttp(at(1), wrong)
  expect([verification.isByHttp(at(0)), verification.isByHttp(at(2))]).toEqual([true, false])
  present = joined()
  await verification.offerHeld()
  expect([...present.verified]).toEqual([0])
  expect([...store.held()]).toEqual([0]) // the other one is fetched again
  expect(verification.isByHttp(at(1))).toBe(false)
  expect([wasted, otherFiles]).toEqual([layout.pieceLength, 0])
})

test('what comes later is verified as it comes; wrong twice is another file', async () => {
  present = joined()
  verification.cameByHttp(at(0), right)
  verification.cameByHttp(at(1), wrong)
  await settled()
  expect([...present.verified]).toEqual([0])
  expect(otherFiles).toBe(0)
  verification.cameByHttp(at(1), wrong)
  await settled()
  expect([wasted, otherFiles]).toEqual([2 * layout.pieceLength, 1])
})

test('a piece that a peer brought first came over HTTP for nothing, and stays', () => {
  store.write(at(0), right)
  verification.cameByHttp(at(0), right)
  expect(wasted).toBe(layout.pieceLength)
  expect([store.has(at(0)), verification.isByHttp(at(0))]).toEqual([true, false])
})

test('a piece that is damaged on the disk is dropped, and the origin not blamed', async () => {
  store.write(at(0), wrong)
  present = joined()
  await verification.offerHeld()
  expect([store.has(at(0)), wasted, otherFiles]).toEqual([false, 0, 0])
})

test('what a swarm says that was left meanwhile does not count', async () => {
  const left = joined()
  present = left
  verification.cameByHttp(at(0), wrong)
  present = null
  await settled()
  expect([store.has(at(0)), wasted]).toEqual([true, 0])
})
