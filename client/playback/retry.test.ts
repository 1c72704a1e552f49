import { expect, test } from 'vitest'
import { retryDelay } from './retry.ts'

const now = Date.parse('2026-01-01T00:00:00Z')

test('the wait doubles and stays below eight seconds', () => {
  const waits = [1, 2, 3, 4, 5, 6, 20].map((failures) => retryDelay(failures, null, now, 1))
  expect(waits).toEqual([300, 600, 1200, 2400, 4800, 8000, 8000])
})

test('half of the wait is jitter', () => {
  expect(retryDelay(1, null, now, 0)).toBe(150)
})

test.each([
  ['5', 5000],
  ['Thu, 01 Jan 2026 00:00:07 GMT', 7000],
  ['3600', 60_000],
  ['0', 150],
  ['Wed, 31 Dec 2025 00:00:00 GMT', 150],
  ['soon', 150],
])('Retry-After: %s makes a first failure wait %d ms', (header, expected) => {
  expect(retryDelay(1, header, now, 0)).toBe(expected)
})
