// The answer to the first request for a title's bytes, which index.html sent before any other script
// was there (protocol/early-request.ts).

declare global {
  interface Window {
    /** What index.html asked for, until somebody takes it; times by `performance.now()`. */
    slipstreamEarly?: {
      readonly url: string
      readonly range: string
      readonly askedAt: number
      readonly response: Promise<Response>
      /** Ends the request. */
      readonly abort: AbortController
    }
  }
}

export interface EarlyResponse {
  readonly response: Promise<Response>
  /**
   * When it was asked for, by `performance.now()`; when all of it is here, so much later that the
   * time for which it only lay here is left out.
   */
  readonly askedAt: number
}

/**
 * Takes the answer over, once; one to another question is let go.
 * @param range as in the header
 * @param signal ends the request
 * @returns `null` when nobody asked that
 */
export function takeEarlyResponse(
  url: string,
  range: string,
  signal: AbortSignal,
): EarlyResponse | null {
  const early = globalThis.window?.slipstreamEarly
  if (!early || early.url !== url || early.range !== range || signal.aborted) {
    dropEarlyResponse()
    return null
  }
  delete window.slipstreamEarly
  signal.addEventListener('abort', () => early.abort.abort(signal.reason), { once: true })
  return { response: early.response, askedAt: early.askedAt + lainMs(early) }
}

/** Milliseconds for which an answer that is whole has lain here. */
function lainMs({ url, askedAt }: { readonly url: string; readonly askedAt: number }): number {
  const whole = performance
    .getEntriesByName(url, 'resource')
    .find((entry) => entry.startTime >= askedAt - 1)
  if (!whole) return 0 // it is still coming
  return performance.now() - (whole as PerformanceResourceTiming).responseEnd
}

/** Ends the request, unless it was taken over. */
export function dropEarlyResponse(): void {
  globalThis.window?.slipstreamEarly?.abort.abort()
  delete globalThis.window?.slipstreamEarly
}
