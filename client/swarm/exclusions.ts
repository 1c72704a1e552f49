// Peers that are not let in again for as long as the page lives, whatever title it plays: who sent
// wrong data or nonsense. An id is easily changed, so an address that one excluded peer after the
// other came from is excluded as a whole; not at once, for a school or an office shares one. Nor is
// an id a secret: whoever has it and comes from elsewhere may be the one that it belongs to.

/** Peers of one address that may go wrong before nobody of there is let in. */
const PEERS_PER_ADDRESS = 3
/** Where a peer comes from shows only when it is connected: for an excluded id that is tried so often. */
const TRY_AGAIN_MS = 60_000

interface Excluded {
  /** Where it was; `null` for where the browser did not tell. */
  readonly addresses: Set<string | null>
  triedAt: number
}

export class Exclusions {
  /** By id. */
  readonly #excluded = new Map<string, Excluded>()
  /** Excluded peers of an address. */
  readonly #byAddress = new Map<string, Set<string>>()

  /**
   * @param peerId 40 hex digits
   * @param address IP address, `null` when it is unknown
   * @param isMeant false when what the peer did may be the mistake of a program that its neighbours
   *   use as well: it does not count against the address
   */
  exclude(peerId: string, address: string | null, isMeant: boolean): void {
    const known = this.#excluded.get(peerId)
    const addresses = known?.addresses ?? new Set()
    const triedAt = known?.triedAt ?? Number.NEGATIVE_INFINITY
    this.#excluded.set(peerId, { addresses: addresses.add(address), triedAt })
    if (address === null || !isMeant) return
    const ids = this.#byAddress.get(address) ?? new Set()
    this.#byAddress.set(address, ids.add(peerId))
  }

  /**
   * Before there is a connection.
   * @param now milliseconds, of a steady clock
   * @returns false for an excluded peer, but for once a minute, to see where it comes from
   */
  mayTry(peerId: string, now: number): boolean {
    const excluded = this.#excluded.get(peerId)
    if (!excluded) return true
    if (now - excluded.triedAt < TRY_AGAIN_MS) return false
    excluded.triedAt = now
    return true
  }

  /** @param address that of the connection, `null` when it is unknown */
  has(peerId: string, address: string | null): boolean {
    const excluded = this.#excluded.get(peerId)
    if (excluded && (address === null || excluded.addresses.has(address))) return true
    return address !== null && (this.#byAddress.get(address)?.size ?? 0) >= PEERS_PER_ADDRESS
  }
}

/** Those of this page. */
export const exclusions = new Exclusions()
