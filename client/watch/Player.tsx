// The player: media-chrome's controls over the session's own <video>, and what is wrong, if
// anything. It brings its own style and needs no component library, so that it can be embedded.
import './media-chrome.ts'
import './player.css'
import { useLayoutEffect, useRef, useState } from 'react'
import { takeOver } from './early-video.ts'
import { SharingButton, SharingPanel, SharingQuestion, useSharingPanel } from './Sharing.tsx'
import { usePlayback } from './use-playback.ts'
import type { WatchSession } from './watch-session.ts'

export interface PlayerProps {
  readonly session: WatchSession
  /** Fill the frame (embedded) instead of keeping the picture's shape. */
  readonly fill?: boolean
}

const SPEEDS = '1 1.25 1.5 2 0.5 0.75'

export function Player({ session, fill = false }: PlayerProps) {
  const controller = useRef<HTMLElement>(null)
  const sharing = useSharingPanel()
  // React does not know of the <video>: it was there first and must not be made anew.
  useLayoutEffect(() => {
    if (controller.current) takeOver(session.video, controller.current)
  }, [session])

  const { title, width, height } = session.media
  const audio = width === null
  const shape = audio || height === null ? '16 / 9' : `${width} / ${height}`
  return (
    <section
      className="player"
      aria-label={`Player: ${title}`}
      data-fill={fill || undefined}
      style={{ '--shape': shape } as React.CSSProperties}
    >
      {audio && <AudioGround title={title} />}
      <media-controller ref={controller} autohide="3">
        <div slot="centered-chrome" className="player-start" aria-hidden>
          <svg viewBox="0 0 24 24" role="presentation">
            <path d="M8 5.1v13.8a1 1 0 0 0 1.5.86l11.4-6.9a1 1 0 0 0 0-1.72L9.5 4.24A1 1 0 0 0 8 5.1Z" />
          </svg>
        </div>
        <media-loading-indicator slot="centered-chrome" noautohide />
        <div className="player-bars">
          <media-control-bar>
            <media-time-range />
          </media-control-bar>
          <media-control-bar>
            <media-play-button />
            <media-mute-button />
            <media-volume-range />
            <media-time-display showduration />
            <span className="player-gap" />
            <media-playback-rate-button rates={SPEEDS} />
            <SharingButton {...sharing} />
            <media-pip-button />
            <media-fullscreen-button />
          </media-control-bar>
        </div>
      </media-controller>
      <SharingQuestion session={session} />
      {sharing.open && (
        <SharingPanel session={session} id={sharing.panelId} onClose={sharing.onToggle} />
      )}
      <Problem session={session} />
    </section>
  )
}

/** What an audio title shows in place of a picture. */
function AudioGround({ title }: { readonly title: string }) {
  return (
    <div className="player-audio" aria-hidden>
      <svg viewBox="0 0 24 24" role="presentation">
        <path d="M9 18V6l10-2v11" />
        <circle cx="6.5" cy="18" r="2.5" />
        <circle cx="16.5" cy="15" r="2.5" />
      </svg>
      <span>{title}</span>
    </div>
  )
}

const PROBLEM_TITLES = {
  deleted: 'This title was deleted',
  unsupported: 'This browser cannot play it',
  network: 'The connection is interrupted',
  internal: 'Playback has stopped',
} as const

/** What does not end playback is only said; the rest covers the picture. */
function Problem({ session }: { readonly session: WatchSession }) {
  const { problem } = usePlayback(session)
  const [retrying, setRetrying] = useState(false)
  if (problem === null) return null
  const retry = () => {
    setRetrying(true)
    session.retry().finally(() => setRetrying(false))
  }
  return (
    <div className="player-problem" role="alert" data-mild={problem.playsOn || undefined}>
      <strong>{PROBLEM_TITLES[problem.code]}</strong>
      <span>{problem.message}</span>
      {problem.retryable && (
        <button type="button" onClick={retry} disabled={retrying}>
          Try again
        </button>
      )}
    </div>
  )
}
