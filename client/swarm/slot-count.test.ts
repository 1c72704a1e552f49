import { expect, test } from 'vitest'
import { nextSlots, type SlotsSituation } from './slot-count.ts'

const next = (changes: Partial<SlotsSituation>): number =>
  nextSlots({ slots: 20, served: 8, rate: 800, bytesPerSecond: 100, most: 20, ...changes })

test('an uplink that has enough for everybody serves everybody', () => {
  expect(next({})).toBe(20)
  expect(next({ slots: 8 })).toBe(9)
  expect(next({ slots: 20, served: 20, rate: 9000 })).toBe(20)
})

test('a slow uplink serves as many as get half the bitrate, two at least', () => {
  expect(next({ rate: 300 })).toBe(6)
  expect(next({ rate: 80 })).toBe(2)
  expect(next({ rate: 80, served: 2, slots: 2 })).toBe(2)
})

test('between the two nothing changes', () => {
  expect(next({ rate: 600, slots: 8 })).toBe(8)
  expect(next({ rate: 800, slots: 12 })).toBe(12) // there are slots left
})

test('nobody served, or nothing sent yet, tells nothing', () => {
  expect(next({ served: 0, rate: 10 })).toBe(20)
  expect(next({ rate: 0 })).toBe(20)
})

test('who has few slots gets no more of them by being slow', () => {
  expect(next({ slots: 3, served: 3, rate: 140 })).toBe(2)
})
