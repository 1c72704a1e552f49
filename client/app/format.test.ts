import { describe, expect, it } from 'vitest'
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatPercent,
  formatTimeLeft,
} from './format.ts'

describe('formatBytes', () => {
  it.each([
    [0, '0 bytes'],
    [1, '1 byte'],
    [999, '999 bytes'],
    [1500, '1.5 kB'],
    [999_700, '1 MB'],
    [46_909_809, '47 MB'],
    [1_073_741_824, '1.1 GB'],
    [5e15, '5,000 TB'],
  ])('writes %d as %s', (bytes, text) => {
    expect(formatBytes(bytes, 'en')).toBe(text)
  })
})

describe('formatDuration', () => {
  it.each([
    [0, '0:00'],
    [59.6, '1:00'],
    [185, '3:05'],
    [3723, '1:02:03'],
  ])('writes %d seconds as %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text)
  })
})

describe('formatTimeLeft', () => {
  it.each([
    [0.2, '1 s'],
    [59.2, '60 s'],
    [90, '2 min'],
    [7800, '2 h 10 min'],
  ])('writes %d seconds as %s', (seconds, text) => {
    expect(formatTimeLeft(seconds)).toBe(text)
  })
})

it('never calls a thing complete before it is', () => {
  expect(formatPercent(0.999)).toBe('99 %')
  expect(formatPercent(1)).toBe('100 %')
})

it('counts one viewer in the singular', () => {
  expect(formatCount(1, 'viewer')).toBe('1 viewer')
  expect(formatCount(3, 'viewer')).toBe('3 viewers')
})
