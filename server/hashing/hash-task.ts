// What passes between the hasher of files here and its threads.
import type { PieceLayout } from '#protocol/pieces.ts'

/** Length of a SHA-1. */
export const HASH_BYTES = 20

/** Places in `HashTask.counters`. */
export const COUNTER = { next: 0, cancelled: 1 } as const

export interface HashTask {
  readonly path: string
  readonly layout: PieceLayout
  /** Two Int32: the next piece to draw, and whether to stop. */
  readonly counters: SharedArrayBuffer
  /** 20 bytes a piece. */
  readonly hashes: SharedArrayBuffer
  /** One byte a piece: 1 when its hash is there. */
  readonly finished: SharedArrayBuffer
}

/** A thread's answer when it has no more to draw. */
export interface HashReply {
  readonly error: string | null
}
