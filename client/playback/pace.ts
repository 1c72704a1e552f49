// How fast a peer or the origin sends when it is asked: measured only while something is owed. By the clock alone, as WebTorrent measures, a peer that is asked for little looks
// slow, and is then asked for less.

/** What happened so much busy time ago counts half. Milliseconds. */
const HALF_LIFE_MS = 5000
/** From one block nothing can be told. Two of 16 KiB count for a little less by the time they are here. */
const LEAST_BYTES = 24 * 1024
/** Answers may come in one bundle: none is taken to have taken less. Milliseconds. */
const LEAST_MS = 20

export class Pace {
  #bytes = 0
  #busyMs = 0
  /** Since when it owes something, if it does. */
  #owesSince: number | null = null

  /** @param now milliseconds, of a steady clock */
  asked(now: number): void {
    this.#owesSince ??= now
  }

  /** @param bytes that came, 0 when the peer declined. @param owes whether it owes more */
  answered(bytes: number, owes: boolean, now: number): void {
    this.#count(now)
    this.#bytes += bytes
    this.#owesSince = owes ? now : null
  }

  /** @returns bytes per second, 0 when not known */
  rate(now: number): number {
    if (this.#bytes < LEAST_BYTES) return 0
    const owed = this.#owesSince === null ? 0 : now - this.#owesSince
    return (this.#bytes / Math.max(this.#busyMs + owed, LEAST_MS)) * 1000
  }

  #count(now: number): void {
    if (this.#owesSince === null) return
    const ms = now - this.#owesSince
    const kept = 0.5 ** (ms / HALF_LIFE_MS)
    this.#bytes *= kept
    this.#busyMs = this.#busyMs * kept + ms
  }
}
