import { expect, test } from 'vitest'
import { fitted } from './oembed.ts'

const film = { width: 1920, height: 1080 }

test.each([
  [film, { width: null, height: null }, { width: 640, height: 360 }],
  [film, { width: 1000, height: null }, { width: 1000, height: 563 }],
  [film, { width: 1000, height: 90 }, { width: 160, height: 90 }],
  [film, { width: null, height: 5000 }, { width: 640, height: 360 }],
  [
    { width: 720, height: 1280 },
    { width: null, height: 400 },
    { width: 225, height: 400 },
  ],
  [
    { width: 10_000, height: 1 },
    { width: 3, height: 3 },
    { width: 3, height: 1 },
  ],
])('a film of %j within %j gets a player of %j', (shape, most, player) => {
  expect(fitted(shape, most)).toEqual(player)
})
