// Decides which piece goes when there is no room for all. Pure. In short: what playback needs soon
// stays; what lies behind the playhead goes first, the farthest first, for the swarm's other viewers
// are more likely to be near; then what lies ahead, again the farthest first.
import type { PieceIndex } from '#protocol/pieces.ts'

/** Where playback stands, in pieces. */
export interface Focus {
  readonly at: number
  /** So many pieces from there on are never given up, nor is the one before. */
  readonly ahead: number
}

/** @returns the piece to give up first, or `null` when every one of them is needed soon */
export function worstOf(pieces: Iterable<PieceIndex>, focus: Focus): PieceIndex | null {
  let worst: PieceIndex | null = null
  let worstRank = 0
  for (const index of pieces) {
    const rank = rankOf(index, focus)
    if (rank > worstRank) {
      worst = index
      worstRank = rank
    }
  }
  return worst
}

/** 0 for what must stay; anything behind outranks anything ahead. */
function rankOf(index: PieceIndex, { at, ahead }: Focus): number {
  if (index < at - 1) return Number.MAX_SAFE_INTEGER / 2 + (at - index)
  return index > at + ahead ? index - at : 0
}
