// The player: media-chrome's controls over the session's own <video>, and what is wrong, if
// anything. It brings its own style and needs no component library, so that it can be embedded.
import './media-chrome.ts'
import './player.css'
import type MediaController from 'media-chrome/dist/media-controller.js'
import { useEffect, useLayoutEffect, useRef, useState, useSyncExternalStore } from 'react'
import { isAudio } from '#protocol/media.ts'
import type { Track } from '#protocol/tracks.ts'
import { formatDuration } from '../app/format.ts'
import type { PlaybackProblem } from '../playback/playback.ts'
import { Announcement } from './Announcement.tsx'
import { takeOver } from './early-video.ts'
import { handsFocusBack } from './focus.ts'
import { LoadingIcon, useIsWaiting } from './LoadingIcon.tsx'
import { shapeOf } from './picture.ts'
import { SharingButton, SharingPanel, SharingQuestion, useSharingPanel } from './Sharing.tsx'
import { HelpButton, ShortcutHelp } from './ShortcutHelp.tsx'
import { SPEEDS } from './shortcuts.ts'
import { spareHiddenControls } from './sparing-controls.ts'
import { GATHERING } from './status-sentence.ts'
import { usePlayback, useVideoFacts } from './use-playback.ts'
import { useShortcuts } from './use-shortcuts.ts'
import type { WatchSession } from './watch-session.ts'

export interface PlayerProps {
  readonly session: WatchSession
  /** Fill the frame (embedded) instead of keeping the picture's shape. */
  readonly fill?: boolean
}

export function Player({ session, fill = false }: PlayerProps) {
  const player = useRef<HTMLElement>(null)
  const controller = useRef<MediaController>(null)
  const sharing = useSharingPanel()
  const hasControls = useSyncExternalStore(session.subscribe, session.getControls)
  const [helps, setHelps] = useState(false)
  const shortcuts = useShortcuts({
    video: session.video,
    controller,
    fill,
    onHelp: () => setHelps(true),
  })
  useLayoutEffect(() => {
    if (controller.current) spareHiddenControls(controller.current)
  }, [])
  // React does not know of the <video>: it was there first and must not be made anew.
  useLayoutEffect(() => {
    if (!controller.current) return
    takeOver(session.video, controller.current)
    // What stands beside the controls, a problem for one, is to be seen on the full screen too.
    if (player.current) controller.current.fullscreenElement = player.current
  }, [session])

  const { media, video } = session
  const { title, tracks } = media
  useEffect(() => addTracks(session.video, tracks), [session, tracks])

  useVideoFacts(video)
  const isWaiting = useIsWaiting(video)
  const gathers = usePlayback(session, ({ isGathering }) => isGathering)
  const audio = isAudio(media)
  return (
    <section
      ref={player}
      className="player"
      aria-label={`Player: ${title}`}
      data-fill={fill || undefined}
      style={{ '--shape': shapeOf(media, video) } as React.CSSProperties}
    >
      {audio && <AudioGround title={title} />}
      <media-controller
        ref={controller}
        autohide="3"
        nohotkeys
        novolumepref
        nomutedpref
        gesturesdisabled={!hasControls || undefined}
      >
        {gathers && (
          <div slot="centered-chrome" className="player-gathering" aria-hidden>
            <LoadingIcon turns />
            <span>{GATHERING}</span>
          </div>
        )}
        {hasControls && !gathers && (
          <div slot="centered-chrome" className="player-start" aria-hidden>
            <svg viewBox="0 0 24 24" role="presentation">
              <path d="M8 5.1v13.8a1 1 0 0 0 1.5.86l11.4-6.9a1 1 0 0 0 0-1.72L9.5 4.24A1 1 0 0 0 8 5.1Z" />
            </svg>
          </div>
        )}
        <media-loading-indicator slot="centered-chrome" noautohide>
          {/* Its own has the whole page laid out 60 times a second, shown or not. */}
          <LoadingIcon slot="icon" turns={isWaiting} />
        </media-loading-indicator>
        {hasControls ? (
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
              {tracks.length > 0 && <media-captions-menu-button />}
              <media-playback-rate-button rates={SPEEDS.join(' ')} />
              <SharingButton {...sharing} />
              <HelpButton onOpen={() => setHelps(true)} />
              <media-pip-button />
              <media-fullscreen-button />
            </media-control-bar>
          </div>
        ) : (
          // Whoever agreed to share can take it back.
          <div className="player-bars player-bars-bare">
            <media-control-bar>
              <span className="player-gap" />
              <SharingButton {...sharing} />
            </media-control-bar>
          </div>
        )}
        {tracks.length > 0 && <media-captions-menu hidden anchor="auto" />}
      </media-controller>
      <div className="player-note" role="status">
        {shortcuts.note}
      </div>
      <Announcement text={gathers ? GATHERING : ''} />
      <ResumeNote session={session} />
      {helps && <ShortcutHelp shortcuts={shortcuts} onClose={() => setHelps(false)} />}
      <SharingQuestion session={session} />
      {sharing.open && (
        <SharingPanel session={session} id={sharing.panelId} onClose={sharing.onToggle} />
      )}
      <Problem session={session} />
    </section>
  )
}

const RESUME_NOTE_MS = 12_000

/**
 * Offers the start to a viewer who goes on where they left; gone with an answer, with a seek, or
 * after a while in which it did not have the focus.
 */
function ResumeNote({ session }: { readonly session: WatchSession }) {
  const { video, resumedAt } = session
  const [shown, setShown] = useState(resumedAt !== null)
  const [hasFocus, setHasFocus] = useState(false)
  const started = usePlayback(session, ({ stats }) => stats.firstFrameMs !== null)
  useEffect(() => {
    if (!shown || !started) return
    const listening = new AbortController()
    const timer = hasFocus ? undefined : setTimeout(() => setShown(false), RESUME_NOTE_MS)
    // The seek to where it goes on is over with the first frame.
    if (!video.seeking) video.addEventListener('seeking', () => setShown(false), listening)
    return () => {
      clearTimeout(timer)
      listening.abort()
    }
  }, [video, shown, started, hasFocus])
  if (resumedAt === null) return null
  const place = formatDuration(resumedAt)
  return (
    <>
      <Announcement text={shown ? `Playback goes on at ${place}; it can be started over.` : ''} />
      {shown && (
        <div className="player-resume" ref={handsFocusBack}>
          <span>Goes on at {place}</span>
          <button
            type="button"
            onFocus={() => setHasFocus(true)}
            onBlur={() => setHasFocus(false)}
            onClick={() => {
              video.currentTime = 0
              setShown(false)
            }}
          >
            From the beginning
          </button>
        </div>
      )}
    </>
  )
}

/** @returns the function that takes them away again */
function addTracks(video: HTMLVideoElement, tracks: readonly Track[]): () => void {
  const elements = tracks.map(({ language, label, url }) => {
    const element = document.createElement('track')
    Object.assign(element, { kind: 'subtitles', srclang: language, label })
    element.src = new URL(url).pathname // of this server, whatever name it is called by here
    return element
  })
  video.append(...elements)
  return () => {
    for (const element of elements) element.remove()
  }
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
  changed: 'There is a new version',
  unsupported: 'This browser cannot play it',
  network: 'The connection is interrupted',
  internal: 'Playback has stopped',
} as const

function titleOf({ code, playsOn }: PlaybackProblem): string {
  if (code === 'unsupported' && playsOn) return 'This browser cannot play all of it'
  return PROBLEM_TITLES[code]
}

/** What does not end playback is only said; the rest covers the picture. */
function Problem({ session }: { readonly session: WatchSession }) {
  const problem = usePlayback(session, (all) => all.problem)
  const [retrying, setRetrying] = useState(false)
  if (problem === null) return null
  const isOutdated = problem.code === 'changed'
  const retry = () => {
    if (isOutdated) return location.reload()
    setRetrying(true)
    session.retry().finally(() => setRetrying(false))
  }
  return (
    <div className="player-problem" role="alert" data-mild={problem.playsOn || undefined}>
      <strong>{titleOf(problem)}</strong>
      <span>{problem.message}</span>
      {problem.retryable && (
        // Not `disabled`: it keeps the focus meanwhile.
        <button type="button" ref={handsFocusBack} onClick={retry} aria-disabled={retrying}>
          {isOutdated ? 'Reload' : 'Try again'}
        </button>
      )}
    </div>
  )
}
