import { describe, expect, it } from 'vitest'
import { MBIT_PER_SECOND, MEGABYTES, parseLimit, writeLimit } from './sharing-limits.ts'

describe('parseLimit', () => {
  it.each([
    ['', null],
    ['  ', null],
    ['0', 0],
    ['1', 125_000],
    [' 1.5 ', 187_500],
    ['1,5', 187_500],
    ['0.001', 125],
    ['10000', 1_250_000_000],
    ['10001', undefined],
    ['-1', undefined],
    ['1e3', undefined],
    ['fast', undefined],
    ['1.2.3', undefined],
    ['Infinity', undefined],
  ])('reads %j Mbit/s as %s bytes per second', (text, bytes) => {
    expect(parseLimit(text, MBIT_PER_SECOND)).toBe(bytes)
  })

  it('reads what was written', () => {
    for (const bytes of [null, 0, 500_000, 1_000_000, 4_300_000_000]) {
      expect(parseLimit(writeLimit(bytes, MEGABYTES), MEGABYTES)).toBe(bytes)
    }
  })
})
