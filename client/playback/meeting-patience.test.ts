import { expect, test } from 'vitest'
import { type Company, MeetingPatience } from './meeting-patience.ts'

const calm = { ms: 0, close: () => {} }
const answers = (others: number, warning: string | null = null) =>
  ({ kind: 'answers', others, warning }) as const
const company = (changes: Partial<Company> = {}): Company => ({
  isSought: true,
  tracker: answers(3),
  atStart: 0,
  others: 3,
  peers: 0,
  canGoOn: true,
  ...changes,
})
const left = (changes: Partial<Company>, ms = 0, count = 50) => {
  const patience = new MeetingPatience({ count }, { ...calm, ms })
  return patience.left(company(changes))
}

test('others are waited for while they are known to be there, and not for ever', () => {
  expect(left({})).toBe(2.5)
  expect(left({}, 1000)).toBe(1.5)
  expect(left({ peers: 1 }, 1000)).toBe(2.5)
  expect(left({ peers: 1 }, 9000)).toBe(0)
})

test('nobody is waited for who is not there, or not let in', () => {
  expect(left({ tracker: answers(0), others: 0 })).toBe(0)
  expect(left({ tracker: answers(3, 'the publisher wants 5 viewers') })).toBe(0)
  expect(left({ tracker: { kind: 'unreachable' } })).toBe(0)
  expect(left({ isSought: false })).toBe(0)
})

test('an answer of the tracker is waited for as long as nothing is lost by it', () => {
  for (const tracker of [null, { kind: 'connecting' } as const]) {
    expect(left({ tracker, others: 0, canGoOn: false })).toBe(2.5)
    expect(left({ tracker, others: 0, canGoOn: true })).toBe(0)
    // Somebody was there a moment ago.
    expect(left({ tracker, others: 0, canGoOn: true, atStart: 1 })).toBe(2.5)
  }
})

test('the time until page and worker have found each other does not count', () => {
  const clock = { ...calm }
  const patience = new MeetingPatience({ count: 50 }, clock)
  clock.ms = 4000
  expect(patience.left(company({ canGoOn: false }))).toBe(2.5)
  clock.ms = 5000
  expect(patience.left(company())).toBe(1.5)
})

test('a long film does not wait', () => {
  expect(left({}, 0, 128)).toBe(2.5)
  expect(left({}, 0, 129)).toBe(0)
})
