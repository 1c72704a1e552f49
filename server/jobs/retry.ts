// When a failed job runs again. Pure.

/** A job whose process has not been heard of for so long is taken up by another. */
export const LEASE_MS = 8_000
/** After so many failures a job gives up. */
export const MAX_ATTEMPTS = 5

/**
 * @param attempts failures so far, from 1
 * @returns milliseconds until the next attempt: 2, 8, 32, 128 s …, at most ten minutes
 */
export function retryDelayMs(attempts: number): number {
  return Math.min(2_000 * 4 ** (attempts - 1), 600_000)
}
