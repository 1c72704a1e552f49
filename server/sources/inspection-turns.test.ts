import { expect, test } from 'vitest'
import { InspectionTurns } from './inspection-turns.ts'

const { signal } = new AbortController()
const limits = { atOnce: 3, ofHost: 2, waiting: 2, patience: 5_000 }

/** Takes a turn that lasts until it is ended. */
function hold(turns: InspectionTurns, host: string, own = signal) {
  const { promise, resolve } = Promise.withResolvers<void>()
  let hasBegun = false
  const over = turns.take(host, own, () => {
    hasBegun = true
    return promise
  })
  over.catch(() => {})
  return { end: resolve, over, hasBegun: () => hasBegun }
}
const settle = () => new Promise((resolve) => setImmediate(resolve))

test('a slow host holds up its own, not the others, and turns come in order', async () => {
  const turns = new InspectionTurns(limits)
  const [first, second, third] = ['a', 'a', 'a'].map((host) => hold(turns, host))
  const other = hold(turns, 'b')
  await settle()
  expect([first, second, third, other].map((one) => one?.hasBegun())).toEqual([
    true,
    true,
    false,
    true,
  ])
  expect(turns.isBusy).toBe(true)
  second?.end()
  await second?.over
  await settle()
  expect(third?.hasBegun()).toBe(true)
  expect(turns.isBusy).toBe(false)
})

test('no more than a bounded number are under way in all', async () => {
  const turns = new InspectionTurns(limits)
  const [first] = ['a', 'b', 'c'].map((host) => hold(turns, host))
  const fourth = hold(turns, 'd')
  await settle()
  expect(fourth.hasBegun()).toBe(false)
  first?.end()
  await first?.over
  await settle()
  expect(fourth.hasBegun()).toBe(true)
})

test('beyond a bounded number of those who wait, and of the wait, one is sent away', async () => {
  const turns = new InspectionTurns({ ...limits, patience: 50 })
  const held = ['a', 'a', 'a', 'a', 'a'].map((host) => hold(turns, host))
  const refusal = expect.objectContaining({
    code: 'too_many_requests',
    headers: { 'Retry-After': '5' },
  })
  await expect(held[4]?.over).rejects.toThrow(refusal)
  await expect(held[3]?.over).rejects.toThrow(refusal)
  expect(turns.isBusy).toBe(false)
})

test('who gives up waiting leaves the queue', async () => {
  const turns = new InspectionTurns(limits)
  const giving = new AbortController()
  const [first] = ['a', 'a'].map((host) => hold(turns, host))
  const gone = hold(turns, 'a', giving.signal)
  const next = hold(turns, 'a')
  giving.abort(new Error('gone'))
  await expect(gone.over).rejects.toThrow('gone')
  first?.end()
  await first?.over
  await settle()
  expect(gone.hasBegun()).toBe(false)
  expect(next.hasBegun()).toBe(true)
})

test('a turn that fails is over', async () => {
  const turns = new InspectionTurns({ ...limits, ofHost: 1 })
  const failing = turns.take('a', signal, () => Promise.reject(new Error('no')))
  await expect(failing).rejects.toThrow('no')
  expect(await turns.take('a', signal, async () => 1)).toBe(1)
})
