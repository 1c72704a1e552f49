import { describe, expect, test } from 'vitest'
import { meanOf, type Outcome } from './outcome.ts'
import { type Plan, readPlan } from './plan.ts'
import { drawPlot } from './plot.ts'
import { merge, type Saved } from './saved.ts'
import { FILM } from './scenario.ts'

function planOf(...args: string[]): Plan {
  const plan = readPlan(args)
  if (typeof plan === 'string') throw new Error(plan)
  return plan
}

describe('the command line of the simulator', () => {
  test('without words means all sizes, all arrivals and the short clip', () => {
    const { cases, isWhole } = planOf()
    expect(cases).toHaveLength(15)
    expect(isWhole).toBe(true)
  })

  test('picks by size and by arrivals', () => {
    const { cases, isWhole } = planOf('100', 'together')
    expect(cases).toMatchObject([{ viewers: 100, arrivals: 'together' }])
    expect(isWhole).toBe(false)
  })

  test('knows the short clip', () => {
    expect(planOf('short').cases.map(({ clip }) => clip.seconds)).toEqual([90, 90, 90])
  })

  test('says in a sentence what it does not know', () => {
    expect(readPlan(['50'])).toMatch('There is nothing called 50.')
    expect(readPlan(['--fast'])).toMatch('--fast')
    expect(readPlan(['1000', '--quick'])).toMatch('No simulation')
    expect(readPlan(['1000', '--merge'])).toMatch('--merge goes alone.')
  })
})

const OUTCOME: Outcome = {
  originCopies: 1.5,
  bound: 1.2,
  plainCopies: 9,
  offload: 0.8,
  stalls: 1,
  stalledSeconds: 0.5,
  viewersWithStall: 0.1,
  startUpMedianMs: 100,
  startUp95Ms: 200,
  wastedCopies: 0,
  decisions: 1000,
}

test('the mean of runs is taken figure by figure', () => {
  const mean = meanOf([OUTCOME, { ...OUTCOME, originCopies: 2.5 }])
  expect(mean).toEqual({ ...OUTCOME, originCopies: 2 })
})

test('the plot holds a point for each finding and tells them in words', () => {
  const findings = planOf().cases.map((each) => ({
    case: each,
    outcome: OUTCOME,
    cpuSeconds: 1,
  }))
  const svg = drawPlot(findings)
  expect(svg).toMatch('1000 poisson: 1.50 copies, bound 1.20')
  expect(svg).not.toMatch('NaN')
  expect(svg.match(/<circle/g)).toHaveLength(5) // four sizes and the legend
})

test('results of parts are put together, the latest for each case', () => {
  const { cases } = planOf()
  const part = (startedAt: string, size: number, originCopies: number): Saved => ({
    startedAt,
    quick: false,
    environment: { commit: startedAt, cores: 2 },
    findings: cases
      .filter(({ viewers, clip }) => viewers === size && clip === FILM)
      .map((each) => ({ case: each, outcome: { ...OUTCOME, originCopies }, cpuSeconds: 1 })),
  })
  const merged = merge([part('1', 1000, 1), part('2', 10, 2), part('3', 1000, 3)], cases)
  const copies = merged.findings.map(({ outcome }) => outcome.originCopies)
  expect(copies).toEqual([2, 2, 2, 3, 3, 3])
  expect(merged.findings[3]?.case.goal?.name).toBe('offload')
  expect(merged).toMatchObject({ startedAt: '1', environment: { commit: '1; 2; 3', cores: 2 } })
})
