import { expect, test } from 'vitest'
import { Exclusions } from './exclusions.ts'

test('a peer stays out, and from its third one on its whole address does', () => {
  const exclusions = new Exclusions()
  for (const id of ['a', 'a', 'b']) exclusions.exclude(id, '192.0.2.1')
  expect(exclusions.has('a')).toBe(true)
  expect(exclusions.has('c', '192.0.2.1')).toBe(false)
  exclusions.exclude('c', '192.0.2.1')
  expect(exclusions.has('d', '192.0.2.1')).toBe(true)
  expect(exclusions.has('d', '192.0.2.2')).toBe(false)
  expect(exclusions.has('d')).toBe(false)
})

test('mistakes do not count against an address', () => {
  const exclusions = new Exclusions()
  for (const id of ['a', 'b', 'c', 'd']) exclusions.exclude(id, null)
  expect(exclusions.has('a', '192.0.2.1')).toBe(true)
  expect(exclusions.has('e', '192.0.2.1')).toBe(false)
})
