// React's view of a watch session.
import { useEffect, useState, useSyncExternalStore } from 'react'
import type { MediaRecord } from '#protocol/media.ts'
import type { PlaybackSnapshot } from '../playback/playback.ts'
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

/** What the viewer says of sharing, and what may pass between viewers because of it. */
export function useSharing(session: WatchSession): {
  readonly control: SharingControl
  readonly decision: SharingDecision
} {
  useSyncExternalStore(session.subscribe, session.getSharing)
  // Asked anew: a limit may have been reached since the last change.
  return { control: session.sharing, decision: session.sharing.decide(session.media.p2p) }
}
