import { describe, expect, it } from 'vitest'
import { decideRange } from './range.ts'

const range = (start: number, end: number) => ({ kind: 'range', start, end })
const whole = { kind: 'whole' }
const unsatisfiable = { kind: 'unsatisfiable' }

describe('decideRange', () => {
  it.each([
    [undefined, whole],
    [null, whole],
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
