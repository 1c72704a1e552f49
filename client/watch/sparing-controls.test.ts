import { expect, test } from 'vitest'
import { SparedTimes } from './sparing-controls.ts'

/** @returns what the controls take the time to be, at that second */
function controls() {
  const times = new SparedTimes<{
    mediaCurrentTime: number
    mediaBuffered: [number, number][]
    title: string
  }>()
  return {
    times,
    at: (second: number, isHidden: boolean, title = '') =>
      times.told({ mediaCurrentTime: second, mediaBuffered: [], title }, isHidden, second * 1000),
  }
}

test('controls that are seen are told every time', () => {
  const { at } = controls()
  for (const second of [0, 0.25, 0.5]) expect(at(second, false).mediaCurrentTime).toBe(second)
})

test('once they have faded out they are told once more, and then every five seconds', () => {
  const { at } = controls()
  for (const second of [0, 1, 1.25, 1.6]) expect(at(second, true).mediaCurrentTime).toBe(second)
  for (const second of [1.75, 4, 6.5]) expect(at(second, true).mediaCurrentTime).toBe(1.6)
  expect(at(6.75, true).mediaCurrentTime).toBe(6.75)
  expect(at(7, true).mediaCurrentTime).toBe(6.75)
})

test('all else is told at once, and the time as soon as they are seen or a key is pressed', () => {
  const { at, times } = controls()
  at(0, true)
  at(2, true)
  expect(at(3, true, 'new')).toMatchObject({ mediaCurrentTime: 2, title: 'new' })
  times.forget()
  expect(at(3, true).mediaCurrentTime).toBe(3)
  expect(at(4, false).mediaCurrentTime).toBe(4)
})
