import { expect, test } from 'vitest'
import { rank } from './rendezvous.ts'

const every = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)

test('the rendezvous spreads pieces evenly and moves only those of a peer that left', () => {
  const ids = ['a', 'b', 'c', 'd', 'e']
  const ranks = (among: readonly string[], id: string) =>
    every(0, 999).map((piece) =>
      rank(
        piece,
        id,
        among.filter((other) => other !== id),
      ),
    )
  for (const id of ids) {
    for (const place of every(0, 4)) {
      expect(ranks(ids, id).filter((is) => is === place).length).toBeGreaterThan(150)
    }
  }
  const winners = (among: readonly string[]) =>
    every(0, 999).map((piece) =>
      among.find(
        (id) =>
          rank(
            piece,
            id,
            among.filter((other) => other !== id),
          ) === 0,
      ),
    )
  const before = winners(ids)
  const after = winners(['e', 'd', 'b', 'a'])
  expect(after.every((winner, i) => before[i] === 'c' || winner === before[i])).toBe(true)
})
