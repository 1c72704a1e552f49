// The interface gives way to the first meeting of viewers as well: on a busy machine both want the
// processor at the same time, and until viewers have met, each fetches what all of them need. Whoever
// reaches for the interface gets it at once.
import type { MediaRecord } from '#protocol/media.ts'
import type { PlaybackSnapshot } from '../playback/playback.ts'

/** What is awaited, as `useSyncExternalStore` would see it. */
export interface Meeting {
  readonly media: Pick<MediaRecord, 'state'>
  readonly getSnapshot: () => PlaybackSnapshot
  readonly subscribe: (onChange: () => void) => () => void
}

const PATIENCE_MS = 1500
const REACHING = [
  'pointermove',
  'pointerdown',
  'touchstart',
  'wheel',
  'keydown',
  'focusin',
] as const

/**
 * @param reached where events tell that somebody reaches for the interface
 * @returns when the first viewers are connected, none are to be expected, somebody cannot wait, or
 *   it takes too long
 */
export function untilMet(meeting: Meeting, reached: EventTarget): Promise<void> {
  return new Promise((resolve) => {
    const listening = new AbortController()
    const settle = (): void => {
      clearTimeout(timer)
      unsubscribe()
      listening.abort()
      resolve()
    }
    const look = (): void => {
      if (!awaitsPeers(meeting)) settle()
    }
    const timer = setTimeout(settle, PATIENCE_MS)
    const unsubscribe = meeting.subscribe(look)
    for (const name of REACHING) {
      reached.addEventListener(name, settle, { signal: listening.signal, passive: true })
    }
    look()
  })
}

function awaitsPeers({ media, getSnapshot }: Meeting): boolean {
  const { stats, httpReason, tracker } = getSnapshot()
  if (media.state !== 'ready' || httpReason !== null || stats.peers > 0) return false
  if (tracker === null || tracker.kind === 'connecting') return true
  return tracker.kind === 'answers' && tracker.others > 0 && tracker.warning === null
}
