import { expect, test } from 'vitest'
import type { PieceIndex } from '#protocol/pieces.ts'
import { worstOf } from './retention.ts'

const pieces = (...numbers: number[]) => numbers as PieceIndex[]

test.each([
  ['farthest behind the playhead', [3, 9, 40, 52], 3],
  ['behind before ahead, however far ahead', [48, 99], 48],
  ['farthest ahead when nothing lies behind', [50, 70, 90, 80], 90],
  ['nothing that is needed soon, nor what has just been read', [49, 50, 55, 60], null],
  ['nothing when there is nothing', [], null],
])('given up is %s', (_what, held, worst) => {
  expect(worstOf(pieces(...held), { at: 50, ahead: 10 })).toBe(worst)
})
