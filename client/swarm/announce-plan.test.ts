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
  wanted: null,
  pairs: false,
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
    coming: 0,
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

  test('a tracker that says how many offers it wants gets those, and time to bring the others', () => {
    const more = (wanted: number | null, changes: Partial<AnnounceSituation> = {}) =>
      plan({ answer: answered(5, { wanted, pairs: true }), pending: 1, ...changes })
    expect(more(3)).toEqual({ at: 10_000, offers: 3, isThin: true })
    expect(more(3, { wires: 4 }).offers).toBe(1)
    expect(more(3, { offerSlots: 2 }).offers).toBe(2)
    expect(more(0)).toEqual({ at: 14_000, offers: 5, isThin: true })
    expect(more(null)).toEqual({ at: 10_000, offers: 5, isThin: true }) // when a gate has opened
    expect(more(3, { thinRounds: 1, wires: 3 })).toEqual({ at: 14_000, offers: 5, isThin: true })
    expect(more(3, { thinRounds: 1, wires: 3, hasLost: true }).at).toBe(11_000)
    expect(more(3, { wires: 5 }).at).toBe(70_000)
  })

  test('while all that are missing come up, it gives them time before it offers anew', () => {
    const situation = { answer: answered(3), wires: 1, thinRounds: 1, pending: 3 }
    expect(plan({ ...situation, coming: 1 }).at).toBe(11_000)
    expect(plan({ ...situation, coming: 2 }).at).toBe(14_000)
    expect(plan({ ...situation, coming: 2, thinRounds: 4 }).at).toBe(18_000)
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

  test('when everybody is told at the same time, they announce one after the other', () => {
    const told = { announcedAt: -60_000, thinRounds: 0 }
    const at = (others: number, jitter: number, more: Partial<AnnounceSituation> = {}) =>
      plan({
        ...told,
        answer: answered(others, { unaskedAt: 10_000, intervalMs: 1000 }),
        jitter,
        ...more,
      }).at
    expect([0, 0.5, 1].map((jitter) => at(1000, jitter))).toEqual([10_000, 10_500, 11_000])
    expect(at(1000, 1, { wires: 16 })).toBe(11_000) // those who miss nobody as well
    expect(at(1000, 1, { pending: 16, thinRounds: 1 })).toBe(11_000)
    expect(at(3, 1)).toBe(10_003) // a few need not wait
  })

  test('jitter spreads announces by a quarter', () => {
    const ats = [0, 1].map((jitter) => plan({ jitter }).at)
    expect(ats).toEqual([55_000, 85_000])
  })
})

test('offers are waited for the longer the longer quick tries were of no avail', () => {
  expect([0, 1, 3, 4, 5, 20].map(offerPatience)).toEqual([4000, 4000, 4000, 8000, 16_000, 30_000])
})

test('a lost tracker is tried again soon for a minute, then ever more rarely', () => {
  const delays = (...failures: number[]) => failures.map((count) => reconnectDelay(count, 1))
  expect(delays(1, 2, 3, 4, 5, 16)).toEqual([500, 1000, 2000, 4000, 5000, 5000])
  expect(delays(17, 18, 19, 20, 21, 5000)).toEqual([10_000, 20_000, 40_000, 60_000, 60_000, 60_000])
  expect(reconnectDelay(1, 0)).toBe(250)
  const soon = Array.from({ length: 16 }, (_, n) => reconnectDelay(n + 1, 0.5))
  expect(soon.reduce((sum, ms) => sum + ms)).toBeGreaterThan(50_000)
})
