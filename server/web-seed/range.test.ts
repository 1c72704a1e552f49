import { describe, expect, it } from 'vitest'
import { decideRange, evaluateConditions, rangeApplies } from './range.ts'

const range = (start: number, end: number) => ({ kind: 'range', start, end })
const whole = { kind: 'whole' }
const unsatisfiable = { kind: 'unsatisfiable' }

describe('decideRange', () => {
  it.each([
    [undefined, whole],
    ['bytes=0-99', range(0, 99)],
    ['bytes=0-', range(0, 999)],
    ['bytes=999-', range(999, 999)],
    ['bytes=500-5000', range(500, 999)],
    ['bytes=-1', range(999, 999)],
    ['bytes=-5000', range(0, 999)],
    ['BYTES = 10-19', range(10, 19)],
    ['bytes=1000-', unsatisfiable],
    ['bytes=99999999999999999999999-', unsatisfiable],
    ['bytes=-0', unsatisfiable],
    ['bytes=-', unsatisfiable],
    ['bytes=', unsatisfiable],
    ['bytes=9-3', unsatisfiable],
    ['bytes=a-b', unsatisfiable],
    ['bytes=1.5-3', unsatisfiable],
    ['bytes=--5', unsatisfiable],
    ['bytes=0x0-0x5', unsatisfiable],
    ['bytes=0-1,5-9', whole],
    ['items=0-5', whole],
    ['garbage', whole],
    ['', whole],
  ])('reads %j of 1,000 bytes', (header, expected) => {
    expect(decideRange(header, 1000)).toEqual(expected)
  })
})

const validators = { etag: '"a-1"', lastModified: Date.parse('2026-05-01T10:00:00.500Z') }
const sameTime = 'Fri, 01 May 2026 10:00:00 GMT'
const earlier = 'Thu, 30 Apr 2026 10:00:00 GMT'

describe('evaluateConditions', () => {
  it.each([
    [{}, 'proceed'],
    [{ 'if-none-match': '"a-1"' }, 'not-modified'],
    [{ 'if-none-match': 'W/"a-1", "other"' }, 'not-modified'],
    [{ 'if-none-match': '*' }, 'not-modified'],
    [{ 'if-none-match': '"other"', 'if-modified-since': sameTime }, 'proceed'],
    [{ 'if-modified-since': sameTime }, 'not-modified'],
    [{ 'if-modified-since': earlier }, 'proceed'],
    [{ 'if-modified-since': 'whenever' }, 'proceed'],
    [{ 'if-match': '"a-1"' }, 'proceed'],
    [{ 'if-match': 'W/"a-1"' }, 'failed'],
    [{ 'if-match': '"other"' }, 'failed'],
    [{ 'if-unmodified-since': earlier }, 'failed'],
    [{ 'if-unmodified-since': sameTime }, 'proceed'],
  ])('%j → %s', (conditions, expected) => {
    expect(evaluateConditions(conditions, validators)).toBe(expected)
  })
})

describe('rangeApplies', () => {
  it.each([
    [undefined, true],
    ['"a-1"', true],
    ['"a-2"', false],
    ['W/"a-1"', false],
    [sameTime, true],
    [earlier, false],
    ['garbage', false],
  ])('with If-Range %j is %s', (condition, expected) => {
    expect(rangeApplies({ 'if-range': condition }, validators)).toBe(expected)
  })
})
