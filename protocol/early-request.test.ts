import { describe, expect, test } from 'vitest'
import { earlyRequestOf, headEndOf } from './early-request.ts'
import type { MediaRecord } from './media.ts'

const KIB = 1024
const HERE = 'https://here.example/videos'
const record = (facts: { size: number; duration: number | null; webSeeds?: string[] }) =>
  ({
    id: 'abc',
    revision: 2,
    fastStart: true,
    source: null,
    webSeeds: ['https://a.example/film'],
    ...facts,
  }) as MediaRecord

describe('the first request for a title', () => {
  test('is for the pieces that hold one and a half seconds of playback', () => {
    const early = earlyRequestOf(record({ size: 20_000 * KIB, duration: 60 }), HERE)
    expect(early).toEqual({
      title: 'abc-2',
      url: 'https://a.example/film',
      range: `bytes=0-${512 * KIB - 1}`, // 500 KiB are needed
      headEnd: null,
    })
  })

  test('is answered at the stream itself when this server has the file', () => {
    const facts = { size: 20_000 * KIB, duration: 60 }
    const early = (url: string) => earlyRequestOf(record({ ...facts, webSeeds: [url] }), HERE)
    expect(early(`${HERE}/media/abc/film.webm?revision=2`)?.headEnd).toBe(512 * KIB)
    expect(early('https://here.example/videos2/media/abc/film.webm')?.headEnd).toBeNull()
    expect(early('https://cdn.example/media/abc/film.webm')?.headEnd).toBeNull()
    const webSeeds = [`${HERE}/media/abc/film.mp4?revision=2`]
    const moovLast = { ...record({ ...facts, webSeeds }), fastStart: false }
    expect(earlyRequestOf(moovLast, HERE)?.headEnd).toBeNull()
  })

  test('ends with the file', () => {
    expect(earlyRequestOf(record({ size: 1000, duration: 0.5 }), HERE)?.range).toBe('bytes=0-999')
  })

  test('is for a guess where size and duration do not tell', () => {
    const guess = `bytes=0-${3 * 256 * KIB - 1}` // 750,000 bytes
    for (const duration of [null, 0, 0.001]) {
      expect(earlyRequestOf(record({ size: 20_000 * KIB, duration }), HERE)?.range).toBe(guess)
    }
    expect(earlyRequestOf(record({ size: 1000, duration: null }), HERE)?.range).toBe('bytes=0-999')
  })

  test('is not made for a title that no web seed has', () => {
    expect(earlyRequestOf(record({ size: 1000, duration: 1, webSeeds: [] }), HERE)).toBeNull()
  })
})

test('a head is half pieces, from the middle of a title on as well', () => {
  const slow = { size: 8_000 * KIB, duration: 100 } // 80 KiB a second, 120 are needed
  expect(headEndOf(slow, 0)).toBe(128 * KIB)
  expect(earlyRequestOf(record({ ...slow, webSeeds: [`${HERE}/media/a/b`] }), HERE)).toMatchObject({
    range: `bytes=0-${256 * KIB - 1}`,
    headEnd: 128 * KIB,
  })
  const facts = { size: 20_000 * KIB, duration: 60 } // 333 KiB a second, 500 are needed
  expect(headEndOf(facts, 0)).toBe(512 * KIB)
  expect(headEndOf(facts, 100 * KIB)).toBe(640 * KIB)
  expect(headEndOf(facts, 512 * KIB)).toBe(1024 * KIB)
  expect(headEndOf(facts, facts.size - 1)).toBe(facts.size)
})
