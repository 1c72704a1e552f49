import { expect, test } from 'vitest'
import { problemOfType } from './codec-support.ts'

/** As a browser that knows containers and codecs by these words. */
const knowing =
  (...words: string[]) =>
  (type: string) => {
    const [container = '', codec] = type.split('; codecs=')
    const isKnown = (text: string) => words.some((word) => text.includes(word))
    return isKnown(container) && (codec === undefined || isKnown(codec)) ? 'probably' : ''
  }

test('nothing is said of a type that the browser plays', () => {
  const canPlay = knowing('video/webm', 'vp9', 'opus')
  expect(problemOfType('video/webm; codecs="vp9, opus"', canPlay)).toBeNull()
})

test('a title without any playable codec is refused, naming them', () => {
  const problem = problemOfType('video/mp4; codecs="hvc1.1.6.L93.90, ac-3"', knowing('video/mp4'))
  expect(problem).toMatchObject({ code: 'unsupported', playsOn: false, retryable: false })
  expect(problem?.message).toContain('H.265 and AC-3')
})

test('a missing picture, or a missing sound, is said while the other plays', () => {
  const type = 'video/mp4; codecs="hvc1.1.6.L93.90, mp4a.40.2"'
  expect(problemOfType(type, knowing('video/mp4', 'mp4a'))).toMatchObject({
    playsOn: true,
    message: expect.stringContaining('Only its sound plays'),
  })
  expect(problemOfType(type, knowing('video/mp4', 'hvc1'))).toMatchObject({
    playsOn: true,
    message: expect.stringContaining('picture plays without sound'),
  })
})

test('what is not known well enough is left to the browser', () => {
  expect(problemOfType('video/quicktime; codecs="avc1.64001f"', knowing('avc1'))).toBeNull()
  expect(problemOfType('video/mp4; codecs="new1.2"', knowing('video/mp4'))).toBeNull()
  expect(problemOfType('audio/mpeg', knowing('audio/mpeg'))).toBeNull()
  for (const codec of ['pcm-s16', 'mp3', 'flac', 'avc', 'mp4a.6B']) {
    expect(problemOfType(`video/mp4; codecs="${codec}"`, knowing('video/mp4'))).toBeNull()
  }
  expect(problemOfType('', knowing('video/mp4'))).toBeNull()
})
