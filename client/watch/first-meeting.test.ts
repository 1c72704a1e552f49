import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { PlaybackSnapshot, TrackerReport } from '../playback/playback.ts'
import { untilMet } from './first-meeting.ts'

let snapshot: PlaybackSnapshot
let bufferedSeconds: number
let video: { paused: boolean; autoplay: boolean; currentTime: number; duration: number }
let listeners: Set<() => void>
let page: EventTarget

beforeEach(() => {
  vi.useFakeTimers()
  snapshot = { stats: { peers: 0 }, httpReason: null, tracker: null } as PlaybackSnapshot
  listeners = new Set()
  bufferedSeconds = 5
  video = { paused: false, autoplay: true, currentTime: 0, duration: 60 }
  page = new EventTarget()
  return () => vi.useRealTimers()
})

/** Waits; tells whether it is over. */
function wait(state: 'ready' | 'building' = 'ready', chance = 0) {
  const waiting = { isOver: false }
  const meeting = {
    media: { state },
    video,
    hand: {
      get seconds() {
        return bufferedSeconds
      },
    },
    details() {
      return { bufferedSeconds: this.hand.seconds } // as a class has it
    },
    getSnapshot: () => snapshot,
    subscribe(onChange: () => void) {
      listeners.add(onChange)
      return () => listeners.delete(onChange)
    },
  }
  void untilMet(meeting, page, () => chance).then(() => {
    waiting.isOver = true
  })
  return waiting
}

async function change(changes: Partial<PlaybackSnapshot>): Promise<void> {
  snapshot = { ...snapshot, ...changes }
  for (const listener of [...listeners]) listener()
  await vi.advanceTimersByTimeAsync(0)
}
const tracker = (others: number, warning: string | null = null): TrackerReport => ({
  kind: 'answers',
  others,
  warning,
})

test('viewers who are there are waited for, until the first are connected', async () => {
  const waiting = wait()
  await change({ tracker: { kind: 'connecting' } })
  await change({ tracker: tracker(3) })
  expect(waiting.isOver).toBe(false)
  await change({ stats: { ...snapshot.stats, peers: 1 } })
  expect(waiting.isOver).toBe(false)
  await change({ stats: { ...snapshot.stats, peers: 3 } })
  expect(waiting.isOver).toBe(true)
  expect(listeners.size).toBe(0)
})

test('among others the interface waits until playback has something in hand', async () => {
  bufferedSeconds = 1
  const waiting = wait()
  await change({ tracker: tracker(1), stats: { ...snapshot.stats, peers: 1 } })
  expect(waiting.isOver).toBe(false)
  bufferedSeconds = 5
  await vi.advanceTimersByTimeAsync(150)
  expect(waiting.isOver).toBe(true)
})

test('near the end there is no more to have in hand than is left', async () => {
  video = { ...video, currentTime: 57 }
  bufferedSeconds = 3
  const waiting = wait()
  await change({ tracker: tracker(1), stats: { ...snapshot.stats, peers: 1 } })
  expect(waiting.isOver).toBe(true)
})

test('a player that nobody has started has its interface at once', async () => {
  video = { ...video, paused: true, autoplay: false }
  const waiting = wait()
  await vi.advanceTimersByTimeAsync(0)
  expect(waiting.isOver).toBe(true)
})

test('it does not take for ever', async () => {
  const waiting = wait()
  await vi.advanceTimersByTimeAsync(1400)
  expect(waiting.isOver).toBe(false)
  await vi.advanceTimersByTimeAsync(200)
  expect(waiting.isOver).toBe(true)
})

test('others who are known to be there are given longer', async () => {
  const waiting = wait()
  await change({ tracker: tracker(3) })
  await vi.advanceTimersByTimeAsync(2900)
  expect(waiting.isOver).toBe(false)
  await vi.advanceTimersByTimeAsync(200)
  expect(waiting.isOver).toBe(true)
})

test('and so are those who have just begun to send', async () => {
  const waiting = wait()
  bufferedSeconds = 1
  await change({ tracker: tracker(3), stats: { ...snapshot.stats, peers: 1 } })
  await vi.advanceTimersByTimeAsync(5900)
  expect(waiting.isOver).toBe(false)
  await vi.advanceTimersByTimeAsync(200)
  expect(waiting.isOver).toBe(true)
})

describe('a busy machine', () => {
  /** Everybody stands still for so long. */
  function loseTime(ms: number): Promise<unknown> {
    const now = performance.now()
    const before = vi.spyOn(performance, 'now').mockReturnValue(now + ms)
    return vi.advanceTimersByTimeAsync(20).then(() => {
      before.mockImplementation(() => now + ms + (clock() - now))
    })
  }
  let clock: () => number
  beforeEach(() => {
    clock = performance.now.bind(performance)
    return () => vi.restoreAllMocks()
  })

  test('has more in hand before the interface is made', async () => {
    bufferedSeconds = 1
    const waiting = wait()
    await change({ tracker: tracker(3), stats: { ...snapshot.stats, peers: 3 } })
    await loseTime(700)
    bufferedSeconds = 9
    await vi.advanceTimersByTimeAsync(200)
    expect(waiting.isOver).toBe(false)
    bufferedSeconds = 10
    await vi.advanceTimersByTimeAsync(200)
    expect(waiting.isOver).toBe(true)
  })

  test('is perhaps full of viewers, whose interfaces are not made all at once', async () => {
    bufferedSeconds = 1
    const [one, other] = [wait('ready', 0), wait('ready', 0.5)]
    await change({ tracker: tracker(3), stats: { ...snapshot.stats, peers: 3 } })
    await loseTime(700)
    bufferedSeconds = 14
    await vi.advanceTimersByTimeAsync(200)
    expect([one.isOver, other.isOver]).toEqual([true, false])
    bufferedSeconds = 15
    await vi.advanceTimersByTimeAsync(200)
    expect(other.isOver).toBe(true)
  })

  test('is not without the interface for more than 20 s', async () => {
    const waiting = wait('ready', 1)
    bufferedSeconds = 1
    await change({ tracker: tracker(3), stats: { ...snapshot.stats, peers: 3 } })
    await loseTime(1_500)
    await vi.advanceTimersByTimeAsync(18_000)
    expect(waiting.isOver).toBe(false)
    await vi.advanceTimersByTimeAsync(700)
    expect(waiting.isOver).toBe(true)
  })

  test('is given longer', async () => {
    const waiting = wait()
    await change({ tracker: tracker(3) })
    await loseTime(700)
    await vi.advanceTimersByTimeAsync(6_600)
    expect(waiting.isOver).toBe(false)
    await vi.advanceTimersByTimeAsync(300)
    expect(waiting.isOver).toBe(true)
  })
})

test.each([
  ['nobody else is there', { tracker: tracker(0) }],
  ['too few are there to be connected', { tracker: tracker(3, 'two more') }],
  ['the tracker is away', { tracker: { kind: 'unreachable' } }],
  ['nobody is to be connected to', { httpReason: 'unanswered' }],
] as const)('nobody is waited for when %s', async (_what, changes) => {
  const waiting = wait()
  await change(changes as Partial<PlaybackSnapshot>)
  expect(waiting.isOver).toBe(true)
})

test('nobody is waited for while there is no torrent', async () => {
  const waiting = wait('building')
  await vi.advanceTimersByTimeAsync(0)
  expect(waiting.isOver).toBe(true)
})

test.each(['pointermove', 'keydown', 'click'])(
  'whoever reaches for the interface gets it: %s',
  async (event) => {
    const waiting = wait()
    page.dispatchEvent(new Event(event))
    await vi.advanceTimersByTimeAsync(0)
    expect(waiting.isOver).toBe(true)
  },
)
