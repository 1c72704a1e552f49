import { expect, test } from 'vitest'
import { pieceLayout } from '#protocol/pieces.ts'
import { PIECE, pieceStates, SHARED } from './piece-states.ts'

test('each piece is told by who brought it, and whether peers can have it', () => {
  const layout = pieceLayout(6 * 256 * 1024)
  const among =
    (...indices: number[]) =>
    (index: number) =>
      indices.includes(index)
  const states = pieceStates({
    layout,
    has: among(0, 1, 2, 3),
    cameNow: among(1, 2, 3),
    cameByHttp: among(1, 2),
    isArriving: among(3, 4),
    isVerified: among(2, 3, 5),
  })
  expect([...states]).toEqual([
    PIECE.stored,
    PIECE.server,
    PIECE.server + SHARED,
    PIECE.peers + SHARED, // held, so no longer under way
    PIECE.arriving,
    PIECE.missing, // verified once, and given up since
  ])
})
