import { beforeEach, expect, test } from 'vitest'
import { Prospects } from './prospects.ts'

const KNOWN = ['aa', 'bb']
let now: number
let isJoined: boolean
let others: number
let prospects: Prospects

beforeEach(() => {
  now = 1_000
  isJoined = false
  others = 0
  prospects = new Prospects({
    introductions: {
      get expected() {
        return others > 0 ? KNOWN : []
      },
      get report() {
        return { kind: 'answers' as const, others, warning: null }
      },
    },
    isJoined: () => isJoined,
    now: () => now,
  })
})

test('strangers are those the tracker counts and nobody has met, for the first seconds', () => {
  others = 5
  expect([prospects.strangers, prospects.others]).toEqual([3, 5])
  isJoined = true
  prospects.joined()
  now += 7_000
  expect(prospects.joinedSeconds).toBe(7)
  expect([prospects.strangers, prospects.others]).toEqual([0, 2])
  isJoined = false
  expect(prospects.joinedSeconds).toBe(0)
})

test('a peer that is connected is not among those expected besides', () => {
  others = 2
  const peer = { id: 'aa' } as Parameters<Prospects['expectedBesides']>[0][number]
  expect(prospects.expectedBesides([peer])).toEqual(['bb'])
})

test('a swarm is near when others are there, or the torrent is', () => {
  expect(prospects.swarm(null, false)).toBe('later')
  expect(prospects.swarm(null, true)).toBe('soon')
  expect(prospects.swarm('no-webrtc', true)).toBe('never')
  expect(prospects.swarm('unanswered', false)).toBe('later')
  others = 2
  expect(prospects.swarm(null, false)).toBe('joined')
})
