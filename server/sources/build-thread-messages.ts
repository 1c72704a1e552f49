// What passes between the build thread's two ends, and errors as they travel: classes do not.
import type { ErrorCode } from '#protocol/errors.ts'
import type { PieceLayout } from '#protocol/pieces.ts'
import { SlipstreamError } from '../http/errors.ts'
import { type KnownSource, SourceChanged } from './source-client.ts'

/** To the thread: what to hash. */
export type HashCommand =
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
  /** The next bytes of a stream are those of a request's present portion, `from` to `to`. */
  | {
      readonly kind: 'take'
      readonly stream: number
      readonly request: number
      readonly from: number
      readonly to: number
    }
  | { readonly kind: 'close'; readonly stream: number }

/** To the thread: what to fetch. Each is answered once, and then the next may follow. */
export type FetchCommand =
  /** As `SourceClient.read`. */
  | {
      readonly kind: 'read'
      readonly request: number
      readonly url: string
      readonly start: number
      readonly end: number
      readonly known: KnownSource
    }
  /** The portion before is not needed any more. */
  | { readonly kind: 'next'; readonly request: number }

/** What the thread cannot know by itself. */
export type Question = 'assertAllowed' | 'lookup'

export type Command =
  | HashCommand
  | FetchCommand
  | { readonly kind: 'stop'; readonly request: number }
  | { readonly kind: 'answer'; readonly question: number; readonly outcome: Outcome<unknown> }

export type Reply =
  /** Of the pieces that were completed, 20 bytes each. */
  | { readonly kind: 'hashed'; readonly stream: number; readonly hashes: Uint8Array }
  /** What it was to `take` is not there: the stream cannot go on. */
  | { readonly kind: 'lost'; readonly stream: number }
  /** A block of `bytes` is given back by transfer, to be filled again. */
  | { readonly kind: 'free'; readonly stream: number; readonly block: Uint8Array<ArrayBuffer> }
  /** The bytes of the portion that is there now: 0 after `read`, and when no more follow. */
  | { readonly kind: 'portion'; readonly request: number; readonly outcome: Outcome<number> }
  | {
      readonly kind: 'ask'
      readonly question: number
      readonly what: Question
      readonly about: string
    }

export type Outcome<T> = { readonly value: T } | { readonly error: ErrorNote }

type ErrorNote = { readonly message: string; readonly cause: string | undefined } & (
  | {
      readonly kind: 'slipstream'
      readonly code: ErrorCode
      readonly headers: Readonly<Record<string, string>>
    }
  | { readonly kind: 'changed' }
  | { readonly kind: 'other'; readonly code: string | undefined }
)

/** @returns what became of it, so that it can be sent to the other end */
export async function outcomeOf<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await work() }
  } catch (error) {
    return { error: noted(error) }
  }
}

/** @throws the error that the other end met */
export function resultOf<T>(outcome: Outcome<T>): T {
  if ('value' in outcome) return outcome.value
  const { error } = outcome
  const { message } = error
  const options = error.cause === undefined ? {} : { cause: new Error(error.cause) }
  if (error.kind === 'changed') throw new SourceChanged(message, options)
  if (error.kind === 'slipstream') {
    throw new SlipstreamError(error.code, message, { ...options, headers: { ...error.headers } })
  }
  throw Object.assign(new Error(message, options), error.code !== undefined && { code: error.code })
}

function noted(error: unknown): ErrorNote {
  const { code, message, cause } = error as NodeJS.ErrnoException
  const note = {
    message: message ?? String(error),
    cause: cause === undefined ? undefined : String(cause),
  }
  if (error instanceof SourceChanged) return { kind: 'changed', ...note }
  if (error instanceof SlipstreamError) {
    return { kind: 'slipstream', code: error.code, headers: error.headers, ...note }
  }
  return { kind: 'other', code, ...note }
}
