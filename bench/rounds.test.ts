import { describe, expect, it } from 'vitest'
import { type Contender, percentile, ratioOf, runRounds, spreadOf } from './rounds.ts'

function contender(name: string, log: string[], value = 1): Contender {
  return {
    name,
    async measure() {
      log.push(name)
      return value
    },
  }
}

describe('runRounds', () => {
  it('takes the contenders in turn, round by round', async () => {
    const log: string[] = []
    await runRounds([contender('A', log), contender('B', log)], {
      warmUps: 0,
      rounds: 3,
      budgetMs: 1e9,
    })
    expect(log.join('')).toBe('ABABAB')
  })

  it('does not count the rounds of the warm-up', async () => {
    const log: string[] = []
    const [series] = await runRounds([contender('A', log)], {
      warmUps: 2,
      rounds: 3,
      budgetMs: 1e9,
    })
    expect(log).toHaveLength(5)
    expect(series?.values).toHaveLength(3)
  })

  it('begins no round after its time is over, but has three', async () => {
    let clock = 0
    const slow: Contender = {
      name: 'slow',
      async measure() {
        clock += 1000
        return 1
      },
    }
    const [short] = await runRounds([slow], {
      warmUps: 1,
      rounds: 9,
      budgetMs: 100,
      now: () => clock,
    })
    expect(short?.values).toHaveLength(3)
    const [longer] = await runRounds([slow], {
      warmUps: 0,
      rounds: 9,
      budgetMs: 4500,
      now: () => clock,
    })
    expect(longer?.values).toHaveLength(5)
  })

  it('lets one contender drop out and goes on with the others', async () => {
    const broken: Contender = {
      name: 'broken',
      measure: () => Promise.reject(new Error('no such program')),
    }
    const series = await runRounds([broken, contender('A', [])], {
      warmUps: 0,
      rounds: 2,
      budgetMs: 1e9,
    })
    expect(series).toEqual([
      { contender: 'broken', values: [], failure: 'no such program' },
      { contender: 'A', values: [1, 1] },
    ])
  })
})

describe('spreadOf', () => {
  it('finds the middle of an odd and of an even number of values', () => {
    expect(spreadOf([5, 1, 3])).toEqual({ median: 3, min: 1, max: 5 })
    expect(spreadOf([4, 1, 3, 2])).toEqual({ median: 2.5, min: 1, max: 4 })
  })

  it('is null for no values', () => {
    expect(spreadOf([])).toBeNull()
  })
})

describe('ratioOf', () => {
  it('divides within each round, so that a slow round does not count twice', () => {
    const ours = { contender: 'ours', values: [10, 100, 30] }
    const theirs = { contender: 'theirs', values: [5, 50, 10] }
    expect(ratioOf(ours, theirs)).toEqual({ median: 2, min: 2, max: 3 })
  })

  it('is null when a contender is missing', () => {
    expect(ratioOf({ contender: 'ours', values: [1] }, undefined)).toBeNull()
  })
})

describe('percentile', () => {
  it('is the value that 99 of 100 do not exceed', () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index)
    expect(percentile(values, 0.99)).toBe(99)
    expect(percentile([7], 0.99)).toBe(7)
  })
})
