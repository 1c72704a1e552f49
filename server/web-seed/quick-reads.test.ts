import { openSync } from 'node:fs'
import { expect, test } from 'vitest'
import { QuickReads } from './quick-reads.ts'

const file = openSync(import.meta.filename, 'r')
const buffer = Buffer.alloc(64)

test('a slow read is the last for a while', () => {
  const times = [0, 1, 100, 105, 106, 10_104, 10_105, 10_106]
  const reads = new QuickReads(() => times.shift() ?? Number.NaN)
  const read = () => reads.read(file, buffer, 6, 2)
  expect(read()).toBe(6)
  expect(buffer.toString('latin1', 0, 6)).toBe('port {')
  expect(read()).toBe(6) // took 5 ms
  expect(read()).toBe(0)
  expect(read()).toBe(0)
  expect(read()).toBe(6)
  expect(times).toEqual([])
})

test('what cannot be read is left to the other way', () => {
  expect(new QuickReads().read(-1, buffer, 6, 0)).toBe(0)
})
