import { beforeEach, expect, test } from 'vitest'
import { PlayHold } from './play-hold.ts'

class Video extends EventTarget {
  paused = true
  readonly said: string[] = []
  isRefused = false

  play(): Promise<void> {
    this.said.push('play')
    if (this.isRefused) return Promise.reject(new DOMException('', 'NotAllowedError'))
    this.paused = false
    this.dispatchEvent(new Event('play'))
    return Promise.resolve()
  }

  pause(): void {
    this.said.push('pause')
    this.paused = true
  }
}

let video: Video
beforeEach(() => {
  video = new Video()
})
const hold = () => new PlayHold(video as unknown as HTMLVideoElement)

test('what plays, or is pressed, is paused until it may play; then it plays once', async () => {
  await video.play()
  const held = hold()
  expect(video.paused).toBe(true)
  await video.play()
  expect([video.paused, held.isOver]).toEqual([true, false])
  held.release()
  held.release()
  expect([video.paused, held.isOver]).toEqual([false, true])
  expect(video.said).toEqual(['play', 'pause', 'play', 'pause', 'play'])
})

test('a hold that is called off leaves the video as it is', async () => {
  const held = hold()
  held.cancel()
  held.release()
  expect(video.said).toEqual([])
  await video.play()
  expect(video.paused).toBe(false)
})

test('a browser that refuses is no error', async () => {
  const held = hold()
  video.isRefused = true
  held.release()
  await new Promise(setImmediate)
  expect(video.paused).toBe(true)
})
