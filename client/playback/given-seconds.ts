// Browsers tell late what they hold, and take whatever they get: by what they tell, a busy one would
// be given the whole file at the start. So it is credited with what it was given. Pure.
import type { ByteRange } from './reader.ts'

export interface Given {
  /** Where the samples lie in the file. */
  readonly samples: ByteRange
  /** What the browser was given without a gap: bytes of the file. */
  readonly range: ByteRange
  readonly bytesPerSecond: number
  /** Seconds of it that were played. */
  readonly played: number
  /** Bytes of it that were decoded, `null` when not known. */
  readonly decoded: number | null
  /**
   * Since the first byte while there is no picture, `null` once there is one: milliseconds in which
   * the machine was not busy with other things.
   */
  readonly waitingMs: number | null
}

/** An idle machine shows a picture sooner … */
const PATIENCE_MS = 100
/** … and a busy one needs time rather than bytes, or the film's first seconds are far above the average. */
const DOUBT = 5
/** Films are hardly ever that far below their average for long. */
const LEAST_DECODED = 0.7

/** @returns seconds of playback that the browser can be taken to hold */
export function givenSeconds(given: Given): number {
  const { samples, range, bytesPerSecond, waitingMs } = given
  const start = Math.max(range.start, samples.start)
  const end = Math.min(range.end, samples.end)
  const doubted = (DOUBT * Math.max(0, (waitingMs ?? 0) - PATIENCE_MS)) / 1000
  return Math.max(0, (end - start - consumed(given)) / bytesPerSecond - doubted)
}

/** Bytes: what was decoded says best what the rest is good for, but hidden pictures are not decoded. */
function consumed({ played, decoded, bytesPerSecond }: Given): number {
  const onAverage = played * bytesPerSecond
  return decoded === null ? onAverage : Math.max(decoded, onAverage * LEAST_DECODED)
}
