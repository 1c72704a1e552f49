// Reads the JSON bodies of the API: small, and only for so long. Uploads do not come here, they may
// take their time.
import express, { type RequestHandler } from 'express'
import { SlipstreamError } from './errors.ts'

/** The API's bodies are some fields of text. */
const LIMIT = '16kb'

/**
 * @param patienceMs how long a body may take to arrive; then the request is answered with 408 and
 *   its connection is closed. One that nobody waits for any more is just cut off
 */
export function jsonBody(patienceMs: number): RequestHandler {
  const parse = express.json({ limit: LIMIT })
  return (request, response, next) => {
    const { 'transfer-encoding': coding, 'content-length': length } = request.headers
    if (coding === undefined && !(Number(length) > 0)) return next()
    let isAwaited = true
    const proceed = (error?: unknown): void => {
      if (!isAwaited) return
      isAwaited = false
      next(error)
    }
    const timer = setTimeout(() => {
      if (isAwaited) proceed(tooSlow(patienceMs))
      else request.destroy()
    }, patienceMs)
    for (const over of ['end', 'close']) request.once(over, () => clearTimeout(timer))
    parse(request, response, proceed)
  }
}

function tooSlow(patienceMs: number): SlipstreamError {
  const seconds = Math.ceil(patienceMs / 1000)
  const message = `The body of the request did not arrive within ${seconds} s. Try again.`
  return new SlipstreamError('request_timeout', message, { headers: { Connection: 'close' } })
}
