// Who may ask a source now: a bounded number at once, in all and of one host, in the order in which
// they came; a bounded number waits. So a slow source holds up only those who ask for its files.
import { SlipstreamError } from '../http/errors.ts'

export interface TurnLimits {
  /** Turns under way. */
  readonly atOnce: number
  /** Turns under way of one host. */
  readonly ofHost: number
  /** Those who wait. */
  readonly waiting: number
  /** How long one waits at most, milliseconds. */
  readonly patience: number
}

const LIMITS: TurnLimits = { atOnce: 128, ofHost: 32, waiting: 2_000, patience: 10_000 }

interface Waiting {
  readonly host: string
  start(): void
}

export class InspectionTurns {
  readonly #limits: TurnLimits
  readonly #running = new Map<string, number>()
  readonly #waiting = new Set<Waiting>()
  #count = 0

  constructor(limits: Partial<TurnLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits }
  }

  /** True while somebody waits: then nothing should be asked that can be asked later. */
  get isBusy(): boolean {
    return this.#waiting.size > 0
  }

  /**
   * @param host with its port
   * @throws SlipstreamError `too_many_requests` with `Retry-After` when too many wait, or for too
   *   long; whatever `work` throws; the signal's reason when it is aborted while waiting
   */
  async take<T>(host: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.#turn(host, signal)
    try {
      return await work()
    } finally {
      this.#end(host)
    }
  }

  #turn(host: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#begin(host)) return Promise.resolve()
    if (this.#waiting.size >= this.#limits.waiting) return Promise.reject(tooMany())
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(waiting)
        clearTimeout(timer)
        signal.removeEventListener('abort', aborted)
      }
      const waiting: Waiting = {
        host,
        start() {
          leave()
          resolve()
        },
      }
      const aborted = () => {
        leave()
        reject(signal.reason)
      }
      const timer = setTimeout(() => {
        leave()
        reject(tooMany())
      }, this.#limits.patience)
      signal.addEventListener('abort', aborted)
      this.#waiting.add(waiting)
    })
  }

  #begin(host: string): boolean {
    const { atOnce, ofHost } = this.#limits
    const running = this.#running.get(host) ?? 0
    if (this.#count >= atOnce || running >= ofHost) return false
    this.#count += 1
    this.#running.set(host, running + 1)
    return true
  }

  #end(host: string): void {
    this.#count -= 1
    const running = (this.#running.get(host) ?? 1) - 1
    if (running === 0) this.#running.delete(host)
    else this.#running.set(host, running)
    for (const waiting of this.#waiting) {
      if (!this.#begin(waiting.host)) continue
      waiting.start()
      return
    }
  }
}

function tooMany(): SlipstreamError {
  const message = 'Too many new titles are asked for at once. Wait some seconds and try again.'
  return new SlipstreamError('too_many_requests', message, { headers: { 'Retry-After': '5' } })
}
