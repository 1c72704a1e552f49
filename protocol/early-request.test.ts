import { describe, expect, test } from 'vitest'
import { earlyRequestOf } from './early-request.ts'
import type { MediaRecord } from './media.ts'

const KIB = 1024
const record = (facts: { size: number; duration: number | null; webSeeds?: string[] }) =>
  ({ id: 'abc', revision: 2, webSeeds: ['https://a.example/film'], ...facts }) as MediaRecord

describe('the first request for a title', () => {
  test('is for the pieces that hold one and a half seconds of playback', () => {
    const early = earlyRequestOf(record({ size: 20_000 * KIB, duration: 60 }))
    expect(early).toEqual({
      title: 'abc-2',
      url: 'https://a.example/film',
      range: `bytes=0-${512 * KIB - 1}`, // 500 KiB are needed
    })
  })

  test('ends with the file', () => {
    expect(earlyRequestOf(record({ size: 1000, duration: 0.5 }))?.range).toBe('bytes=0-999')
  })

  test('is for a guess where size and duration do not tell', () => {
    const guess = `bytes=0-${3 * 256 * KIB - 1}` // 750,000 bytes
    for (const duration of [null, 0, 0.001]) {
      expect(earlyRequestOf(record({ size: 20_000 * KIB, duration }))?.range).toBe(guess)
    }
    expect(earlyRequestOf(record({ size: 1000, duration: null }))?.range).toBe('bytes=0-999')
  })

  test('is not made for a title that no web seed has', () => {
    expect(earlyRequestOf(record({ size: 1000, duration: 1, webSeeds: [] }))).toBeNull()
  })
})
