import { expect, test } from 'vitest'
import { durationOf, pictureSize, shapeOf } from './picture.ts'

const film = { type: 'video/mp4', width: null, height: null, duration: null }
const unseen = { videoWidth: 0, videoHeight: 0, duration: Number.NaN }
const seen = { videoWidth: 1280, videoHeight: 544, duration: 61.5 }

test('what the record does not say is taken from the video, once that knows', () => {
  expect([pictureSize(film, unseen), durationOf(film, unseen)]).toEqual([null, null])
  expect(shapeOf(film, unseen)).toBe('16 / 9')
  expect(pictureSize(film, seen)).toEqual({ width: 1280, height: 544 })
  expect([durationOf(film, seen), shapeOf(film, seen)]).toEqual([61.5, '1280 / 544'])
})

test('the record knows best', () => {
  const known = { ...film, width: 640, height: 360, duration: 60 }
  expect([pictureSize(known, seen), durationOf(known, seen)]).toEqual([
    { width: 640, height: 360 },
    60,
  ])
})

test('sound has no picture, whatever its cover is', () => {
  expect(pictureSize({ ...film, type: 'audio/mp4; codecs="mp4a.40.2"' }, seen)).toBeNull()
})

test('a live stream has no duration', () => {
  expect(durationOf(film, { ...seen, duration: Number.POSITIVE_INFINITY })).toBeNull()
})
