import { expect, test } from 'vitest'
import { Exclusions } from './exclusions.ts'

test('a peer stays out, and from its third one on its whole address does', () => {
  const exclusions = new Exclusions()
  for (const id of ['a', 'a', 'b']) exclusions.exclude(id, '192.0.2.1', true)
  expect(exclusions.has('a', '192.0.2.1')).toBe(true)
  expect(exclusions.has('c', '192.0.2.1')).toBe(false)
  exclusions.exclude('c', '192.0.2.1', true)
  expect(exclusions.has('d', '192.0.2.1')).toBe(true)
  expect(exclusions.has('d', '192.0.2.2')).toBe(false)
  expect(exclusions.has('d', null)).toBe(false)
})

test('mistakes do not count against an address', () => {
  const exclusions = new Exclusions()
  for (const id of ['a', 'b', 'c', 'd']) exclusions.exclude(id, '192.0.2.1', false)
  expect(exclusions.has('a', '192.0.2.1')).toBe(true)
  expect(exclusions.has('e', '192.0.2.1')).toBe(false)
})

test('who misbehaves under the id of another excludes itself, and not the other', () => {
  const exclusions = new Exclusions()
  exclusions.exclude('a', '192.0.2.1', true)
  exclusions.exclude('a', null, true)
  expect(exclusions.has('a', '198.51.100.7')).toBe(false)
  expect(exclusions.has('a', '192.0.2.1')).toBe(true)
  expect(exclusions.has('a', null)).toBe(true)
  exclusions.exclude('a', '198.51.100.7', true)
  expect(exclusions.has('a', '198.51.100.7')).toBe(true)
})

test('an excluded peer is tried once a minute, and anybody else always', () => {
  const exclusions = new Exclusions()
  exclusions.exclude('a', '192.0.2.1', true)
  expect([0, 1, 59_999, 60_000].map((now) => exclusions.mayTry('a', now))).toEqual([
    true,
    false,
    false,
    true,
  ])
  exclusions.exclude('a', '192.0.2.1', true)
  expect(exclusions.mayTry('a', 60_001)).toBe(false)
  expect([0, 1].map((now) => exclusions.mayTry('b', now))).toEqual([true, true])
})
