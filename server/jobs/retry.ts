// When a failed job runs again. Pure.

/** A job whose process has not been heard of for so long is taken up by another. */
export const LEASE_MS = 8_000
/** After so many failures without progress a job gives up. */
export const MAX_ATTEMPTS = 5

/**
 * @param attempts failures so far, from 1
 * @returns milliseconds until the next attempt: 2, 8, 32, 128 s …, at most ten minutes
 */
export function retryDelayMs(attempts: number): number {
  return Math.min(2_000 * 4 ** (attempts - 1), 600_000)
}

/** What a handler throws to say how its job goes on. */
export class BuildFailure extends Error {
  override readonly name = 'BuildFailure'
  /** True when another attempt would fail as well. */
  readonly isFinal: boolean
  /** Not to be tried again earlier, milliseconds. */
  readonly retryAfterMs: number

  /** @param reason for a person */
  constructor(
    reason: string,
    options: ErrorOptions & { readonly isFinal?: boolean; readonly retryAfterMs?: number } = {},
  ) {
    super(reason, options)
    this.isFinal = options.isFinal ?? false
    this.retryAfterMs = options.retryAfterMs ?? 0
  }
}

const UNKNOWN_REASON = 'The pieces of the file could not be hashed. The server log has the details.'
/** A source may ask for any pause; a day later is another day. */
const LONGEST_DELAY_MS = 24 * 3600_000

/**
 * @param attempts failures so far without progress, from 1
 * @returns whether the job gives up, for which reason, or else after how many milliseconds it runs
 *   again
 */
export function afterFailure(cause: unknown, attempts: number) {
  const known = cause instanceof BuildFailure ? cause : null
  return {
    givesUp: known?.isFinal === true || attempts >= MAX_ATTEMPTS,
    delayMs: Math.max(retryDelayMs(attempts), Math.min(known?.retryAfterMs ?? 0, LONGEST_DELAY_MS)),
    reason: known?.message ?? UNKNOWN_REASON,
  }
}
