import { describe, expect, it } from 'vitest'
import { evaluateConditions, rangeApplies } from './conditions.ts'

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
