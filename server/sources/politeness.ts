// How much, and how often, builds ask of web servers that are not ours: one rate for all of them
// together, two connections to a host, growing pauses after failures. Decisions are pure; `Pace`
// is their shell.
import { setTimeout as delay } from 'node:timers/promises'
import { SlipstreamError } from '../http/errors.ts'

/** Connections to a host, for builds. */
export const BUILDS_PER_HOST = 2
/** What may come at once after a pause, as time at the full rate. */
const BURST_MS = 250
const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 60_000

/** A token bucket that may go into debt: bytes are counted when they are there. */
export interface Bucket {
  /** Bytes; below zero when more came than was allowed. */
  readonly tokens: number
  /** Milliseconds since 1970. */
  readonly at: number
}

/**
 * @param rate bytes per second
 * @returns the bucket after `bytes` came, and how long to wait until more may come, milliseconds
 */
export function spend(
  bucket: Bucket,
  bytes: number,
  { rate, now }: { readonly rate: number; readonly now: number },
): { readonly bucket: Bucket; readonly waitMs: number } {
  const earned = (Math.max(0, now - bucket.at) * rate) / 1_000
  const tokens = Math.min(bucket.tokens + earned, (rate * BURST_MS) / 1_000) - bytes
  return { bucket: { tokens, at: now }, waitMs: tokens < 0 ? (-tokens / rate) * 1_000 : 0 }
}

/**
 * @param failures in a row, from 1
 * @param random 0 to 1: many who failed together do not come back together
 * @returns milliseconds: 0.5 to 1 s, then doubling, at most a minute
 */
export function pauseAfter(failures: number, random: number): number {
  const longest = Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS)
  return longest * (0.5 + random / 2)
}

/** @returns what the source's `Retry-After` asks for, milliseconds from now; 0 when it does not */
export function retryAfterMs(error: unknown, now: number): number {
  const text = error instanceof SlipstreamError ? error.headers['Retry-After'] : undefined
  if (text === undefined) return 0
  const ms = /^\d{1,9}$/.test(text.trim()) ? Number(text) * 1_000 : Date.parse(text) - now
  return Number.isFinite(ms) ? Math.max(0, ms) : 0
}

export class Pace {
  readonly #rate: number
  readonly #now: () => number
  #bucket: Bucket
  readonly #hosts = new Map<string, { held: number; readonly waiting: (() => void)[] }>()

  /**
   * @param rate bytes per second, of all together
   * @param now milliseconds since 1970
   */
  constructor(rate: number, now: () => number) {
    this.#rate = rate
    this.#now = now
    this.#bucket = { tokens: 0, at: now() }
  }

  /** Counts bytes that came. @returns when more may come */
  async spend(bytes: number, signal: AbortSignal): Promise<void> {
    const { bucket, waitMs } = spend(this.#bucket, bytes, { rate: this.#rate, now: this.#now() })
    this.#bucket = bucket
    if (waitMs >= 1) await delay(waitMs, undefined, { signal, ref: false })
  }

  /** Waits for a turn at a host. @returns what ends the turn; must be called once */
  async connect(host: string, signal: AbortSignal): Promise<() => void> {
    const turns = this.#hosts.get(host) ?? { held: 0, waiting: [] }
    this.#hosts.set(host, turns)
    const leave = () => {
      const next = turns.waiting.shift() // takes this one's place
      if (next) return next()
      turns.held -= 1
      if (turns.held === 0) this.#hosts.delete(host)
    }
    if (turns.held < BUILDS_PER_HOST) turns.held += 1
    else await new Promise<void>((resolve) => turns.waiting.push(resolve))
    if (signal.aborted) leave()
    signal.throwIfAborted()
    return leave
  }
}
