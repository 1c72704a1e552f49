// The answer to the first request for a title's bytes, which index.html sent before any other script
// was there (protocol/early-request.ts).

declare global {
  interface Window {
    /** What index.html asked for, until somebody takes it. */
    slipstreamEarly?: {
      readonly url: string
      readonly range: string
      readonly response: Promise<Response>
      /** Ends the request. */
      readonly abort: AbortController
    }
  }
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
): Promise<Response> | null {
  const early = globalThis.window?.slipstreamEarly
  if (!early || early.url !== url || early.range !== range || signal.aborted) {
    dropEarlyResponse()
    return null
  }
  delete window.slipstreamEarly
  signal.addEventListener('abort', () => early.abort.abort(signal.reason), { once: true })
  return early.response
}

/** Ends the request, unless it was taken over. */
export function dropEarlyResponse(): void {
  globalThis.window?.slipstreamEarly?.abort.abort()
  delete globalThis.window?.slipstreamEarly
}
