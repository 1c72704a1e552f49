import { describe, expect, test } from 'vitest'
import { type SeedTurn, WebSeeds } from './web-seeds.ts'

const turn = (seeds: WebSeeds, now: number): SeedTurn => {
  const taken = seeds.take(now)
  if (taken === null) throw new Error('none is left')
  return taken
}

describe('the web seed that is asked', () => {
  test('is the best one as long as that answers', () => {
    const seeds = new WebSeeds(['cdn', 'mirror', 'own'])
    for (const now of [0, 10, 20]) {
      const { url } = turn(seeds, now)
      expect(url).toBe('cdn')
      seeds.succeeded({ url, at: now })
    }
  })

  test('is the next one while the best one fails, and the best one again when it has rested', () => {
    const seeds = new WebSeeds(['cdn', 'mirror', 'own'])
    seeds.failed(turn(seeds, 0), 'failed', 10)
    expect(seeds.isReady(10)).toBe(true)
    seeds.failed(turn(seeds, 10), 'failed', 20)
    expect(turn(seeds, 20).url).toBe('own')
    expect(turn(seeds, 5_009).url).toBe('own')
    expect(turn(seeds, 5_010).url).toBe('cdn')
  })

  test('that failed is tried by one request at a time, and rests longer each time', () => {
    const seeds = new WebSeeds(['cdn', 'own'])
    seeds.failed(turn(seeds, 0), 'failed', 0)
    const trial = turn(seeds, 5_000)
    expect([trial.url, turn(seeds, 5_001).url]).toEqual(['cdn', 'own'])
    seeds.failed(trial, 'failed', 6_000)
    expect(turn(seeds, 15_999).url).toBe('own')
    const second = turn(seeds, 16_000)
    expect(second.url).toBe('cdn')
    seeds.succeeded(second)
    expect([turn(seeds, 16_001).url, turn(seeds, 16_002).url]).toEqual(['cdn', 'cdn'])
  })

  test('rests no longer because several requests met the same trouble', () => {
    const seeds = new WebSeeds(['cdn', 'own'])
    const together = [turn(seeds, 0), turn(seeds, 1), turn(seeds, 2)]
    for (const one of together) seeds.failed(one, 'failed', 100)
    expect(turn(seeds, 5_100).url).toBe('cdn')
  })

  test('is left alone for as long as it asked', () => {
    const seeds = new WebSeeds(['cdn', 'own'])
    seeds.failed(turn(seeds, 0), 'failed', 0, 30_000)
    expect([turn(seeds, 29_999).url, turn(seeds, 30_000).url]).toEqual(['own', 'cdn'])
  })

  test('is hardly asked again when its answers are wrong', () => {
    const seeds = new WebSeeds(['cdn', 'own'])
    seeds.failed(turn(seeds, 0), 'wrong', 0)
    expect([turn(seeds, 59_999).url, turn(seeds, 60_000).url]).toEqual(['own', 'cdn'])
  })

  test('is, where all of them rest, the one that is through first', () => {
    const seeds = new WebSeeds(['cdn', 'own'])
    seeds.failed(turn(seeds, 0), 'wrong', 0)
    seeds.failed(turn(seeds, 1), 'failed', 1)
    expect(seeds.isReady(2)).toBe(false)
    expect(turn(seeds, 2).url).toBe('own')
  })
})

describe('web seeds that have another file', () => {
  test('are not asked again', () => {
    const seeds = new WebSeeds(['cdn', 'own'])
    expect(seeds.isAlone).toBe(false)
    seeds.failed(turn(seeds, 0), 'changed', 0)
    expect([turn(seeds, 1e9).url, seeds.isAlone, seeds.lost]).toEqual(['own', true, null])
  })

  test.each([
    ['changed', 'deleted', 'deleted'],
    ['deleted', 'changed', 'changed'],
    ['changed', 'changed', 'changed'],
  ] as const)('first %s, the last one %s: the title is %s', (first, last, all) => {
    const seeds = new WebSeeds(['cdn', 'own'])
    seeds.failed(turn(seeds, 0), first, 0)
    seeds.failed(turn(seeds, 0), last, 0)
    expect(seeds.lost).toBe(all)
    expect(seeds.take(1)).toBeNull()
  })
})
