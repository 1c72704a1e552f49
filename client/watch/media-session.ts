// Tells the system what is playing (Media Session): its name on the lock screen, and the keys of a
// keyboard or a headset.
import type { MediaRecord } from '#protocol/media.ts'

/** Seconds, when the system does not say how far. */
const STEP_SECONDS = 10

/** @returns the function that ends it */
export function followMediaSession(
  video: HTMLVideoElement,
  { title, poster }: Pick<MediaRecord, 'title' | 'poster'>,
): () => void {
  const session = 'mediaSession' in navigator ? navigator.mediaSession : null
  if (session === null) return () => {}
  const seek = (to: number): void => {
    if (video.duration > 0) video.currentTime = Math.min(video.duration, Math.max(0, to))
  }
  const handlers: Partial<Record<MediaSessionAction, MediaSessionActionHandler>> = {
    play: () => void video.play().catch(() => undefined),
    pause: () => video.pause(),
    seekbackward: ({ seekOffset }) => seek(video.currentTime - (seekOffset ?? STEP_SECONDS)),
    seekforward: ({ seekOffset }) => seek(video.currentTime + (seekOffset ?? STEP_SECONDS)),
    seekto: ({ seekTime }) => seek(seekTime ?? video.currentTime),
  }
  const actions = Object.keys(handlers) as MediaSessionAction[]
  const listening = new AbortController()
  const { signal } = listening
  const tellPosition = (): void => {
    const { duration, playbackRate, currentTime } = video
    if (!(duration > 0) || !Number.isFinite(duration) || playbackRate === 0) return
    const position = Math.min(currentTime, duration)
    session.setPositionState?.({ duration, playbackRate, position })
  }
  const begin = (): void => {
    const artwork = poster === null ? [] : [{ src: poster }]
    session.metadata = new MediaMetadata({ title, artwork })
    for (const action of actions) setHandler(session, action, handlers[action] ?? null)
    for (const event of ['durationchange', 'ratechange', 'seeked', 'playing', 'pause']) {
      video.addEventListener(event, tellPosition, { signal })
    }
    tellPosition()
  }
  // Not before: it would take its share of the time to the first frame.
  video.addEventListener('playing', begin, { signal, once: true })
  return () => {
    listening.abort()
    if (session.metadata?.title !== title) return // another title's by now, or never begun
    session.metadata = null
    for (const action of actions) setHandler(session, action, null)
  }
}

function setHandler(
  session: MediaSession,
  action: MediaSessionAction,
  handler: MediaSessionActionHandler | null,
): void {
  try {
    session.setActionHandler(action, handler)
  } catch {
    // This browser does not know the action.
  }
}
