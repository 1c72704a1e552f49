import { beforeEach, expect, test } from 'vitest'
import { PlayHold } from './play-hold.ts'

class Video extends EventTarget {
  defaultPlaybackRate = 1
  #rate = 1

  get playbackRate(): number {
    return this.#rate
  }

  set playbackRate(rate: number) {
    if (rate === this.#rate) return
    this.#rate = rate
    queueMicrotask(() => this.dispatchEvent(new Event('ratechange')))
  }
}

let video: Video
beforeEach(() => {
  video = new Video()
})
const hold = () => new PlayHold(video as unknown as HTMLVideoElement)

test('stands still until it may play', () => {
  const held = hold()
  expect([video.playbackRate, held.isOver]).toEqual([0, false])
  held.release()
  expect([video.playbackRate, held.isOver]).toEqual([1, true])
})

test('one that stood still before it was held plays as usual', () => {
  video.playbackRate = 0
  hold().release()
  expect(video.playbackRate).toBe(1)
})

test('it plays as fast as it was to play before, or as somebody wished meanwhile', async () => {
  video.playbackRate = 1.5
  const held = hold()
  held.release()
  expect(video.playbackRate).toBe(1.5)
  const again = hold()
  video.playbackRate = 2
  await Promise.resolve()
  expect(video.playbackRate).toBe(0)
  video.playbackRate = 0.5 // told only after it was released
  again.release()
  expect(video.playbackRate).toBe(0.5)
})

test('it is released once', async () => {
  const held = hold()
  held.release()
  video.playbackRate = 0
  held.release()
  await Promise.resolve()
  expect(video.playbackRate).toBe(0)
})
