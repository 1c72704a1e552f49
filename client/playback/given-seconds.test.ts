import { expect, test } from 'vitest'
import { type Given, givenSeconds } from './given-seconds.ts'

const given = (changes: Partial<Given>): number =>
  givenSeconds({
    samples: { start: 1000, end: 100_000 },
    range: { start: 0, end: 3000 },
    bytesPerSecond: 1000,
    played: 0,
    decoded: null,
    waitingMs: null,
    ...changes,
  })

test('what was given counts from the first sample on, or from where the browser began', () => {
  expect(given({})).toBe(2)
  expect(given({ range: { start: 2500, end: 3000 } })).toBe(0.5)
})

test('what comes before the samples or after them keeps nobody going', () => {
  expect(given({ range: { start: 0, end: 900 } })).toBe(0)
  expect(given({ range: { start: 100_000, end: 110_000 } })).toBe(0)
})

test('what was played is gone', () => {
  expect(given({ played: 0.5 })).toBe(1.5)
  expect(given({ played: 5 })).toBe(0)
})

test('what was decoded is gone, however long it lasted; a hidden picture is not decoded', () => {
  expect(given({ played: 0.5, decoded: 1500 })).toBe(0.5) // the film began far above its average
  expect(given({ played: 1, decoded: 800 })).toBeCloseTo(1.2)
  expect(given({ played: 1, decoded: 10 })).toBeCloseTo(1.3)
})

test('a picture that does not come lacks bytes, but not at once', () => {
  expect(given({ waitingMs: 90 })).toBe(2)
  expect(given({ waitingMs: 300 })).toBeCloseTo(1)
  expect(given({ waitingMs: 5000 })).toBe(0)
})
