import { expect, test } from 'vitest'
import {
  JOINING_SETTINGS,
  lookAheadFor,
  STARTING_SETTINGS,
  type Standing,
  SWARM_SETTINGS,
  strangersAmong,
} from './look-ahead.ts'

const seconds = (changes: Partial<Standing>) =>
  lookAheadFor({
    stage: 'watching',
    swarm: 'joined',
    joinedSeconds: 0,
    others: 3,
    isPressed: false,
    ...changes,
  }).lookAheadSeconds

test('until somebody watches only the first frame is looked for, whatever the swarm is like', () => {
  for (const swarm of ['joined', 'soon', 'later', 'never'] as const) {
    const settings = seconds({ stage: 'starting', swarm, joinedSeconds: 100 })
    expect(settings).toBe(STARTING_SETTINGS.lookAheadSeconds)
    expect(seconds({ stage: 'resting', swarm, joinedSeconds: 100 })).toBe(0)
  }
})

test('the sooner peers will bring what is missing, the less is fetched meanwhile', () => {
  const [soon, later, never] = (['soon', 'later', 'never'] as const).map((swarm) =>
    seconds({ swarm }),
  )
  expect(soon).toBeLessThan(later ?? 0)
  expect(later).toBeLessThan(never ?? 0)
})

test('in the swarm it grows as one gets to know the others, up to a minute', () => {
  const grown = [0, 1, 10, 30].map((joinedSeconds) => seconds({ joinedSeconds }))
  expect(grown).toEqual([...new Set(grown)].sort((a, b) => a - b))
  expect(grown[0]).toBeLessThan(5)
  expect(seconds({ joinedSeconds: 300 })).toBe(SWARM_SETTINGS.lookAheadSeconds)
})

test('the first peer is awaited for some seconds; then who is alone fetches ahead', () => {
  expect(seconds({ others: 0, joinedSeconds: 2 })).toBe(JOINING_SETTINGS.lookAheadSeconds)
  expect(seconds({ others: 0, joinedSeconds: 20 })).toBe(SWARM_SETTINGS.lookAheadSeconds)
})

test('a disk that cannot keep up is given a little at a time', () => {
  const standing = { stage: 'watching', swarm: 'never', joinedSeconds: 0, others: 0 } as const
  const free = lookAheadFor({ ...standing, isPressed: false })
  const pressed = lookAheadFor({ ...standing, isPressed: true })
  expect(pressed.lookAheadSeconds).toBeLessThan(free.lookAheadSeconds)
  expect(pressed.lookAheadBytes).toBeLessThan(free.lookAheadBytes)
  expect(seconds({ swarm: 'soon', isPressed: true })).toBe(JOINING_SETTINGS.lookAheadSeconds)
})

test('strangers are awaited for some seconds, and no more of them than are connected to', () => {
  expect(strangersAmong(0, 5, 2)).toBe(3)
  expect(strangersAmong(0, 500, 2)).toBeLessThan(20)
  expect(strangersAmong(0, 2, 5)).toBe(0)
  expect(strangersAmong(30, 5, 2)).toBe(0)
})
