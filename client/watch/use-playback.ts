// React's view of a watch session.
import { useEffect, useState, useSyncExternalStore } from 'react'
import type { MediaRecord } from '#protocol/media.ts'
import type { PlaybackDetails, PlaybackSnapshot } from '../playback/playback.ts'
import type { SharingDecision } from '../playback/sharing.ts'
import type { SharingControl } from './sharing-control.ts'
import {
  autoplayWanted,
  holdWatchSession,
  openWatchSession,
  type WatchSession,
} from './watch-session.ts'

/**
 * Adopts the session that is open for this title, or opens one; it is closed when the component
 * leaves. The component must be keyed by the title's id.
 */
export function useWatchSession(media: MediaRecord, page: 'watch' | 'embed'): WatchSession {
  const [session] = useState(() => openWatchSession(media, { autoplay: autoplayWanted(page) }))
  useEffect(() => holdWatchSession(session), [session])
  return session
}

/** Numbers and problem of a running playback, at most four times a second. */
export function usePlayback(session: WatchSession): PlaybackSnapshot {
  return useSyncExternalStore(session.subscribe, session.getSnapshot)
}

/** A piece may be verified, or a frame dropped, without any of the numbers moving. */
const DETAILS_INTERVAL_MS = 1000

/** The same with the details, which are asked for once a second when nothing else moves. */
export function useDetails(session: WatchSession): PlaybackSnapshot & {
  readonly details: PlaybackDetails
} {
  const snapshot = usePlayback(session)
  const [, setTurn] = useState(0)
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) setTurn((turn) => turn + 1)
    }, DETAILS_INTERVAL_MS)
    return () => clearInterval(timer)
  }, [])
  return { ...snapshot, details: session.details() }
}

/** What the viewer says of sharing, and what may pass between viewers because of it. */
export function useSharing(session: WatchSession): {
  readonly control: SharingControl
  readonly decision: SharingDecision
} {
  useSyncExternalStore(session.subscribe, session.getSharing)
  return { control: session.sharing, decision: session.decide() }
}
