// What waits at each peer, and how long; and who is asked for what, so that nothing waits too long.
import type { Wire } from 'webtorrent/dist/webtorrent.min.js'

/** Bytes per second that a peer sends while it is asked for something; 0 when not known. */
export type PaceOf = (wire: Wire) => number

/** @returns bytes that the peer was asked for and has not sent */
export function queuedBytes({ requests }: Wire): number {
  return requests.reduce((sum, { length }) => sum + length, 0)
}

/**
 * @returns by piece: seconds until the last block is here that a peer was asked for, by that peer's
 *   pace; a peer whose pace is not known yet says nothing
 */
export function queuedSeconds(wires: Iterable<Wire>, paceOf: PaceOf): ReadonlyMap<number, number> {
  const seconds = new Map<number, number>()
  for (const wire of wires) {
    const rate = paceOf(wire)
    if (rate <= 0) continue
    let bytes = 0
    for (const { piece, length } of wire.requests) {
      bytes += length
      seconds.set(piece, Math.max(seconds.get(piece) ?? 0, bytes / rate))
    }
  }
  return seconds
}

/**
 * @param queued bytes that a peer was asked for and has not sent
 * @param rate bytes per second that it sends, 0 when not known
 * @returns whether it would bring a block of the piece in time
 */
export type IsInTime = (piece: number, queued: number, rate: number) => boolean

/** Keeps peers from being asked for what they would bring late. */
export class Deadlines {
  /** May be replaced whenever playback has gone on. */
  isInTime: IsInTime = () => true
  readonly #paceOf: PaceOf

  constructor(paceOf: PaceOf) {
    this.#paceOf = paceOf
  }

  mayAsk(wire: Wire, piece: number): boolean {
    return this.isInTime(piece, queuedBytes(wire), this.#paceOf(wire))
  }
}
