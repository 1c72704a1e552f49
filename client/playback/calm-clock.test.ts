import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { afterCalm, CalmClock } from './calm-clock.ts'

let now: number
let clock: CalmClock

beforeEach(() => {
  vi.useFakeTimers({ now: 0 })
  now = 0
  clock = new CalmClock(() => now)
})
afterEach(() => {
  clock.close()
  vi.useRealTimers()
})

/** Lets beats come, each so many milliseconds after the one before. */
function beats(count: number, ms: number): void {
  for (let i = 0; i < count; i += 1) {
    now += ms
    vi.advanceTimersByTime(20)
  }
}

test('while the machine keeps time it is a clock like any other', () => {
  beats(10, 22)
  expect(clock.ms).toBe(220)
})

test('it nearly stands still while the machine is too busy for it', () => {
  beats(10, 100)
  expect(clock.ms).toBeCloseTo(200)
})

test('it goes on as before when the machine is idle again', () => {
  beats(1, 5000)
  beats(5, 20)
  expect(clock.ms).toBeCloseTo(1100)
})

test('closed, it counts all time', () => {
  beats(1, 20)
  clock.close()
  clock.close()
  beats(1, 5000)
  expect(clock.ms).toBe(5020)
})

describe('a wait', () => {
  test('is as long as was asked for while the machine keeps time', () => {
    const act = vi.fn()
    afterCalm(1000, act, () => now)
    beats(49, 20)
    expect(act).not.toHaveBeenCalled()
    beats(6, 20)
    expect(act).toHaveBeenCalledOnce()
    beats(200, 20)
    expect(act).toHaveBeenCalledOnce()
  })

  test('is longer on a busy machine, and ends all the same', () => {
    const act = vi.fn()
    afterCalm(1000, act, () => now)
    beats(39, 100)
    expect(act).not.toHaveBeenCalled()
    beats(6, 100)
    expect(act).toHaveBeenCalledOnce()
  })

  test('can be called off', () => {
    const act = vi.fn()
    const callOff = afterCalm(100, act, () => now)
    callOff()
    beats(50, 20)
    expect(act).not.toHaveBeenCalled()
    expect(vi.getTimerCount()).toBe(1) // of the other clock
  })
})
