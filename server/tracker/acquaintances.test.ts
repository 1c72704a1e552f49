import { beforeEach, expect, test } from 'vitest'
import { Acquaintances, drawn } from './acquaintances.ts'

let now = 0
let acquaintances: Acquaintances

beforeEach(() => {
  now = 0
  acquaintances = new Acquaintances(() => now)
})

test('whoever is introduced is so for both, and not again while it is under way', () => {
  expect(acquaintances.introduce('a', ['b', 'c', 'd'], 2)).toEqual(['b', 'c'])
  expect(acquaintances.introduce('a', ['b', 'c', 'd'], 2)).toEqual(['d'])
  expect(acquaintances.introduce('b', ['a', 'c'], 2)).toEqual(['c'])
})

test('who was introduced a while ago comes after strangers, the longest ago first', () => {
  acquaintances.introduce('a', ['b'], 1)
  now = 500
  acquaintances.introduce('c', ['a'], 1)
  now = 1900
  expect(acquaintances.introduce('a', ['c', 'b', 'd'], 3)).toEqual(['d', 'b'])
  now = 2100
  expect(acquaintances.introduce('a', ['c', 'b', 'd'], 3)).toEqual(['c'])
})

test('in the end everybody is a stranger again', () => {
  acquaintances.introduce('a', ['b'], 1)
  now = 4999
  expect(acquaintances.promise('b', ['a'], 5)).toBe(0)
  now = 5000
  expect(acquaintances.promise('b', ['a'], 5)).toBe(1)
})

test('strangers are promised to one, who is introduced to them first', () => {
  expect(acquaintances.promise('a', ['b', 'c', 'd'], 2)).toBe(2)
  expect(acquaintances.promise('b', ['a', 'c'], 5)).toBe(1)
  expect(acquaintances.introduce('c', ['a', 'b', 'd'], 5)).toEqual(['d'])
  expect(acquaintances.introduce('a', ['d', 'c', 'b'], 1)).toEqual(['c'])
  expect(acquaintances.introduce('a', ['d', 'c', 'b'], 5)).toEqual(['d']) // a promise holds once
  now = 1500
  expect(acquaintances.introduce('a', ['b'], 5)).toEqual(['b']) // the other made nothing of it
})

test('who has left is forgotten, and its promises with it', () => {
  acquaintances.promise('a', ['b'], 5)
  acquaintances.forget('a')
  expect(acquaintances.promise('b', ['a'], 5)).toBe(1)
})

test('of many, the last ones are remembered', () => {
  const others = Array.from({ length: 100 }, (_, n) => `${n}`)
  acquaintances.introduce('a', others, 100)
  expect(acquaintances.introduce('a', others, 100)).toEqual(others.slice(0, 36))
})

test('keys are drawn once each, and all of them alike', () => {
  const keys = ['a', 'b', 'c', 'd', 'e']
  expect(drawn(keys, 9).sort()).toEqual(keys)
  const first = new Map(keys.map((key) => [key, 0]))
  for (let n = 0; n < 5000; n += 1) {
    const [one = '', two] = drawn(keys, 2)
    expect(one).not.toBe(two)
    first.set(one, (first.get(one) ?? 0) + 1)
  }
  for (const count of first.values()) expect(count).toBeGreaterThan(800)
})
