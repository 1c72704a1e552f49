// What there is to know of every piece, one byte each: cheap enough to be asked for four times a
// second, and to be compared with what was drawn last.
import type { PieceIndex, PieceLayout } from '#protocol/pieces.ts'

/** What a byte of `PlaybackDetails.pieces` says; of a held piece, who brought it. */
export const PIECE = {
  missing: 0,
  /** Under way, from the server or from peers. */
  arriving: 1,
  /** From an earlier visit. */
  stored: 2,
  server: 3,
  peers: 4,
} as const

/** Added to the state of a held piece that passed verification in the swarm: peers can have it. */
export const SHARED = 8

/** What the states follow from; pieces are asked for one by one. */
export interface PieceFacts {
  readonly layout: PieceLayout
  readonly has: (index: PieceIndex) => boolean
  /** Came in this visit, or lay there before it. */
  readonly cameNow: (index: PieceIndex) => boolean
  readonly cameByHttp: (index: PieceIndex) => boolean
  readonly isArriving: (index: PieceIndex) => boolean
  readonly isVerified: (index: PieceIndex) => boolean
}

/** @returns a byte for each piece: a value of `PIECE`, perhaps with `SHARED` added */
export function pieceStates(facts: PieceFacts): Uint8Array {
  const states = new Uint8Array(facts.layout.count)
  for (let i = 0; i < states.length; i += 1) states[i] = stateOf(i as PieceIndex, facts)
  return states
}

function stateOf(index: PieceIndex, facts: PieceFacts): number {
  if (!facts.has(index)) return facts.isArriving(index) ? PIECE.arriving : PIECE.missing
  const shared = facts.isVerified(index) ? SHARED : 0
  if (facts.cameByHttp(index)) return PIECE.server + shared
  return (facts.cameNow(index) ? PIECE.peers : PIECE.stored) + shared
}
