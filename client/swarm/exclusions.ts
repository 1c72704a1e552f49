// Peers that are not let in again for as long as the page lives, whatever title it plays: who sent
// wrong data or nonsense. An id is easily changed, so an address that one excluded peer after the
// other came from is excluded as a whole; not at once, for a school or an office shares one.

/** Peers of one address that may go wrong before nobody of there is let in. */
const PEERS_PER_ADDRESS = 3

export class Exclusions {
  readonly #ids = new Set<string>()
  /** Excluded peers of an address. */
  readonly #byAddress = new Map<string, Set<string>>()

  /**
   * @param peerId 40 hex digits
   * @param address IP address, `null` when it is unknown, or when what the peer did may be the
   *   mistake of a program that its neighbours use as well
   */
  exclude(peerId: string, address: string | null): void {
    this.#ids.add(peerId)
    if (address === null) return
    const ids = this.#byAddress.get(address) ?? new Set()
    this.#byAddress.set(address, ids.add(peerId))
  }

  has(peerId: string, address: string | null = null): boolean {
    if (this.#ids.has(peerId)) return true
    return address !== null && (this.#byAddress.get(address)?.size ?? 0) >= PEERS_PER_ADDRESS
  }
}

/** Those of this page. */
export const exclusions = new Exclusions()
