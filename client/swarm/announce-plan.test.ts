import { describe, expect, test } from 'vitest'
import {
  type AnnounceSituation,
  offerPatience,
  planAnnounce,
  reconnectDelay,
  type TrackerAnswer,
} from './announce-plan.ts'

const answered = (others: number, more: Partial<TrackerAnswer> = {}): TrackerAnswer => ({
  others,
  intervalMs: 60_000,
  refused: false,
  ...more,
})

/** Just answered at 10 s, without a wire; jitter 0.5 leaves delays as they are. */
function plan(changes: Partial<AnnounceSituation>) {
  return planAnnounce({
    now: 10_000,
    announcedAt: 10_000,
    answer: answered(0),
    thinRounds: 0,
    hasLost: false,
    wires: 0,
    wantedWires: 16,
    pending: 0,
    offerSlots: 5,
    jitter: 0.5,
    ...changes,
  })
}

describe('planAnnounce', () => {
  test('announces at once with a single offer, and with none when there are wires enough', () => {
    const first = { announcedAt: null, answer: null }
    expect(plan(first)).toEqual({ at: 10_000, offers: 1, isThin: false })
    expect(plan({ ...first, wires: 16 })).toEqual({ at: 10_000, offers: 0, isThin: false })
    expect(plan({ ...first, offerSlots: 0 }).offers).toBe(0)
  })

  test('waits for the answer', () => {
    expect(plan({ answer: null }).at).toBe(Number.POSITIVE_INFINITY)
  })

  test('alone, it waits for the interval: whoever comes will make us an offer', () => {
    expect(plan({ answer: answered(0) })).toEqual({ at: 70_000, offers: 0, isThin: false })
  })

  test('connected to everybody or to enough, it waits for the interval', () => {
    expect(plan({ answer: answered(3), wires: 3 }).at).toBe(70_000)
    expect(plan({ answer: answered(3), wires: 4 }).at).toBe(70_000)
    expect(plan({ answer: answered(900), wires: 16 }).at).toBe(70_000)
  })

  test('goes on at once when the first answer tells of more peers than were reached', () => {
    expect(plan({ answer: answered(1), pending: 1 }).at).toBe(11_000)
    expect(plan({ answer: answered(3), pending: 1 })).toEqual({
      at: 10_000,
      offers: 3,
      isThin: true,
    })
    expect(plan({ answer: answered(900), pending: 1, offerSlots: 4 }).offers).toBe(4)
    expect(plan({ answer: answered(900), pending: 5, offerSlots: 0 }).at).toBe(11_000)
  })

  test('while peers are missing, the distances double up to the interval', () => {
    const at = (thinRounds: number) => plan({ answer: answered(3), wires: 1, thinRounds }).at
    expect([1, 2, 3, 4].map(at)).toEqual([11_000, 12_000, 14_000, 18_000])
    expect(at(12)).toBe(70_000)
  })

  test('peers that stay missing are looked for with an offer for everybody', () => {
    const offers = (others: number, hasLost = false) =>
      plan({ answer: answered(others), wires: 3, thinRounds: 1, hasLost }).offers
    expect([4, 40].map((others) => offers(others))).toEqual([4, 5])
    expect(offers(4, true)).toBe(1) // whoever went has probably left for good
  })

  test('refused, it asks again at the interval', () => {
    const answer = answered(0, { refused: true, intervalMs: 5000 })
    expect(plan({ answer })).toEqual({ at: 15_000, offers: 1, isThin: false })
  })

  test('jitter spreads announces by a quarter', () => {
    const ats = [0, 1].map((jitter) => plan({ jitter }).at)
    expect(ats).toEqual([55_000, 85_000])
  })
})

test('offers are waited for the longer the longer quick tries were of no avail', () => {
  expect([0, 1, 3, 4, 5, 20].map(offerPatience)).toEqual([2500, 2500, 4000, 8000, 16_000, 30_000])
})

test('a lost tracker is tried again soon, and every few seconds for ever', () => {
  expect([1, 2, 3, 4, 5, 500].map((failures) => reconnectDelay(failures, 1))).toEqual([
    500, 1000, 2000, 4000, 5000, 5000,
  ])
  expect(reconnectDelay(1, 0)).toBe(250)
})
