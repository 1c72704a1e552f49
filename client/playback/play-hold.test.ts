import { beforeEach, expect, test } from 'vitest'
import { PlayHold } from './play-hold.ts'

class Video extends EventTarget {
  autoplay = true
  paused = true
  defaultPlaybackRate = 1
  #rate = 1

  play(): Promise<void> {
    this.paused = false
    this.dispatchEvent(new Event('play'))
    return Promise.resolve()
  }

  pause(): void {
    this.paused = true
    this.dispatchEvent(new Event('pause'))
  }

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

test('it plays when it may, unless it shall not by itself or somebody has paused it', () => {
  hold().release()
  expect(video.paused).toBe(false)
  const paused = hold()
  video.pause()
  expect(paused.isPaused).toBe(true)
  paused.release()
  expect([video.paused, video.playbackRate]).toEqual([true, 1])
  const pressed = hold()
  video.pause()
  void video.play()
  expect(pressed.isPaused).toBe(false)
  video.paused = true
  video.autoplay = false
  pressed.release()
  expect(video.paused).toBe(true)
})

test('one that is given up is left as it is, at its rate', () => {
  const held = hold()
  held.cancel()
  held.release()
  expect([video.paused, video.playbackRate, held.isOver]).toEqual([true, 1, true])
})

test('it is released once', async () => {
  const held = hold()
  held.release()
  video.playbackRate = 0
  held.release()
  await Promise.resolve()
  expect(video.playbackRate).toBe(0)
})
