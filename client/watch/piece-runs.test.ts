import { expect, test } from 'vitest'
import { PIECE, SHARED } from '../playback/piece-states.ts'
import { countPieces, describePieces, runsOf, sendersOf } from './piece-runs.ts'

const { missing, arriving, stored, server, peers } = PIECE

test('neighbours in the same state are one run', () => {
  const states = Uint8Array.of(server, server, server + SHARED, missing, peers + SHARED)
  expect(runsOf(states)).toEqual([
    { first: 0, end: 2, state: server, shared: false },
    { first: 2, end: 3, state: server, shared: true },
    { first: 3, end: 4, state: missing, shared: false },
    { first: 4, end: 5, state: peers, shared: true },
  ])
  expect(runsOf(new Uint8Array())).toEqual([])
})

test('a whole title in one state is one run, however long', () => {
  expect(runsOf(new Uint8Array(4000).fill(peers))).toHaveLength(1)
})

test('the sentence sums up what the picture shows', () => {
  const states = Uint8Array.of(server, server + SHARED, peers + SHARED, stored, arriving, missing)
  expect(describePieces(countPieces(states))).toBe(
    '4 of 6 pieces are here: 2 from the server, 1 from other viewers, 1 from an earlier visit; ' +
      '1 under way; 2 can be shared.',
  )
  expect(describePieces(countPieces(new Uint8Array(3)))).toBe('0 of 3 pieces are here.')
  expect(describePieces(countPieces(Uint8Array.of(server)))).toBe(
    '1 of 1 pieces are here: 1 from the server; none can be shared yet.',
  )
})

test('peers are numbers with their share, those who sent most first', () => {
  const senders = sendersOf({ server: 200, peers: 800 }, [
    { number: 1, received: 100 },
    { number: 2, received: 500 },
  ])
  expect(senders).toEqual([
    { name: 'Server', percent: 20, isIdle: false },
    { name: 'Peer 2', percent: 50, isIdle: false },
    { name: 'Peer 1', percent: 10, isIdle: false },
    { name: 'Peers that left', percent: 20, isIdle: false },
  ])
})

test('who has sent a little has not sent nothing', () => {
  const peers = [
    { number: 1, received: 1 },
    { number: 2, received: 0 },
  ]
  expect(sendersOf({ server: 999, peers: 1 }, peers)).toEqual([
    { name: 'Server', percent: 99, isIdle: false },
    { name: 'Peer 1', percent: 0, isIdle: false },
    { name: 'Peer 2', percent: 0, isIdle: true },
  ])
})

test('nobody is named while there is nothing to share out', () => {
  expect(sendersOf({ server: 0, peers: 0 }, [{ number: 1, received: 0 }])).toEqual([])
  expect(sendersOf({ server: 900, peers: 0 }, [])).toEqual([])
})

test('a crowd is summed up', () => {
  const crowd = Array.from({ length: 50 }, (_, i) => ({ number: i + 1, received: 10 }))
  const senders = sendersOf({ server: 500, peers: 500 }, crowd)
  expect(senders).toHaveLength(14)
  expect(senders.at(-1)).toEqual({ name: '38 more', percent: 38, isIdle: false })
  expect(senders.reduce((sum, { percent }) => sum + percent, 0)).toBe(100)
})
