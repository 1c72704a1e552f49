// How many peers are sent to at a time (upload-slots.ts). Pure.

/**
 * As many peers as a viewer looks for, and some that found it: where the uplink allows, nobody who
 * watches is choked in all but the largest swarms. Beyond that, one slot goes round among those who
 * have none.
 */
export const UPLOAD_SLOTS = 20
/** One of them is WebTorrent's, and goes round. */
const FEWEST_SLOTS = 2
/** Below such a share of the bitrate for each, fewer are served; above the other, more. */
const SCANT = 0.5
const AMPLE = 1

export interface SlotsSituation {
  readonly slots: number
  /** Peers that are being sent to. */
  readonly served: number
  /** Bytes per second that go out while somebody is served; 0 when not known. */
  readonly rate: number
  /** Bytes of the file per second of playback. */
  readonly bytesPerSecond: number
  /** Slots, at most. */
  readonly most: number
}

/** @returns how many slots there should be from now on */
export function nextSlots({ slots, served, rate, bytesPerSecond, most }: SlotsSituation): number {
  if (served === 0 || rate === 0) return slots
  const share = rate / served
  if (served > FEWEST_SLOTS && share < SCANT * bytesPerSecond) {
    const some = Math.floor(rate / (SCANT * bytesPerSecond))
    return Math.min(slots, Math.max(FEWEST_SLOTS, some))
  }
  return served >= slots && share >= AMPLE * bytesPerSecond ? Math.min(most, slots + 1) : slots
}
