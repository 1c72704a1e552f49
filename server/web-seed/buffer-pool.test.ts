import { expect, test } from 'vitest'
import { BufferPool } from './buffer-pool.ts'

const KIB = 1024

test('the pool gives the smallest buffer that holds what is wanted, smaller ones in a crowd', () => {
  const pool = new BufferPool()
  expect(pool.take(1, 1)).toHaveLength(64 * KIB)
  expect(pool.take(64 * KIB + 1, 1)).toHaveLength(256 * KIB)
  expect(pool.take(10_000 * KIB, 48)).toHaveLength(1024 * KIB)
  expect(pool.take(10_000 * KIB, 49)).toHaveLength(512 * KIB)
  expect(pool.take(10_000 * KIB, 97)).toHaveLength(256 * KIB)
  expect(pool.take(10_000 * KIB, 193)).toHaveLength(64 * KIB)
})

test('a buffer given back is used again, and by one at a time', () => {
  const pool = new BufferPool()
  const first = pool.take(1, 1)
  pool.give(first, 1)
  expect(pool.take(1, 1)).toBe(first)
  expect(pool.take(1, 1)).not.toBe(first)
})

test('a crowd keeps a buffer for each body; what is too much later, or has a foreign size, is let go', () => {
  const pool = new BufferPool()
  const keptOf = (taken: readonly Buffer[]) => {
    const again = taken.map(() => pool.take(1024 * KIB, 1))
    return again.filter((buffer) => taken.includes(buffer))
  }
  const taken = Array.from({ length: 40 }, () => pool.take(1024 * KIB, 40))
  for (const buffer of taken) pool.give(buffer, 40)
  pool.give(Buffer.alloc(7), 40)
  const kept = keptOf(taken)
  expect(kept).toHaveLength(40)
  for (const buffer of kept) pool.give(buffer, 40)
  pool.give(pool.take(1, 100), 100) // so many may not use that size
  expect(keptOf(taken)).toHaveLength(12)
})
