// How long to wait before a request is tried again, and waiting.

const FIRST_MS = 300
const LONGEST_MS = 8000
/** A server may ask for more patience than that; a viewer in front of a player has none. */
const LONGEST_RETRY_AFTER_MS = 60_000

/**
 * Doubles from 0.3 s to 8 s, half of it jitter, so that viewers who lost a server together do not
 * come back together. `Retry-After` (RFC 9110 §10.2.3) is honoured up to a minute.
 *
 * @param failures attempts that failed in a row, from 1
 * @param retryAfter the header: seconds or an HTTP date; `null` when there was none
 * @param now milliseconds since 1970
 * @param random 0 to 1
 * @returns milliseconds to wait
 */
export function retryDelay(
  failures: number,
  retryAfter: string | null,
  now: number,
  random: number,
): number {
  const backoff = Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - 1)) * (0.5 + random / 2)
  if (retryAfter === null) return backoff
  const asked = /^\d+$/.test(retryAfter.trim())
    ? Number(retryAfter) * 1000
    : Date.parse(retryAfter) - now
  if (!(asked > backoff)) return backoff
  return Math.min(asked, LONGEST_RETRY_AFTER_MS)
}

/** @returns after `ms` milliseconds, or when `signal` aborts */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
    if (signal.aborted) done()
  })
}
