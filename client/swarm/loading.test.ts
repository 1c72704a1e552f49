import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { loadPatiently } from './loading.ts'

let attempts: number
/** How many fail. */
let failing: number
const load = async () => {
  attempts += 1
  if (attempts <= failing) throw new TypeError('Failed to fetch dynamically imported module')
  return 'loaded'
}
const { signal } = new AbortController()

beforeEach(() => {
  vi.useFakeTimers()
  attempts = 0
})
afterEach(() => {
  vi.useRealTimers()
})

test('what cannot be loaded for some seconds is loaded then', async () => {
  failing = 5
  const loading = loadPatiently(load, signal)
  await vi.advanceTimersByTimeAsync(10_000)
  expect(await loading).toBe('loaded')
})

test('what cannot be loaded at all is given up within half a minute', async () => {
  failing = Number.POSITIVE_INFINITY
  const failed = expect(loadPatiently(load, signal)).rejects.toThrow('Failed to fetch')
  await vi.advanceTimersByTimeAsync(35_000)
  await failed
  expect(attempts).toBe(9)
})

test('who leaves meanwhile does not wait, and nothing is asked for any more', async () => {
  failing = Number.POSITIVE_INFINITY
  const leaving = new AbortController()
  const loading = loadPatiently(load, leaving.signal)
  await vi.advanceTimersByTimeAsync(0)
  leaving.abort(new Error('gone'))
  await expect(loading).rejects.toThrow('gone')
  await vi.advanceTimersByTimeAsync(10_000)
  expect(attempts).toBe(1)
})
