// The answers of a stream's head whose end is kept back. A browser asks for the next bytes when an
// answer has ended; by then the page's service worker shall be there, for whom it does not go back.
// The page says so; until it is there, nothing plays that could wait for more.

/** Some pages never say anything. */
const HOLD_MS = 5000

export class HeldAnswers {
  readonly #releases = new Map<string, Set<() => void>>()

  /** @returns when the answer may end: the page of the session has its worker, or took too long */
  ended(session: string): Promise<void> {
    return new Promise((resolve) => {
      const releases = this.#releases.get(session) ?? new Set()
      this.#releases.set(session, releases)
      const release = () => {
        clearTimeout(timer)
        releases.delete(release)
        if (releases.size === 0) this.#releases.delete(session)
        resolve()
      }
      const timer = setTimeout(release, HOLD_MS)
      releases.add(release)
    })
  }

  /** The worker is there. */
  release(session: string): void {
    for (const release of this.#releases.get(session) ?? []) release()
  }
}
