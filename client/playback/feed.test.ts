import { beforeEach, describe, expect, test } from 'vitest'
import { type PieceIndex, pieceAt, pieceLayout } from '#protocol/pieces.ts'
import type { Bytes } from '../storage/piece-store.ts'
import { Feed } from './feed.ts'
import type { Reader } from './reader.ts'
import type { VideoWatch } from './video-watch.ts'

const SECOND = 256 * 1024
/** 100 pieces, of which one lasts for a second. */
const layout = pieceLayout(100 * SECOND)
const HEAD = 1000

let held: Set<number>
let now: number
const video = { paused: true, autoplay: true, currentTime: 0 }
const watch = {
  firstFrameMs: null as number | null,
  isStalled: false,
  hasFrame: false,
  seeks: 0,
  speed: 1,
  decodedBytes: null as number | null,
  bufferedSeconds: () => 0,
}
const fetcher = { spans: [], pace: 0 }
let peersPace = 0
let waitsForOthers = false
let feed: Feed

beforeEach(() => {
  held = new Set()
  now = 0
  fetcher.pace = 0
  peersPace = 0
  waitsForOthers = false
  Object.assign(video, { paused: true, autoplay: true, currentTime: 0 })
  Object.assign(watch, {
    firstFrameMs: null,
    isStalled: false,
    hasFrame: false,
    seeks: 0,
    speed: 1,
    decodedBytes: null,
    bufferedSeconds: () => 0,
  })
  feed = new Feed({
    layout,
    video: video as HTMLVideoElement,
    watch: watch as unknown as VideoWatch,
    store: { has: (index: PieceIndex) => held.has(index) },
    fetcher,
    peersPace: () => peersPace,
    waitsForOthers: () => waitsForOthers,
    bytesPerSecond: () => SECOND,
    calm: {
      get ms() {
        return now
      },
    },
    now: () => now,
  })
})

/** The first bytes of an MP4 file: an index, and then samples; or the index comes last. */
function firstBytes(first: 'moov' | 'free' = 'moov'): Bytes {
  const bytes = new Uint8Array(SECOND)
  const box = (at: number, type: string, length: number) => {
    new DataView(bytes.buffer).setUint32(at, length)
    bytes.set(new TextEncoder().encode(type), at + 4)
  }
  box(0, first, HEAD)
  box(HEAD, 'mdat', 90 * SECOND)
  return bytes
}

function readerAt(position: number, start = 0): Reader {
  return { start, position, end: layout.size } as Reader
}

/** What a reader who is past the head is allowed of a second of playback. */
const allowed = (position = SECOND) => feed.allow(readerAt(position), new Uint8Array(SECOND))

/** Pieces come one a second and a half: slower than they are played. */
function comeSlowly(count: number): void {
  for (let piece = held.size; count > 0; piece += 1, count -= 1) {
    now += 1500
    held.add(piece)
    fetcher.pace = SECOND / 1.5
  }
}

describe('on a slow line', () => {
  test('the head of the file is given at once, and nothing behind it', () => {
    held.add(0)
    fetcher.pace = 40_000
    now = 500
    const first = feed.allow(readerAt(0), firstBytes())
    expect(first).toBeGreaterThanOrEqual(HEAD)
    expect(first).toBeLessThan(HEAD + 5000)
    expect(feed.allow(readerAt(first), new Uint8Array(1000))).toBe(0)
    expect([feed.isKeeping, feed.isSlow]).toEqual([true, true])
  })

  test('samples are kept back until there are enough, and then flow until there is a picture', () => {
    feed.allow(readerAt(0), firstBytes())
    comeSlowly(4)
    expect(allowed()).toBe(0) // three seconds are here
    comeSlowly(1)
    expect(allowed()).toBe(SECOND)
    expect(feed.isKeeping).toBe(false)
    expect(allowed(4 * SECOND)).toBe(SECOND) // less is ahead from there
  })

  test('what has begun with a head in time is given what comes', () => {
    feed.beganWithout({ position: 2 * SECOND }, false)
    Object.assign(watch, { firstFrameMs: 100, hasFrame: true })
    comeSlowly(3)
    const reader = readerAt(2 * SECOND, 2 * SECOND)
    expect(feed.allow(reader, new Uint8Array(SECOND))).toBe(SECOND) // one second is here
  })

  test('what is held at its first frame is told when there is enough, and not before', () => {
    feed.beganWithout({ position: 2 * SECOND }, true)
    Object.assign(watch, { firstFrameMs: 100, hasFrame: true })
    const reader = readerAt(2 * SECOND, 2 * SECOND)
    const given = () => [feed.allow(reader, new Uint8Array(SECOND)), feed.mayBegin(reader)]
    expect(given()).toEqual([0, false]) // no rate is known
    comeSlowly(3)
    expect(given()).toEqual([0, false])
    watch.bufferedSeconds = () => 4 // which may be somewhat less, and one more is here
    expect(given()).toEqual([SECOND, true])
  })

  test('what is held is not told of what it cannot be given yet', () => {
    feed.beganWithout({ position: 2 * SECOND }, true)
    Object.assign(watch, { firstFrameMs: 100, hasFrame: true })
    fetcher.pace = 10 * SECOND
    held.add(2)
    const next = { position: 2 * SECOND, end: layout.size }
    expect(feed.mayBegin(next, false)).toBe(false)
    expect(feed.mayBegin(next)).toBe(true)
  })

  test('what is held on a fast line waits for others as well, until there is enough', () => {
    feed.beganWithout({ position: 2 * SECOND }, true)
    Object.assign(watch, { firstFrameMs: 100, hasFrame: true })
    fetcher.pace = 10 * SECOND
    const next = { position: 2 * SECOND, end: layout.size }
    waitsForOthers = true
    for (const piece of [2, 3, 4]) held.add(piece)
    expect(feed.mayBegin(next)).toBe(false)
    // Nor does what the worker asks for end it; and the line is not slow for that.
    expect(feed.allow(readerAt(2 * SECOND, 2 * SECOND), new Uint8Array(SECOND))).toBe(0)
    expect([feed.mayBegin(next), feed.isSlow]).toEqual([false, false])
    held.add(5)
    expect(feed.mayBegin(next)).toBe(true)
  })

  test('what is held begins with what it has, if that is enough', () => {
    feed.beganWithout({ position: 2 * SECOND }, true)
    watch.bufferedSeconds = () => 5.1
    expect(feed.mayBegin({ position: 2 * SECOND, end: layout.size }, false)).toBe(true)
  })

  test('what is held begins after a while whatever comes, and after a seek at once', () => {
    feed.beganWithout({ position: 2 * SECOND }, true)
    Object.assign(watch, { firstFrameMs: 100, hasFrame: true })
    const reader = readerAt(2 * SECOND, 2 * SECOND)
    now += 9_900
    expect(feed.mayBegin(reader)).toBe(false)
    const sought = readerAt(9 * SECOND, 9 * SECOND)
    expect(feed.allow(sought, new Uint8Array(SECOND))).toBe(0)
    watch.seeks = 1
    expect(feed.allow(sought, new Uint8Array(SECOND))).toBe(SECOND)
    now += 200
    expect(feed.mayBegin(reader)).toBe(true)
  })

  test('what plays is not held up, in a stall or after a seek either', () => {
    feed.allow(readerAt(0), firstBytes())
    comeSlowly(2)
    expect(allowed()).toBe(0)
    watch.firstFrameMs = 100
    expect(allowed()).toBe(SECOND)
  })

  test('the index at the end of a file is no sample', () => {
    feed.allow(readerAt(0), firstBytes('free'))
    now += 1000
    const index = 95 * SECOND
    held.add(pieceAt(layout, index))
    expect(feed.allow(readerAt(index, index), new Uint8Array(100))).toBe(100)
  })

  test('a video that nobody plays takes what there is', () => {
    feed.allow(readerAt(0), firstBytes())
    comeSlowly(2)
    expect(allowed()).toBe(0)
    video.autoplay = false
    expect(allowed()).toBe(SECOND)
  })
})

test('on a fast line nothing is kept back', () => {
  fetcher.pace = 10 * SECOND
  feed.allow(readerAt(0), firstBytes())
  expect(allowed(10_000)).toBe(SECOND)
  expect(feed.isSlow).toBe(false)
})

test('what peers send tells how fast the line is, once a piece from them is here', () => {
  peersPace = 10 * SECOND
  const reader = readerAt(0)
  reader.position += feed.allow(reader, firstBytes())
  expect(feed.mayBegin(reader)).toBe(false)
  held.add(0)
  expect(feed.mayBegin(reader)).toBe(true)
})

test('a line that is fast enough for the film is slow for one that plays at twice the speed', () => {
  fetcher.pace = 1.4 * SECOND
  for (const piece of [0, 1, 2]) held.add(piece)
  feed.allow(readerAt(0), firstBytes())
  watch.speed = 2
  expect(allowed(SECOND)).toBe(0)
  watch.speed = 1
  expect(allowed(SECOND)).toBe(SECOND)
})

describe('what a video holds', () => {
  test('is what it was given, with caution', () => {
    fetcher.pace = 10 * SECOND
    const reader = readerAt(0)
    reader.position += feed.allow(reader, firstBytes())
    reader.position = HEAD + 2 * SECOND
    watch.hasFrame = true
    expect(feed.bufferedSeconds(reader)).toBeCloseTo(1.6)
    expect(feed.bufferedSeconds(readerAt(0))).toBe(0)
  })

  test('goes by what was decoded, until a seek leads elsewhere', () => {
    fetcher.pace = 10 * SECOND
    watch.decodedBytes = 0
    const reader = readerAt(0)
    reader.position += feed.allow(reader, firstBytes())
    reader.position = HEAD + 4 * SECOND
    watch.hasFrame = true
    video.currentTime = 1
    watch.decodedBytes = 3 * SECOND
    expect(feed.bufferedSeconds(reader)).toBeCloseTo(0.8)
    watch.seeks = 1
    expect(feed.bufferedSeconds(reader)).toBeCloseTo(2.4)
  })

  test('is what it says once it has had time, where it does not tell what was decoded', () => {
    fetcher.pace = 10 * SECOND
    const reader = readerAt(0)
    feed.allow(reader, firstBytes())
    reader.position = HEAD + 80 * SECOND // of a film that is heavy at first
    watch.hasFrame = true
    watch.bufferedSeconds = () => 5
    now += 10_000
    video.currentTime = 10
    expect(feed.bufferedSeconds(reader)).toBeGreaterThan(40)
    now += 20_000
    video.currentTime = 30
    expect(feed.bufferedSeconds(reader)).toBeCloseTo(4)
    watch.decodedBytes = 0
    const other = readerAt(0)
    feed.allow(other, firstBytes())
    other.position = HEAD + 80 * SECOND
    now += 30_000
    expect(feed.bufferedSeconds(other)).toBeGreaterThan(40)
  })

  test('is doubted when no picture comes, and hardly while nobody has pressed play', () => {
    fetcher.pace = 10 * SECOND
    const reader = readerAt(0)
    feed.allow(reader, firstBytes())
    reader.position = HEAD + 2 * SECOND
    now += 600
    expect(feed.bufferedSeconds(reader)).toBe(0)
    video.autoplay = false
    expect(feed.bufferedSeconds(reader)).toBeCloseTo(1.6)
    now += 9_000
    expect(feed.bufferedSeconds(reader)).toBe(0) // the film's start is heavy
    watch.firstFrameMs = 9_000 // it is on the screen, though the browser says nothing of data yet
    expect(feed.bufferedSeconds(reader)).toBeCloseTo(1.6)
    watch.seeks = 1 // that was the picture of another place
    expect(feed.bufferedSeconds(reader)).toBe(0)
  })

  test('is nothing of a start that is skipped, and what was given of a place that is sought', () => {
    fetcher.pace = 10 * SECOND
    video.currentTime = 9
    watch.decodedBytes = 0
    const head = readerAt(0)
    feed.allow(head, firstBytes())
    head.position = HEAD + 2 * SECOND
    watch.hasFrame = true
    expect(feed.bufferedSeconds(head)).toBe(0)
    const sought = readerAt(9 * SECOND, 9 * SECOND)
    feed.allow(sought, new Uint8Array(SECOND))
    sought.position += 2 * SECOND
    expect(feed.bufferedSeconds(sought)).toBeCloseTo(1.6)
  })

  test('counts what came ahead of all readers, and goes on with the one that takes over there', () => {
    const next = { position: 2 * SECOND }
    watch.decodedBytes = SECOND / 2 // before anybody looked
    feed.beganWithout(next, false)
    expect(feed.bufferedSeconds(next)).toBeCloseTo(1.2)
    watch.decodedBytes = null
    feed.beganWithout(next, false)
    expect(feed.bufferedSeconds(next)).toBeCloseTo(1.6)
    video.currentTime = 1
    watch.hasFrame = true
    watch.firstFrameMs = 100
    expect(feed.bufferedSeconds(next)).toBeCloseTo(0.8)
    const reader = readerAt(2 * SECOND, 2 * SECOND)
    expect(feed.bufferedSeconds(reader)).toBeCloseTo(0.8) // before it was given anything
    expect(feed.allow(reader, new Uint8Array(SECOND))).toBe(SECOND)
    reader.position += SECOND
    expect(feed.bufferedSeconds(reader)).toBeCloseTo(1.6)
    const sought = readerAt(50 * SECOND, 50 * SECOND)
    feed.allow(sought, new Uint8Array(SECOND))
    expect(feed.bufferedSeconds(sought)).toBe(0)
  })

  test('is what it says in a stall', () => {
    fetcher.pace = 10 * SECOND
    const reader = readerAt(0)
    feed.allow(reader, firstBytes())
    reader.position = 2 * SECOND
    watch.isStalled = true
    expect(feed.bufferedSeconds(reader)).toBe(0)
  })
})
