import { describe, expect, test } from 'vitest'
import { Inflow, mayPlay, type Supply } from './play-gate.ts'

const KIB = 1024
const supply = (changes: Partial<Supply>): boolean =>
  mayPlay({
    ahead: 0.5,
    isWhole: false,
    inflow: 50 * KIB,
    bytesPerSecond: 100 * KIB,
    waited: 0,
    ...changes,
  })

describe('a video that waits', () => {
  test('is given what comes half as fast again as it is played, at once', () => {
    expect(supply({ ahead: 0, inflow: 150 * KIB })).toBe(true)
  })

  test('on a line slower than the film gets nothing until there is enough', () => {
    expect(supply({ ahead: 3.9 })).toBe(false)
    expect(supply({ ahead: 4 })).toBe(true)
    expect(supply({ ahead: 0.1, isWhole: true })).toBe(true)
  })

  test('needs the less in hand the faster the rest comes', () => {
    expect(supply({ ahead: 1.9, inflow: 125 * KIB })).toBe(false)
    expect(supply({ ahead: 2, inflow: 125 * KIB })).toBe(true)
  })

  test('gets what there is when it has waited for long', () => {
    expect(supply({ waited: 9.9 })).toBe(false)
    expect(supply({ waited: 10 })).toBe(true)
  })

  test('gets nothing before the line can be judged', () => {
    expect(supply({ inflow: null })).toBe(false)
  })
})

describe('how fast bytes come', () => {
  test('is told by enough of them, or by some time', () => {
    const inflow = new Inflow()
    expect(inflow.rate(10)).toBeNull()
    inflow.add(16 * KIB, 10)
    expect(inflow.rate(10.1)).toBeNull()
    expect(inflow.rate(10.4)).toBeCloseTo(40 * KIB)
    inflow.add(64 * KIB, 10.5)
    expect(inflow.rate(10.5)).toBeCloseTo(160 * KIB)
  })

  test('does not take the first bytes, which come at once, for a fast line for ever', () => {
    const inflow = new Inflow()
    inflow.add(64 * KIB, 10)
    expect(inflow.rate(10)).toBe(3200 * KIB)
    expect(inflow.rate(11)).toBe(64 * KIB)
  })

  test('counts from the request on', () => {
    const inflow = new Inflow()
    inflow.begin(9)
    inflow.add(64 * KIB, 10)
    expect(inflow.rate(10)).toBe(64 * KIB)
  })

  test('forgets what came long ago', () => {
    const inflow = new Inflow()
    inflow.add(1000 * KIB, 10)
    inflow.add(100 * KIB, 12.5)
    expect(inflow.rate(13)).toBe(50 * KIB)
    expect(inflow.rate(15)).toBeNull()
  })
})
