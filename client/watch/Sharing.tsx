// The viewer's say in the player: the question before the first connection to another viewer, and
// the settings that change the answer at any time.
import './sharing.css'
import { type RefObject, useId, useRef, useState } from 'react'
import { Announcement } from './Announcement.tsx'
import { handsFocusBack } from './focus.ts'
import { SharingSettings } from './SharingSettings.tsx'
import type { SharingControl } from './sharing-control.ts'
import { usePlayback, useSharing } from './use-playback.ts'
import type { WatchSession } from './watch-session.ts'

interface SharingProps {
  readonly session: WatchSession
}

/** Asks once, beside the picture: playback does not wait for the answer. */
export function SharingQuestion({ session }: SharingProps) {
  const httpReason = usePlayback(session, (all) => all.httpReason)
  const { decision, control } = useSharing(session)
  const isOpen = !decision.peers && decision.because === 'unanswered'
  // There is nothing to agree to where the browser cannot connect.
  const isShown = isOpen && (httpReason === 'unanswered' || httpReason === null)
  return (
    <>
      <Announcement text={isShown ? 'The player asks whether to share with other viewers.' : ''} />
      {isShown && <Question control={control} />}
    </>
  )
}

function Question({ control }: { readonly control: SharingControl }) {
  return (
    <section
      className="sharing sharing-question"
      aria-label="Sharing with other viewers"
      ref={handsFocusBack}
    >
      <p>
        Viewers of this title can pass parts of it on to each other; those connected see each
        other’s internet address.
      </p>
      <div className="sharing-answers">
        <button type="button" data-primary onClick={() => control.choose({ share: true })}>
          Share and save bandwidth
        </button>
        <button type="button" onClick={() => control.choose({ share: false })}>
          No, server only
        </button>
      </div>
    </section>
  )
}

interface PanelState {
  readonly open: boolean
  readonly panelId: string
  readonly button: RefObject<HTMLButtonElement | null>
  readonly onToggle: () => void
}

/** Whether the panel is open; the button has the focus again when it is closed. */
export function useSharingPanel(): PanelState {
  const panelId = useId()
  const button = useRef<HTMLButtonElement>(null)
  const [open, setOpen] = useState(false)
  const onToggle = () => {
    setOpen(!open)
    if (open) button.current?.focus()
  }
  return { open, panelId, button, onToggle }
}

/** Stands among the player's controls. */
export function SharingButton({ open, panelId, button, onToggle }: PanelState) {
  return (
    <button
      type="button"
      ref={button}
      className="player-button sharing-button"
      aria-label="Sharing settings"
      title="Sharing settings"
      aria-expanded={open}
      aria-controls={panelId}
      onClick={onToggle}
    >
      <svg viewBox="0 0 24 24" role="presentation">
        <circle cx="6" cy="12" r="2.6" />
        <circle cx="17.5" cy="5.8" r="2.6" />
        <circle cx="17.5" cy="18.2" r="2.6" />
        <path d="m8.4 10.7 6.8-3.7M8.4 13.3l6.8 3.7" />
      </svg>
    </button>
  )
}

interface SharingPanelProps extends SharingProps {
  readonly id: string
  /** Closes it; the button gets the focus. */
  readonly onClose: () => void
}

export function SharingPanel({ session, id, onClose }: SharingPanelProps) {
  usePlayback(session) // the figures move
  const { decision, control } = useSharing(session)
  return (
    <section
      id={id}
      className="sharing sharing-panel"
      aria-label="Sharing settings"
      onKeyDown={(event) => {
        if (event.key === 'Escape') onClose()
      }}
    >
      <SharingSettings control={control} decision={decision} onClose={onClose} />
    </section>
  )
}
