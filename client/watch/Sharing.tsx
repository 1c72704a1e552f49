// The viewer's say: the question before the first connection to another viewer, and the settings
// that change the answer at any time. Plain elements, so that they work embedded as well.
import './sharing.css'
import { type RefObject, useId, useRef, useState } from 'react'
import { formatBytes } from '../app/format.ts'
import type { NoPeersReason, SharingDecision } from '../playback/sharing.ts'
import {
  type LimitUnit,
  MBIT_PER_SECOND,
  MEGABYTES,
  parseLimit,
  writeLimit,
} from './sharing-limits.ts'
import { usePlayback, useSharing } from './use-playback.ts'
import type { WatchSession } from './watch-session.ts'

interface SharingProps {
  readonly session: WatchSession
}

/** Asks once, beside the picture: playback does not wait for the answer. */
export function SharingQuestion({ session }: SharingProps) {
  const { httpReason } = usePlayback(session)
  const { decision, control } = useSharing(session)
  const isOpen = !decision.peers && decision.because === 'unanswered'
  // There is nothing to agree to where the browser cannot connect.
  if (!isOpen || (httpReason !== 'unanswered' && httpReason !== null)) return null
  return (
    <section className="sharing sharing-question" aria-label="Sharing with other viewers">
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
  // The player's own keys must not act as well when the button is pressed by keyboard.
  const keys = { keysused: 'Enter Space' }
  return (
    <button
      type="button"
      ref={button}
      className="sharing-button"
      aria-label="Sharing settings"
      title="Sharing settings"
      aria-expanded={open}
      aria-controls={panelId}
      onClick={onToggle}
      {...keys}
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
  const { choice, uploadedBytes } = control
  const isOn = choice.share ?? decision.peers
  return (
    <section
      id={id}
      className="sharing sharing-panel"
      aria-label="Sharing settings"
      onKeyDown={(event) => {
        if (event.key === 'Escape') onClose()
      }}
    >
      <div className="sharing-head">
        <label className="sharing-switch">
          <input
            type="checkbox"
            role="switch"
            // biome-ignore lint/a11y/noAutofocus: it was opened by a press, and is left by Escape
            autoFocus
            checked={isOn}
            aria-checked={isOn}
            onChange={(event) => control.choose({ share: event.currentTarget.checked })}
          />
          <span>Share with other viewers</span>
        </label>
        <button type="button" className="sharing-close" aria-label="Close" onClick={onClose}>
          <svg viewBox="0 0 24 24" role="presentation">
            <path d="m6 6 12 12M18 6 6 18" />
          </svg>
        </button>
      </div>
      <p role="status">{sentenceOf(decision)}</p>
      {decision.peers && (
        <>
          <div className="sharing-limits">
            <LimitField
              label="Upload at most"
              unit={MBIT_PER_SECOND}
              unitName="Mbit/s"
              value={choice.uploadRate}
              onChange={(uploadRate) => control.choose({ uploadRate })}
            />
            <LimitField
              label="In this session"
              unit={MEGABYTES}
              unitName="MB"
              value={choice.sessionBytes}
              onChange={(sessionBytes) => control.choose({ sessionBytes })}
            />
          </div>
          <p className="sharing-note">
            Empty means no limit. Uploaded in this session: {formatBytes(uploadedBytes)}.
          </p>
        </>
      )}
    </section>
  )
}

interface LimitFieldProps {
  readonly label: string
  readonly unit: LimitUnit
  readonly unitName: string
  /** Bytes, or `null` for no limit. */
  readonly value: number | null
  readonly onChange: (bytes: number | null) => void
}

/** Takes effect with Enter, or when the field is left. */
function LimitField({ label, unit, unitName, value, onChange }: LimitFieldProps) {
  const id = useId()
  const [text, setText] = useState(writeLimit(value, unit))
  const [written, setWritten] = useState(value)
  const [wrong, setWrong] = useState(false)
  if (written !== value) {
    setWritten(value) // applied, or changed in another tab
    setText(writeLimit(value, unit))
    setWrong(false)
  }
  const apply = () => {
    const bytes = parseLimit(text, unit)
    setWrong(bytes === undefined)
    if (bytes !== undefined && bytes !== value) onChange(bytes)
  }
  return (
    <div className="sharing-limit">
      <label htmlFor={id}>{label}</label>
      <span className="sharing-field">
        <input
          id={id}
          type="text"
          inputMode="decimal"
          autoComplete="off"
          placeholder="no limit"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          aria-invalid={wrong}
          aria-describedby={`${id}-unit${wrong ? ` ${id}-wrong` : ''}`}
          onBlur={apply}
          onKeyDown={(event) => {
            if (event.key === 'Enter') apply()
          }}
        />
        <span id={`${id}-unit`}>{unitName}</span>
      </span>
      {wrong && (
        <span className="sharing-wrong" id={`${id}-wrong`} role="alert">
          Enter a number from 0 to {unit.max}, or nothing.
        </span>
      )}
    </div>
  )
}

const NO_PEERS: Record<NoPeersReason, string> = {
  publisher: 'The publisher has switched sharing off for this title: it comes from the server.',
  viewer: 'Everything comes from the server; no other viewer sees your internet address.',
  operator: 'Everything comes from the server unless you switch sharing on.',
  unanswered: 'Everything comes from the server until you switch sharing on.',
}

const WITHHELD = {
  cellular: 'On a mobile connection nothing is uploaded; other viewers still send to you.',
  'save-data': 'Your browser saves data, so nothing is uploaded; other viewers still send to you.',
  viewer: 'Your limit is reached: nothing more is uploaded; other viewers still send to you.',
} as const

function sentenceOf(decision: SharingDecision): string {
  if (!decision.peers) return NO_PEERS[decision.because]
  if (decision.withheld !== null) return WITHHELD[decision.withheld]
  return 'You and the viewers you are connected to see each other’s internet address.'
}
