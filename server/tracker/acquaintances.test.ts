import { beforeEach, expect, test } from 'vitest'
import { Acquaintances } from './acquaintances.ts'

let now = 0
let acquaintances: Acquaintances

/** Members are drawn in the order in which they came. */
const inOrder = (...ids: string[]): Acquaintances => {
  const made = new Acquaintances({ now: () => now, random: () => 0 })
  for (const id of ids) made.join(id)
  return made
}
const introduce = (own: string, count: number) => acquaintances.introduce(own, count)
/** @returns how many a member is promised that is introduced to nobody at once */
const promise = (own: string): number => {
  introduce(own, 0)
  return acquaintances.promise(own)
}

beforeEach(() => {
  now = 0
  acquaintances = inOrder('a', 'b', 'c', 'd')
})

test('whoever is introduced is so for both, and not again while it is under way', () => {
  expect(introduce('a', 2)).toEqual(['b', 'c'])
  expect(introduce('a', 2)).toEqual(['d'])
  expect(introduce('b', 2)).toEqual(['c', 'd'])
  expect(introduce('b', 2)).toEqual([])
})

test('who was introduced a while ago comes after strangers, the longest ago first', () => {
  introduce('a', 1)
  now = 500
  introduce('a', 1)
  now = 900
  expect(introduce('a', 3)).toEqual(['d', 'b'])
  now = 1100
  expect(introduce('a', 3)).toEqual(['c'])
})

test('in the end everybody is a stranger again, or when all is forgotten', () => {
  introduce('a', 3)
  now = 4999
  expect(promise('a')).toBe(0)
  now = 5000
  expect(promise('a')).toBe(3)
  expect(promise('a')).toBe(0)
  acquaintances.forget()
  expect(promise('a')).toBe(3)
})

test('strangers are promised to one, who is introduced to them first', () => {
  introduce('a', 1)
  expect(acquaintances.promise('a')).toBe(2)
  expect(introduce('d', 5)).toEqual(['b', 'c'])
  expect(introduce('a', 1)).toEqual(['c'])
  now = 600
  expect(introduce('a', 5)).toEqual(['b', 'c', 'd']) // a promise holds once
})

test('of many, so many are promised as our players have offers for', () => {
  acquaintances = inOrder('a', 'b', 'c', 'd', 'e', 'f')
  expect(promise('a')).toBe(4)
  expect(promise('f')).toBe(4)
})

test('a promise holds for those who are still there, whom nobody else was introduced to, for a while', () => {
  promise('a')
  now = 700
  expect(introduce('c', 1)).toEqual(['b'])
  expect(introduce('c', 1)).toEqual(['d'])
  now = 1300
  expect(introduce('c', 1)).toEqual(['a']) // meets a promise that was made the other way round
  acquaintances.leave('b')
  expect(introduce('a', 5)).toEqual(['d'])
  expect(promise('b')).toBe(1)
  now = 6300
  acquaintances.leave('d')
  acquaintances.leave('a')
  acquaintances.leave('c')
  expect(introduce('b', 5)).toEqual([])
})

test('who has left is forgotten, and its promises with it', () => {
  promise('a')
  expect(promise('b')).toBe(2)
  acquaintances.leave('a')
  expect(introduce('b', 9)).toEqual(['c', 'd'])
  acquaintances.join('a')
  expect(promise('a')).toBe(3)
})

test('of many, the last ones are remembered', () => {
  const others = Array.from({ length: 99 }, (_, n) => `${n}`)
  acquaintances = inOrder('a', ...others)
  expect(introduce('a', 100)).toEqual(others.slice(0, 63)) // so many are drawn
  expect(introduce('a', 100)).toEqual([])
  for (const id of others.slice(0, 63)) acquaintances.leave(id)
  expect(introduce('a', 100)).toEqual(others.slice(63).reverse())
})

test('members are drawn once each, and all of them alike, whoever has left', () => {
  const drawn = new Acquaintances()
  for (const id of ['own', 'x', 'a', 'b', 'y', 'c', 'd', 'e', 'z']) drawn.join(id)
  drawn.join('e')
  for (const id of ['x', 'y', 'z', 'z']) drawn.leave(id)
  const first = new Map(['a', 'b', 'c', 'd', 'e'].map((id) => [id, 0]))
  for (let n = 0; n < 5000; n += 1) {
    const met = drawn.introduce('own', 9)
    expect(met.toSorted()).toEqual([...first.keys()])
    const [one = ''] = met
    first.set(one, (first.get(one) ?? 0) + 1)
    drawn.forget()
  }
  for (const count of first.values()) expect(count).toBeGreaterThan(800)
})
