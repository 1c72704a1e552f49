// The answers of a stream's head whose end is kept back. A browser asks for the next bytes when an
// answer has ended; by then the page's service worker shall be there, for whom it does not go back.
// The page says so, or that what plays needs more now. Some pages never say anything.

export class HeldAnswers {
  readonly #holdMs: number
  readonly #releases = new Map<string, Set<() => void>>()

  /** @param holdMs an answer is kept back for that long at most */
  constructor(holdMs: number) {
    this.#holdMs = holdMs
  }

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
      const timer = setTimeout(release, this.#holdMs)
      releases.add(release)
    })
  }

  /** The page wants the rest. */
  release(session: string): void {
    for (const release of this.#releases.get(session) ?? []) release()
  }
}
