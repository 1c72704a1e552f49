import { expect, test } from 'vitest'
import { BufferPool } from './buffer-pool.ts'

const KIB = 1024

let now = 0
const newPool = () => new BufferPool(() => now)

test('the pool gives the smallest buffer that holds what is wanted, smaller ones in a crowd', () => {
  const pool = newPool()
  expect(pool.take(1, 1)).toHaveLength(64 * KIB)
  expect(pool.take(64 * KIB + 1, 1)).toHaveLength(256 * KIB)
  expect(pool.take(10_000 * KIB, 64)).toHaveLength(1024 * KIB)
  expect(pool.take(10_000 * KIB, 65)).toHaveLength(512 * KIB)
  expect(pool.take(10_000 * KIB, 129)).toHaveLength(256 * KIB)
  expect(pool.take(10_000 * KIB, 257)).toHaveLength(64 * KIB)
  now += 2_000
  expect(pool.take(10_000 * KIB, 1)).toHaveLength(64 * KIB)
  now += 2_000 // the crowd is over
  expect(pool.take(10_000 * KIB, 1)).toHaveLength(1024 * KIB)
})

test('a buffer given back is used again, and by one at a time', () => {
  const pool = newPool()
  const first = pool.take(1, 1)
  pool.give(first, 1)
  expect(pool.take(1, 1)).toBe(first)
  expect(pool.take(1, 1)).not.toBe(first)
})

test('a crowd keeps a buffer for each body; what is too much later, or has a foreign size, is let go', () => {
  const pool = newPool()
  const taken = Array.from({ length: 40 }, () => pool.take(1024 * KIB, 40))
  for (const buffer of taken) pool.give(buffer, 1) // one after the other
  pool.give(Buffer.alloc(7), 1)
  const again = taken.map(() => pool.take(1024 * KIB, 1))
  expect(again.filter((buffer) => taken.includes(buffer))).toHaveLength(40)
  for (const buffer of again) pool.give(buffer, 1)
  now += 2_000
  pool.give(pool.take(1, 1), 1)
  now += 2_000
  pool.give(pool.take(1, 1), 1)
  const later = taken.map(() => pool.take(1024 * KIB, 1))
  expect(later.filter((buffer) => taken.includes(buffer))).toHaveLength(12)
})

test('what a larger crowd may not use is not kept for it', () => {
  const pool = newPool()
  const taken = Array.from({ length: 40 }, () => pool.take(1024 * KIB, 40))
  for (const buffer of taken) pool.give(buffer, 40)
  pool.give(pool.take(1, 100), 100)
  now += 4_001
  pool.take(1, 1)
  now += 4_001
  const later = taken.map(() => pool.take(1024 * KIB, 1))
  expect(later.filter((buffer) => taken.includes(buffer))).toHaveLength(12)
})
