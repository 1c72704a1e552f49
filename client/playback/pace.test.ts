import { expect, test } from 'vitest'
import { Pace } from './pace.ts'

const BLOCK = 16 * 1024

/** Asks for a block and gets it after `ms`. */
function exchange(pace: Pace, at: number, ms: number): void {
  pace.asked(at)
  pace.answered(BLOCK, false, at + ms)
}

test('idle time does not make a peer slow', () => {
  const pace = new Pace()
  expect(pace.rate(0)).toBe(0)
  exchange(pace, 0, 100)
  expect(pace.rate(100)).toBe(0) // one block tells nothing
  for (let at = 10_000; at <= 100_000; at += 10_000) exchange(pace, at, 100)
  expect(pace.rate(200_000)).toBeGreaterThan(9 * BLOCK)
  expect(pace.rate(200_000)).toBeLessThan(11 * BLOCK)
})

test('what is owed and does not come makes it slow', () => {
  const pace = new Pace()
  for (let at = 0; at < 1000; at += 100) exchange(pace, at, 100)
  pace.asked(1000)
  expect(pace.rate(2000)).toBeLessThan(6 * BLOCK)
  expect(pace.rate(11_000)).toBeLessThan(BLOCK)
})

test('several requests at a time are one time', () => {
  const pace = new Pace()
  for (let block = 0; block < 4; block += 1) pace.asked(0)
  for (let block = 1; block <= 4; block += 1) pace.answered(BLOCK, block < 4, block * 100)
  expect(pace.rate(400)).toBeGreaterThan(9 * BLOCK)
  expect(pace.rate(400)).toBeLessThan(11 * BLOCK)
})

test('a peer that becomes slower is known as slower within seconds', () => {
  const pace = new Pace()
  for (let at = 0; at < 20_000; at += 100) exchange(pace, at, 100)
  for (let at = 20_000; at < 40_000; at += 2000) exchange(pace, at, 2000)
  expect(pace.rate(40_000)).toBeLessThan(1.5 * BLOCK)
})

test('a peer that declines gains nothing by it', () => {
  const pace = new Pace()
  for (let at = 0; at < 1000; at += 100) exchange(pace, at, 100)
  pace.asked(1000)
  pace.answered(0, false, 2000)
  expect(pace.rate(2000)).toBeLessThan(6 * BLOCK)
})

test('two blocks tell, however little time has passed', () => {
  const pace = new Pace()
  exchange(pace, 0, 60)
  exchange(pace, 60, 60)
  expect(pace.rate(120)).toBeGreaterThan(16 * BLOCK)
  expect(pace.rate(120)).toBeLessThan(17 * BLOCK)
})
