// Whether a viewer uploads fast enough to lead: to fetch what nobody has, for the others as well. From
// a slow one a piece gets to the others about when they need it, and they fetch it after all. How fast
// it is shows only while bytes wait to leave. The engine owns it.
import { Pace } from './pace.ts'

/** Whoever was too slow leads again when it is so much faster than it need be: peers are told of both. */
const AGAIN = 1.25

export class Uplink {
  readonly #pace = new Pace()
  #isSlow = false
  #sent = 0
  #waits = false

  /**
   * Is told now and then how things stand.
   * @param sent payload bytes so far
   * @param waits whether some wait to leave
   * @param now milliseconds, of a steady clock
   */
  look(sent: number, waits: boolean, now: number): void {
    if (this.#waits) this.#pace.answered(sent - this.#sent, waits, now)
    else if (waits) this.#pace.asked(now)
    this.#sent = sent
    this.#waits = waits
  }

  /**
   * Whether it could feed one other viewer at the pace of playback.
   * @param bytesPerSecond of the film, at the speed at which it is watched
   * @param limit bytes per second that the viewer allows, `null` for no limit
   * @returns false when it is known to be too slow
   */
  leads(bytesPerSecond: number, limit: number | null, now: number): boolean {
    const measured = this.#pace.rate(now) || Number.POSITIVE_INFINITY
    const needed = bytesPerSecond * (this.#isSlow ? AGAIN : 1)
    this.#isSlow = Math.min(measured, limit ?? measured) < needed
    return !this.#isSlow
  }
}
