// When a tracker is announced to next, and with how many offers. Pure: no clock, no randomness. In
// short: one offer at once, as many as the swarm has use for right after the first answer, again
// after 1 s, 2 s, 4 s … while peers are missing, and at the tracker's interval when none is. Our own
// tracker says how many there is use for, and leaves the others to those who come later. And how soon
// a tracker is tried again that is gone.

/** What a tracker answered last. */
export interface TrackerAnswer {
  /** Peers that it knows besides us. */
  readonly others: number
  /** Milliseconds. */
  readonly intervalMs: number
  /** It will not introduce us to anybody, for now. */
  readonly refused: boolean
  /** Peers that it counts on us to make offers for, or `null` when it does not say. */
  readonly wanted: number | null
  /** It introduces no pair of peers twice, at first. */
  readonly pairs: boolean
  /** When it came, if nobody had asked: then everybody was told in the same moment. */
  readonly unaskedAt?: number
}

/** How things stand with one tracker. Times are milliseconds of one clock. */
export interface AnnounceSituation {
  readonly now: number
  /** When the last announce went out over this connection; `null` before the first. */
  readonly announcedAt: number | null
  /** `null` until the tracker has answered the last announce. */
  readonly answer: TrackerAnswer | null
  /** Announces in a row that were made because peers were missing and brought none. */
  readonly thinRounds: number
  /** A peer has gone since the answer, which may have counted it. */
  readonly hasLost: boolean
  /** Connected peers. */
  readonly wires: number
  /** Beyond that many, more peers are of no use. */
  readonly wantedWires: number
  /** Offers that others have, and connections that come up: peers that may be here soon. */
  readonly pending: number
  /** Those of them that come up: they have answered an offer, or we have. */
  readonly coming: number
  /** Offers that may go out now. */
  readonly offerSlots: number
  /** From 0 to 1, drawn anew for every announce. */
  readonly jitter: number
}

export interface AnnouncePlan {
  /** May lie in the past; infinite while an answer is awaited. */
  readonly at: number
  readonly offers: number
  /** Peers are missing: this is why it is announced again before the tracker's interval is over. */
  readonly isThin: boolean
}

const FIRST_RETRY_MS = 1000
/** An offer is dropped when nobody has answered it for so long. */
const MIN_PATIENCE_MS = 4000
const MAX_PATIENCE_MS = 30_000
/** A thousand announces a second are what a tracker on a small machine can take. */
const SPREAD_MS_PER_PEER = 1
const RECONNECT_MS = { first: 500, soon: 5000, max: 60_000 } as const
/** Connections in a row that fail before it takes longer: about a minute. */
const SOON_FAILURES = 16

export function planAnnounce(situation: AnnounceSituation): AnnouncePlan {
  const plan = planAlone(situation)
  const { answer, jitter } = situation
  if (answer?.unaskedAt === undefined) return plan
  const turn = answer.unaskedAt + jitter * answer.others * SPREAD_MS_PER_PEER
  return { ...plan, at: Math.max(plan.at, turn) }
}

/** As if nobody else had got the same answer just now. */
function planAlone(situation: AnnounceSituation): AnnouncePlan {
  const { now, announcedAt, answer, thinRounds, wires, wantedWires, offerSlots } = situation
  if (announcedAt === null) {
    return { at: now, offers: wires < wantedWires ? Math.min(1, offerSlots) : 0, isThin: false }
  }
  if (answer === null) return { at: Number.POSITIVE_INFINITY, offers: 0, isThin: false }
  const missing = Math.min(wantedWires, answer.others) - wires
  if (answer.refused || missing <= 0) {
    const offers = answer.refused ? Math.min(1, offerSlots) : 0
    return {
      at: announcedAt + jittered(answer.intervalMs, situation.jitter),
      offers,
      isThin: false,
    }
  }
  const wanted = answer.wanted ?? (missing > situation.pending ? missing : 0)
  if (thinRounds === 0 && wanted > 0 && offerSlots > 0) {
    return { at: now, offers: Math.min(missing, wanted, offerSlots), isThin: true }
  }
  // The tracker draws whom it hands offers to: to reach the last ones takes one for everybody.
  const use = situation.hasLost ? missing : answer.others
  // Connections take their time on a busy machine, and each offer takes some more of it.
  const areComing = (answer.pairs && !situation.hasLost) || missing <= situation.coming
  const patience = Math.max(thinDelay(thinRounds), areComing ? MIN_PATIENCE_MS : 0)
  const delay = Math.min(patience, answer.intervalMs)
  const offers = Math.min(use, offerSlots)
  return { at: announcedAt + jittered(delay, situation.jitter), offers, isThin: true }
}

/** @returns how long an answer to an offer is waited for: longer when quick tries were of no avail */
export function offerPatience(thinRounds: number): number {
  return Math.min(MAX_PATIENCE_MS, Math.max(MIN_PATIENCE_MS, thinDelay(thinRounds)))
}

/**
 * @returns milliseconds: soon for a minute, so that viewers notice a tracker's return within seconds,
 *   then ever longer, for it may be gone for hours, or out of this viewer's reach for good
 * @param failures connections to the tracker that were lost or did not come up, in a row, from 1
 * @param jitter from 0 to 1, so that the viewers of a tracker do not come back all at once
 */
export function reconnectDelay(failures: number, jitter: number): number {
  const { first, soon, max } = RECONNECT_MS
  const delay =
    failures <= SOON_FAILURES
      ? Math.min(soon, first * 2 ** (failures - 1))
      : Math.min(max, soon * 2 ** (failures - SOON_FAILURES))
  return delay * (0.5 + jitter / 2)
}

function thinDelay(thinRounds: number): number {
  return FIRST_RETRY_MS * 2 ** Math.max(0, thinRounds - 1)
}

/** A quarter more or less. */
function jittered(ms: number, jitter: number): number {
  return ms * (0.75 + jitter / 2)
}
