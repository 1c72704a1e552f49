import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { SlipstreamError } from '../http/errors.ts'
import { type Bucket, Pace, pauseAfter, retryAfterMs, spend } from './politeness.ts'

describe('the common rate', () => {
  it('holds over any time, whatever the sizes that come', () => {
    const rate = 1_000_000
    let bucket: Bucket = { tokens: 0, at: 0 }
    let now = 0
    let total = 0
    for (let turn = 1; turn <= 1_000; turn += 1) {
      const bytes = (turn * 7_919) % 65_536
      const outcome = spend(bucket, bytes, { rate, now })
      bucket = outcome.bucket
      total += bytes
      now += outcome.waitMs
    }
    expect(total / (now / 1_000)).toBeCloseTo(rate, -4)
  })

  it('saves up a quarter of a second at most', () => {
    const idle: Bucket = { tokens: 0, at: 0 }
    const options = { rate: 1_000, now: 3_600_000 }
    expect(spend(idle, 250, options).waitMs).toBe(0)
    expect(spend(idle, 1_250, options).waitMs).toBe(1_000)
  })

  it('is shared by all that ask', async () => {
    const pace = new Pace(1_000_000, Date.now)
    const { signal } = new AbortController()
    const startedAt = performance.now()
    const take = async () => {
      for (let turn = 0; turn < 10; turn += 1) await pace.spend(10_000, signal)
    }
    await Promise.all([take(), take(), take()])
    expect(performance.now() - startedAt).toBeGreaterThan(250)
  })
})

describe('turns at a host', () => {
  it('are two at once, in the order in which they were asked for', async () => {
    const pace = new Pace(1_000, Date.now)
    const { signal } = new AbortController()
    const entered: string[] = []
    const enter = async (name: string, host: string) => {
      const leave = await pace.connect(host, signal)
      entered.push(name)
      return leave
    }
    const first = await enter('first', 'a')
    await enter('second', 'a')
    const third = enter('third', 'a')
    const fourth = enter('fourth', 'a')
    await enter('other host', 'b')
    await delay(5)
    expect(entered).toEqual(['first', 'second', 'other host'])
    first()
    const leaveThird = await third
    leaveThird()
    await fourth
    expect(entered.slice(3)).toEqual(['third', 'fourth'])
  })
})

describe('pauses', () => {
  it('double, up to a minute, and are spread', () => {
    expect([1, 2, 3, 6].map((failures) => pauseAfter(failures, 1))).toEqual([
      1_000, 2_000, 4_000, 32_000,
    ])
    expect(pauseAfter(50, 1)).toBe(60_000)
    expect(pauseAfter(1, 0)).toBe(500)
  })

  it.each([
    ['120', 120_000],
    ['Fri, 01 May 2026 10:00:30 GMT', 30_000],
    ['Fri, 01 May 2026 09:00:00 GMT', 0],
    ['soon', 0],
  ])('are as long as Retry-After: %s asks', (text, expected) => {
    const error = new SlipstreamError('source_unreachable', '', {
      headers: { 'Retry-After': text },
    })
    expect(retryAfterMs(error, Date.parse('2026-05-01T10:00:00Z'))).toBe(expected)
    expect(retryAfterMs(new Error('other'), 0)).toBe(0)
  })
})
