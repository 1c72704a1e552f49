import { expect, it } from 'vitest'
import { TransferRate } from './transfer-rate.ts'

it('says nothing before it has seen most of a second', () => {
  const rate = new TransferRate()
  expect(rate.bytesPerSecond(0)).toBeNull()
  rate.add(0, 0)
  rate.add(500, 1000)
  expect(rate.bytesPerSecond(500)).toBeNull()
})

it('follows a change of speed within its window', () => {
  const rate = new TransferRate()
  for (let at = 0; at <= 10_000; at += 500) rate.add(at, at * 2)
  expect(rate.bytesPerSecond(10_000)).toBeCloseTo(2000)
  for (let at = 10_500; at <= 20_000; at += 500) rate.add(at, 20_000 + (at - 10_000) / 5)
  expect(rate.bytesPerSecond(20_000)).toBeCloseTo(200, -1)
})

it('falls while nothing moves', () => {
  const rate = new TransferRate()
  rate.add(0, 0)
  rate.add(1000, 4000)
  expect(rate.bytesPerSecond(1000)).toBe(4000)
  expect(rate.bytesPerSecond(4000)).toBe(1000)
})

it('starts anew when the server turns out to have fewer bytes', () => {
  const rate = new TransferRate()
  rate.add(0, 5000)
  rate.add(1000, 9000)
  rate.add(2000, 5000)
  expect(rate.bytesPerSecond(2000)).toBeNull()
})
