import { describe, expect, test } from 'vitest'
import { type Outcome, outcomeOf } from './outcome.ts'
import { type AccessLink, type Scenario, scenario } from './scenario.ts'
import { Simulation } from './simulation.ts'

const FIBRE: AccessLink = {
  name: 'fibre',
  share: 1,
  down: 100,
  up: 40,
  latencyMs: 4,
  uploads: true,
}
const CLIP = { seconds: 60, bitrate: 3e6 }

function simulate(changes: Partial<Scenario>): Simulation {
  const world = scenario({ viewers: 10, arrivals: 'together', clip: CLIP, ...changes })
  return new Simulation(world).run()
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0)

describe('the model', () => {
  test.each(['together', 'staggered', 'poisson'] as const)(
    'loses and invents no byte when viewers come %s and some leave',
    (arrivals) => {
      const simulation = simulate({ arrivals, leavesPerMinute: 0.3 })
      const { viewers, originBytes, layout } = simulation
      expect(viewers).toHaveLength(10)
      expect(sum(viewers.map(({ receivedFromPeers }) => receivedFromPeers))).toBe(
        sum(viewers.map(({ sent }) => sent)),
      )
      expect(sum(viewers.map(({ origin }) => origin.received))).toBe(originBytes)
      for (const { origin, receivedFromPeers, heldAt, wasted, unfinished } of viewers) {
        const pieces = heldAt.reduce((bytes, at, index) => {
          const length = Math.min(layout.pieceLength, layout.size - index * layout.pieceLength)
          return at < Number.POSITIVE_INFINITY ? bytes + length : bytes
        }, 0)
        expect(pieces + wasted + unfinished).toBe(origin.received + receivedFromPeers)
      }
    },
  )

  test('gives the same outcome for the same scenario and another one for another seed', () => {
    const outcome = (seed: number): Outcome => outcomeOf(simulate({ arrivals: 'poisson', seed }))
    expect(outcome(1)).toEqual(outcome(1))
    expect(outcome(1)).not.toEqual(outcome(2))
  })

  test('lets a viewer alone fetch the file exactly once, without a stall', () => {
    const { layout, originBytes, viewers } = simulate({ viewers: 1, leavesPerMinute: 0 })
    expect(originBytes).toBe(layout.size)
    expect(viewers[0]).toMatchObject({ stalls: 0, stalledSeconds: 0 })
    expect(viewers[0]?.played).toBeCloseTo(CLIP.seconds)
  })

  test('never lets a line carry more than it can', () => {
    const world = scenario({ viewers: 5, arrivals: 'together', clip: CLIP, originUplink: 1e6 })
    const simulation = new Simulation(world)
    let before = { origin: 0, sent: [] as number[], received: [] as number[] }
    while (simulation.now < 20 && simulation.step()) {
      const { viewers, originBytes } = simulation
      const sent = viewers.map((viewer) => viewer.sent)
      const received = viewers.map(
        ({ origin, receivedFromPeers }) => origin.received + receivedFromPeers,
      )
      expect(originBytes - before.origin).toBeLessThanOrEqual(1e6 * world.stepSeconds + 1)
      for (const [i, { visit }] of viewers.entries()) {
        const most = (rate: number): number => rate * world.stepSeconds + 1
        expect((sent[i] ?? 0) - (before.sent[i] ?? 0)).toBeLessThanOrEqual(most(visit.up))
        expect((received[i] ?? 0) - (before.received[i] ?? 0)).toBeLessThanOrEqual(most(visit.down))
      }
      before = { origin: originBytes, sent, received }
    }
  })

  test('stalls those whose line is slower than the clip, and those only', () => {
    const links = [
      { ...FIBRE, share: 0.5 },
      { ...FIBRE, name: 'modem', share: 0.5, down: 2 },
    ]
    const { viewers } = simulate({ links, leavesPerMinute: 0 })
    for (const { visit, stalls } of viewers) expect(stalls > 0).toBe(visit.down < 1e6)
  })

  test('costs the origin a copy for each when nobody uploads', () => {
    const links = [{ ...FIBRE, uploads: false }]
    const { originBytes, layout } = simulate({ links, leavesPerMinute: 0 })
    expect(originBytes).toBe(10 * layout.size)
  })
})

describe('the origin policy, driving six viewers of a film of 90 s at 4 Mbit/s', () => {
  test.each([
    ['start together', { arrivals: 'together' }],
    ['come four seconds apart', { arrivals: 'staggered', arrivalSeconds: 20 }],
    ['come one after the other', { arrivals: 'staggered', arrivalSeconds: 150 }],
  ] as const)('who %s: little more than a copy, at least the bound, no stall', (_, how) => {
    const simulation = simulate({
      viewers: 6,
      clip: { seconds: 90, bitrate: 4e6 },
      links: [{ ...FIBRE, down: 20, up: 12 }],
      freeRiders: 0,
      leavesPerMinute: 0,
      ...how,
    })
    const { originCopies, bound, stalls } = outcomeOf(simulation)
    expect(stalls).toBe(0)
    expect(originCopies).toBeLessThan(1.4)
    expect(originCopies).toBeGreaterThanOrEqual(bound)
    for (const { heldAt } of simulation.viewers) {
      expect(heldAt.every((at) => at < Number.POSITIVE_INFINITY)).toBe(true)
    }
  })
})

test.each([3, 4])(
  'one of eight who takes and gives nothing, and does not say so, costs hardly more (seed %i)',
  (seed) => {
    const copies = (freeRiders: number): number => {
      const clip = { seconds: 120, bitrate: 3e6 }
      const links = [FIBRE]
      const simulation = simulate({ viewers: 8, clip, links, leavesPerMinute: 0, freeRiders, seed })
      expect(simulation.viewers.filter(({ uploads }) => !uploads)).toHaveLength(freeRiders && 1)
      return outcomeOf(simulation).originCopies
    }
    expect(copies(0.12) - copies(0)).toBeLessThan(0.05)
  },
)
