import { describe, expect, test } from 'vitest'
import { mayPlay, type Supply } from './play-gate.ts'

const KIB = 1024
const supply = (changes: Partial<Supply>): boolean =>
  mayPlay({
    ahead: 0.5,
    isWhole: false,
    pace: 50 * KIB,
    waitsForOthers: false,
    bytesPerSecond: 100 * KIB,
    waited: 0,
    ...changes,
  })

describe('a video that waits', () => {
  test('is given what comes half as fast again as it is played, at once', () => {
    expect(supply({ ahead: 0, pace: 150 * KIB })).toBe(true)
  })

  test('on a line slower than the film gets nothing until there is enough', () => {
    expect(supply({ ahead: 3.9 })).toBe(false)
    expect(supply({ ahead: 4 })).toBe(true)
    expect(supply({ ahead: 0.1, isWhole: true })).toBe(true)
  })

  test('needs the less in hand the faster the rest comes', () => {
    expect(supply({ ahead: 1.9, pace: 125 * KIB })).toBe(false)
    expect(supply({ ahead: 2, pace: 125 * KIB })).toBe(true)
  })

  test('gets what there is when it has waited for long', () => {
    expect(supply({ waited: 9.9 })).toBe(false)
    expect(supply({ waited: 10 })).toBe(true)
  })

  test('gets nothing before the line can be judged', () => {
    expect(supply({ pace: 0 })).toBe(false)
  })

  test('does not rely on the line for what others shall bring', () => {
    expect(supply({ pace: 1000 * KIB, waitsForOthers: true })).toBe(false)
    expect(supply({ pace: 1000 * KIB, waitsForOthers: true, waited: 10 })).toBe(true)
  })
})
