// The interface gives way to the first meeting of viewers as well: on a busy machine both want the
// processor at the same time, and until viewers have met, each fetches what all of them need. Whoever
// reaches for the interface gets it at once.
import type { MediaRecord } from '#protocol/media.ts'
import { CalmClock } from '../playback/calm-clock.ts'
import type { PlaybackDetails, PlaybackSnapshot } from '../playback/playback.ts'

/** What is awaited, as `useSyncExternalStore` would see it. */
export interface Meeting {
  readonly media: Pick<MediaRecord, 'state'>
  readonly video: Pick<HTMLVideoElement, 'paused' | 'autoplay' | 'currentTime' | 'duration'>
  readonly getSnapshot: () => PlaybackSnapshot
  details(): Pick<PlaybackDetails, 'bufferedSeconds'>
  readonly subscribe: (onChange: () => void) => () => void
}

/** Of calm time. */
const PATIENCE_MS = 1500
/** The same once it is known that others are there … */
const MEETING_PATIENCE_MS = 3000
/** … and once the first are connected, who have just begun to send. */
const FILLING_PATIENCE_MS = 6000
/** A machine on which so much time was lost is busy, with the meeting itself perhaps … */
const BUSY_MS = 500
const BUSY_SHARE = 0.05
/** … and is given so many times as long by the clock, if that is longer … */
const BUSY_PATIENCE = 2.5
const LOOK_MS = 100
/** With so many, and so much in hand, playback goes on while the interface is made … */
const FEW_PEERS = 3
const IN_HAND_SECONDS = 5
/** … for which a busy machine takes seconds … */
const BUSY_IN_HAND_SECONDS = 10
/**
 * … and by chance up to so many times as long and as much more: what keeps it busy may be other viewers,
 * whose interfaces would be made at the same moment, with nobody left to pass pieces on.
 */
const BUSY_SPREAD = 1
/** Nobody is without the interface for longer. By the clock. */
const LONGEST_MS = 20_000
const REACHING = [
  'pointermove',
  'pointerdown',
  'click',
  'touchstart',
  'wheel',
  'keydown',
  'focusin',
] as const

/**
 * @param reached where events tell that somebody reaches for the interface
 * @param random from 0 to 1
 * @returns when the first viewers are connected, none are to be expected, somebody cannot wait, or
 *   it takes too long
 */
export function untilMet(
  meeting: Meeting,
  reached: EventTarget,
  random = Math.random,
): Promise<void> {
  return new Promise((resolve) => {
    const listening = new AbortController()
    const calm = new CalmClock()
    const begunAt = performance.now()
    const spread = 1 + BUSY_SPREAD * random()
    const settle = (): void => {
      clearInterval(timer)
      calm.close()
      unsubscribe()
      listening.abort()
      resolve()
    }
    const look = (): void => {
      const ms = performance.now() - begunAt
      const isBusy = ms - calm.ms >= Math.max(BUSY_MS, ms * BUSY_SHARE)
      const waitedMs = isBusy ? Math.min(calm.ms, ms / (BUSY_PATIENCE * spread)) : calm.ms
      const inHand = isBusy ? BUSY_IN_HAND_SECONDS * spread : IN_HAND_SECONDS
      const isOver = waitedMs >= patienceMs(meeting) || ms >= LONGEST_MS
      if (isOver || !awaitsPeers(meeting, inHand)) settle()
    }
    const timer = setInterval(look, LOOK_MS)
    const unsubscribe = meeting.subscribe(look)
    for (const name of REACHING) {
      reached.addEventListener(name, settle, { signal: listening.signal, passive: true })
    }
    look()
  })
}

function patienceMs(meeting: Meeting): number {
  const { tracker, stats } = meeting.getSnapshot()
  if (tracker?.kind !== 'answers') return PATIENCE_MS
  return stats.peers > 0 ? FILLING_PATIENCE_MS : MEETING_PATIENCE_MS
}

/** @param inHand seconds of playback that are enough */
function awaitsPeers(meeting: Meeting, inHand: number): boolean {
  const { media, video } = meeting
  const { stats, httpReason, tracker } = meeting.getSnapshot()
  if (media.state !== 'ready' || httpReason !== null) return false
  if (video.paused && !video.autoplay) return false // nobody has pressed play
  if (tracker === null || tracker.kind === 'connecting') return stats.peers === 0
  if (tracker.kind !== 'answers' || tracker.warning !== null) return false
  if (stats.peers < Math.min(tracker.others, FEW_PEERS)) return true
  const { duration, currentTime } = video
  const left = Number.isFinite(duration) ? duration - currentTime : Number.POSITIVE_INFINITY
  return tracker.others > 0 && meeting.details().bufferedSeconds < Math.min(inHand, left)
}
