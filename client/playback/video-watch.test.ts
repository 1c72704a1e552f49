import { beforeEach, expect, test, vi } from 'vitest'
import { VideoWatch } from './video-watch.ts'

vi.stubGlobal('HTMLMediaElement', { HAVE_CURRENT_DATA: 2, HAVE_FUTURE_DATA: 3 })

/** What the watch reads of a `<video>`; events are real. */
class Video extends EventTarget {
  paused = false
  ended = false
  readyState = 4
  currentTime = 0
  videoWidth = 640
  spans: readonly (readonly [number, number])[] = []
  get buffered() {
    const { spans } = this
    return {
      length: spans.length,
      start: (i: number) => spans[i]?.[0] ?? 0,
      end: (i: number) => spans[i]?.[1] ?? 0,
    }
  }
  tell(...names: string[]): void {
    for (const name of names) this.dispatchEvent(new Event(name))
  }
}

let video: Video
let now: number
let changes: number
let watch: VideoWatch

beforeEach(() => {
  video = new Video()
  now = 1000
  changes = 0
  watch = new VideoWatch(
    video as unknown as HTMLVideoElement,
    () => {
      changes += 1
    },
    () => now,
  )
})

function showFirstFrame(): void {
  now += 400
  video.currentTime = 0.04
  video.tell('playing', 'timeupdate')
}

test('to press play when only the first frame is there is no stall', () => {
  video.tell('loadeddata')
  video.currentTime = 0.001
  video.tell('timeupdate')
  expect(watch.firstFrameMs).toBe(0)
  video.tell('waiting') // as `play()` does by itself
  now += 300
  expect([watch.stalls, watch.stalledMs]).toEqual([0, 0])
  video.tell('playing')
  video.tell('waiting')
  expect(watch.stalls).toBe(1)
})

test('the first frame is timed from the start, once', () => {
  expect(watch.firstFrameMs).toBeNull()
  video.tell('timeupdate') // nothing was played yet
  expect(watch.firstFrameMs).toBeNull()
  showFirstFrame()
  expect(watch.firstFrameMs).toBe(400)
  now += 1000
  video.tell('timeupdate')
  expect([watch.firstFrameMs, changes]).toEqual([400, 1])
})

test('a title without pictures starts with its first data', () => {
  video.videoWidth = 0
  now += 50
  video.tell('loadeddata')
  expect(watch.firstFrameMs).toBe(50)
})

test('waiting before the first frame is no stall', () => {
  video.tell('waiting')
  now += 300
  showFirstFrame()
  expect([watch.stalls, watch.stalledMs]).toEqual([0, 0])
})

test('waiting for data counts as one stall until playback goes on', () => {
  showFirstFrame()
  video.tell('waiting')
  now += 250
  video.tell('waiting')
  expect([watch.stalls, watch.stalledMs]).toEqual([1, 250])
  now += 250
  video.tell('playing')
  now += 5000
  expect([watch.stalls, watch.stalledMs]).toEqual([1, 500])
  video.tell('waiting')
  now += 100
  video.tell('pause') // the viewer gave up waiting: the rest is his
  now += 9000
  expect([watch.stalls, watch.stalledMs]).toEqual([2, 600])
})

test('waiting that a seek, a pause or the end brings is no stall', () => {
  showFirstFrame()
  video.tell('seeking', 'waiting')
  now += 700
  video.tell('seeked', 'waiting')
  now += 700
  video.tell('playing')
  expect(watch.stalls).toBe(0)
  video.paused = true
  video.tell('waiting')
  video.paused = false
  video.ended = true
  video.tell('waiting')
  expect([watch.stalls, watch.stalledMs]).toEqual([0, 0])
})

test('a seek ends the stall before it', () => {
  showFirstFrame()
  video.tell('waiting')
  now += 200
  video.tell('seeking')
  now += 3000
  expect([watch.stalls, watch.stalledMs]).toEqual([1, 200])
})

test('what is buffered at the position counts, and not what lies elsewhere', () => {
  showFirstFrame()
  video.spans = [
    [0, 10],
    [40, 60],
  ]
  video.currentTime = 4
  expect(watch.bufferedSeconds()).toBe(6)
  video.currentTime = 20
  expect(watch.bufferedSeconds()).toBe(0)
  video.currentTime = 45
  expect(watch.bufferedSeconds()).toBe(15)
})

test('a video that goes on waiting is believed more than its estimate, but not for a blink', () => {
  showFirstFrame()
  video.spans = [[0, 10]]
  video.readyState = 2
  video.tell('waiting')
  now += 50
  expect(watch.bufferedSeconds()).toBeCloseTo(9.96)
  now += 100
  expect(watch.bufferedSeconds()).toBe(0)
})

test('what was started before anybody watched has its first frame', () => {
  const started = { startedAt: now - 300, shownAt: now - 200 }
  const begun = new VideoWatch(
    video as unknown as HTMLVideoElement,
    () => {},
    () => now,
    started,
  )
  expect(begun.firstFrameMs).toBe(100)
  showFirstFrame()
  expect(begun.firstFrameMs).toBe(100)
})

test('closing ends it', () => {
  showFirstFrame()
  watch.close()
  video.tell('waiting')
  expect(watch.stalls).toBe(0)
})
