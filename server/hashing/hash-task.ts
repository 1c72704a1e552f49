// What passes between the hashers and their threads.
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

/** To the thread that hashes streams. */
export type StreamCommand =
  | {
      readonly kind: 'open'
      readonly stream: number
      readonly layout: PieceLayout
      /** The piece that the stream begins with. */
      readonly firstPiece: number
    }
  /** The next `length` bytes of a stream; the block itself is transferred. */
  | {
      readonly kind: 'bytes'
      readonly stream: number
      readonly block: Uint8Array<ArrayBuffer>
      readonly length: number
    }
  | { readonly kind: 'close'; readonly stream: number }

/** The thread's answer to `bytes`. */
export interface StreamReply {
  readonly stream: number
  /** Given back by transfer, to be filled again. */
  readonly block: Uint8Array<ArrayBuffer>
  /** Of the pieces that these bytes completed, 20 bytes each. */
  readonly hashes: Uint8Array
}
