import { beforeEach, expect, test } from 'vitest'
import { pieceIndex, pieceLayout } from '#protocol/pieces.ts'
import { PieceBlame } from './piece-blame.ts'

const layout = pieceLayout(4 * 256 * 1024)
const at = (index: number) => pieceIndex(layout, index)
const RIGHT = new Uint8Array(100).fill(1)
const WRONG = new Uint8Array(100).fill(2)

let faults: [string, number][]
let blame: PieceBlame

beforeEach(() => {
  const found: [string, number][] = [] // of this test alone: comparing takes a moment
  faults = found
  blame = new PieceBlame({
    read: async () => RIGHT,
    onFault: (peerId, pieces) => found.push([peerId, pieces]),
  })
})

const untilFaults = (expected: [string, number][]) =>
  expect.poll(() => faults, { interval: 5 }).toEqual(expected)

test('who sent all of a wrong piece is at fault, each time', () => {
  for (const index of [0, 1]) {
    blame.took('a', at(index), 0, RIGHT)
    blame.took('a', at(index), 100, WRONG)
    blame.failed(at(index))
  }
  expect(faults).toEqual([
    ['a', 1],
    ['a', 2],
  ])
})

test('of several, whose part differs is at fault, once the piece is right', async () => {
  blame.took('a', at(0), 0, RIGHT)
  blame.took('b', at(0), 100, WRONG)
  blame.took('c', at(0), 200, RIGHT)
  blame.failed(at(0))
  expect(faults).toEqual([])
  blame.verified(at(0)) // HTTP brought it
  await untilFaults([['b', 1]])
})

test('a piece that came right accuses nobody', async () => {
  blame.took('a', at(0), 0, RIGHT)
  blame.verified(at(0))
  blame.failed(at(0))
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(faults).toEqual([])
})

test('a wrong piece is asked of one peer alone, until that one is gone or it is right', () => {
  blame.took('a', at(0), 0, RIGHT)
  blame.took('b', at(0), 100, WRONG)
  blame.failed(at(0))
  expect(blame.mayAsk('b', at(0))).toBe(true)
  expect(blame.mayAsk('a', at(0))).toBe(true) // the other may not have been asked after all
  blame.asked('b', at(0))
  expect(blame.mayAsk('b', at(0))).toBe(true)
  expect(blame.mayAsk('a', at(0))).toBe(false)
  expect(blame.mayAsk('a', at(1))).toBe(true)
  blame.letGo('b')
  expect(blame.mayAsk('a', at(0))).toBe(true)
  blame.asked('a', at(0))
  expect(blame.mayAsk('b', at(0))).toBe(false)
  blame.verified(at(0))
  expect(blame.mayAsk('b', at(0))).toBe(true)
})

test('a piece that is given up again before it can be compared accuses nobody', async () => {
  const found = faults
  blame = new PieceBlame({ read: async () => null, onFault: () => found.push(['?', 0]) })
  blame.took('a', at(0), 0, RIGHT)
  blame.took('b', at(0), 100, WRONG)
  blame.failed(at(0))
  blame.verified(at(0))
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(faults).toEqual([])
})
