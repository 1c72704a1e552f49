// React's view of a watch session.
import { useEffect, useState, useSyncExternalStore } from 'react'
import type { MediaRecord } from '#protocol/media.ts'
import type { PlaybackDetails, PlaybackSnapshot } from '../playback/playback.ts'
import type { SharingDecision } from '../playback/sharing.ts'
import type { SharingControl } from './sharing-control.ts'
import {
  holdWatchSession,
  openWatchSession,
  type WatchSession,
  watchOptions,
} from './watch-session.ts'

/**
 * Adopts the session that is open for this title, or opens one; it is closed when the component
 * leaves. The component must be keyed by the title's id.
 */
export function useWatchSession(media: MediaRecord, page: 'watch' | 'embed'): WatchSession {
  const [session] = useState(() => openWatchSession(media, watchOptions(page)))
  useEffect(() => holdWatchSession(session), [session])
  return session
}

/**
 * Numbers and problem of a running playback, at most four times a second: all of them, or what
 * `select` takes of them, and then only when that is another value.
 */
export function usePlayback(session: WatchSession): PlaybackSnapshot
export function usePlayback<T>(session: WatchSession, select: (all: PlaybackSnapshot) => T): T
export function usePlayback(
  session: WatchSession,
  select: (all: PlaybackSnapshot) => unknown = (all) => all,
): unknown {
  return useSyncExternalStore(session.subscribe, () => select(session.getSnapshot()))
}

/** Faster than that nobody reads; and each time costs as much as a picture of the film. */
export const DETAILS_INTERVAL_MS = 1000

export interface DetailedSnapshot extends PlaybackSnapshot {
  readonly details: PlaybackDetails
}

/**
 * What `select` makes of everything, once a second while the page is seen, and the same value for as
 * long as it says the same.
 * @param select gives what JSON can tell apart
 */
export function useDetails<T>(session: WatchSession, select: (all: DetailedSnapshot) => T): T {
  const [selected, setSelected] = useState(() => select(lookAt(session)))
  useEffect(() => {
    const look = (): void => {
      if (document.hidden) return
      const next = select(lookAt(session))
      setSelected((last) => (JSON.stringify(last) === JSON.stringify(next) ? last : next))
    }
    const timer = setInterval(look, DETAILS_INTERVAL_MS)
    document.addEventListener('visibilitychange', look)
    return () => {
      clearInterval(timer)
      document.removeEventListener('visibilitychange', look)
    }
  }, [session, select])
  return selected
}

function lookAt(session: WatchSession): DetailedSnapshot {
  return { ...session.getSnapshot(), details: session.details() }
}

/** What the viewer says of sharing, and what may pass between viewers because of it. */
export function useSharing(session: WatchSession): {
  readonly control: SharingControl
  readonly decision: SharingDecision
} {
  useSyncExternalStore(session.subscribe, session.getSharing)
  return { control: session.sharing, decision: session.decide() }
}

/** Draws the component anew when the `<video>` learns its size or its duration. */
export function useVideoFacts(video: HTMLVideoElement): void {
  useSyncExternalStore(
    (onChange) => {
      const listening = new AbortController()
      for (const name of ['resize', 'durationchange']) {
        video.addEventListener(name, onChange, { signal: listening.signal })
      }
      return () => listening.abort()
    },
    () => `${video.videoWidth} ${video.videoHeight} ${video.duration}`,
  )
}
