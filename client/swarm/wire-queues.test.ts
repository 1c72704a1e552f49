import { expect, test } from 'vitest'
import type { Wire } from 'webtorrent/dist/webtorrent.min.js'
import { Deadlines, queuedBytes, queuedSeconds } from './wire-queues.ts'

const BLOCK = 16 * 1024

const paces = new WeakMap<Wire, number>()
const paceOf = (wire: Wire): number => paces.get(wire) ?? 0

/**
 * A wire with open requests.
 * @param rate its pace in bytes per second
 */
function wire(pieces: readonly number[], rate: number): Wire {
  const requests = pieces.map((piece, i) => ({ piece, offset: i * BLOCK, length: BLOCK }))
  const made = { requests } as unknown as Wire
  paces.set(made, rate)
  return made
}

test('a piece takes as long as its last block at the slowest peer, what comes before it included', () => {
  const seconds = queuedSeconds([wire([1, 1, 2], BLOCK), wire([2], BLOCK / 8)], paceOf)
  expect([...seconds]).toEqual([
    [1, 2],
    [2, 8],
  ])
})

test('of a peer whose pace is unknown nothing is said', () => {
  expect(queuedSeconds([wire([1], 0)], paceOf).size).toBe(0)
})

test('whether a peer is asked depends on its queue and pace, and everybody is until that is told', () => {
  const deadlines = new Deadlines(paceOf)
  const busy = wire([1, 1], BLOCK)
  expect(queuedBytes(busy)).toBe(2 * BLOCK)
  expect(deadlines.mayAsk(busy, 3)).toBe(true)
  const asked: number[][] = []
  deadlines.isInTime = (...facts) => {
    asked.push(facts)
    return false
  }
  expect(deadlines.mayAsk(busy, 3)).toBe(false)
  expect(asked).toEqual([[3, 2 * BLOCK, BLOCK]])
})
