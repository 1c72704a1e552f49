import { beforeEach, expect, test } from 'vitest'
import { Acquaintances, drawn } from './acquaintances.ts'

let now = 0
let acquaintances: Acquaintances

const introduce = (own: string, others: string[], count: number) =>
  acquaintances.introduce(own, others, count, () => true)

beforeEach(() => {
  now = 0
  acquaintances = new Acquaintances(() => now)
})

test('whoever is introduced is so for both, and not again while it is under way', () => {
  expect(introduce('a', ['b', 'c', 'd'], 2)).toEqual(['b', 'c'])
  expect(introduce('a', ['b', 'c', 'd'], 2)).toEqual(['d'])
  expect(introduce('b', ['a', 'c'], 2)).toEqual(['c'])
})

test('who was introduced a while ago comes after strangers, the longest ago first', () => {
  introduce('a', ['b'], 1)
  now = 500
  introduce('c', ['a'], 1)
  now = 900
  expect(introduce('a', ['c', 'b', 'd'], 3)).toEqual(['d', 'b'])
  now = 1100
  expect(introduce('a', ['c', 'b', 'd'], 3)).toEqual(['c'])
})

test('in the end everybody is a stranger again', () => {
  introduce('a', ['b'], 1)
  now = 4999
  expect(acquaintances.promise('b', ['a'], 5)).toBe(0)
  now = 5000
  expect(acquaintances.promise('b', ['a'], 5)).toBe(1)
})

test('strangers are promised to one, who is introduced to them first', () => {
  expect(acquaintances.promise('a', ['b', 'c', 'd'], 2)).toBe(2)
  expect(acquaintances.promise('b', ['a', 'c'], 5)).toBe(1)
  expect(introduce('c', ['a', 'b', 'd'], 5)).toEqual(['d'])
  expect(introduce('a', ['d', 'c', 'b'], 1)).toEqual(['b'])
  expect(introduce('a', ['d', 'c', 'b'], 5)).toEqual(['d']) // a promise holds once
  now = 600
  expect(introduce('a', ['c'], 5)).toEqual(['c']) // the other made nothing of it
})

test('a promise holds for those who are still there, whom nobody else was introduced to, for a while', () => {
  acquaintances.promise('a', ['b', 'c', 'd'], 5)
  now = 700
  expect(introduce('c', ['a'], 1)).toEqual(['a'])
  expect(acquaintances.introduce('a', [], 5, (id) => id !== 'b')).toEqual(['d'])
  acquaintances.promise('e', ['b'], 5)
  now = 5700
  expect(introduce('e', [], 5)).toEqual([])
})

test('who has left is forgotten, and its promises with it', () => {
  acquaintances.promise('a', ['b'], 5)
  acquaintances.forget('a')
  expect(acquaintances.promise('b', ['a'], 5)).toBe(1)
})

test('of many, the last ones are remembered', () => {
  const others = Array.from({ length: 100 }, (_, n) => `${n}`)
  introduce('a', others, 100)
  expect(introduce('a', others, 100)).toEqual(others.slice(0, 36))
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
