import { beforeEach, expect, test } from 'vitest'
import { type PieceIndex, pieceIndex, pieceLayout } from '#protocol/pieces.ts'
import type { Intent } from './intent-message.ts'
import { PeerPromises } from './peer-promises.ts'

const layout = pieceLayout(100 * 256 * 1024)
const at = (index: number): PieceIndex => pieceIndex(layout, index)
const fetching = (first: number, last: number, firstMs: number, pieceMs = 0): Intent => ({
  sends: true,
  leads: true,
  wants: { first: at(0), last: at(99) },
  spans: [{ first: at(first), last: at(last), firstMs, pieceMs }],
})

let held: Set<number>
let promises: PeerPromises

beforeEach(() => {
  held = new Set()
  promises = new PeerPromises((index) => held.has(index))
})

test('a promise counts down', () => {
  promises.heard(fetching(3, 5, 1000, 500), 0)
  expect(promises.arrives(at(3), 400)).toBeCloseTo(0.6)
  expect(promises.arrives(at(5), 400)).toBeCloseTo(1.6)
  expect(promises.arrives(at(6), 400)).toBeNull()
})

test('what is late is expected later and later, however often it is promised anew', () => {
  for (let now = 0; now <= 2000; now += 100) promises.heard(fetching(3, 3, 0), now)
  expect(promises.arrives(at(3), 2000)).toBeCloseTo(2)
  promises.heard(fetching(3, 3, 0), 2100)
  expect(promises.arrives(at(3), 2100)).toBeNull()
  expect(promises.isBelieved(2100)).toBe(false)
})

test('who breaks promises is not believed, longer each time, until it keeps one', () => {
  promises.heard(fetching(3, 3, 0), 0)
  promises.heard(fetching(4, 4, 60_000), 2100) // broken: 10 s
  expect(promises.arrives(at(4), 12_000)).toBeNull()
  expect(promises.arrives(at(4), 12_200)).toBeCloseTo(49.9)
  promises.heard(fetching(4, 4, 60_000), 12_300) // piece 3 is still owed: 20 s
  expect(promises.isBelieved(32_200)).toBe(false)
  expect(promises.isBelieved(32_400)).toBe(true)
  held.add(3)
  promises.has(at(3))
  promises.heard(fetching(5, 5, 0), 33_000)
  promises.heard(fetching(6, 6, 0), 35_100) // broken: 10 s again
  expect(promises.isBelieved(45_200)).toBe(true)
})

test('who is slower than it thought is given as long again', () => {
  promises.heard(fetching(3, 3, 5000), 0)
  promises.heard(fetching(3, 3, 4000), 5000)
  expect(promises.arrives(at(3), 5000)).toBeCloseTo(4)
  held.add(3)
  promises.has(at(3))
  promises.heard(fetching(8, 8, 100), 30_000)
  expect(promises.isBelieved(30_000)).toBe(true)
})
