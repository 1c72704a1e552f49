// The settings of sharing: the switch, what follows from it in a sentence, upload limits, and what is
// stored. Plain elements, so that they work embedded as well.
import './sharing.css'
import { type ReactNode, useId, useState } from 'react'
import { formatBytes } from '../app/format.ts'
import type { NoPeersReason, SharingDecision } from '../playback/sharing.ts'
import { StoredData } from './StoredData.tsx'
import type { SharingControl } from './sharing-control.ts'
import {
  type LimitUnit,
  MBIT_PER_SECOND,
  MEGABYTES,
  parseLimit,
  writeLimit,
} from './sharing-limits.ts'

interface SharingSettingsProps {
  readonly control: SharingControl
  /** What follows from the choice at present. */
  readonly decision: SharingDecision
  readonly onClose: () => void
  /** Stands above the switch; without it the switch is the first line. */
  readonly heading?: ReactNode
}

export function SharingSettings({ control, decision, onClose, heading }: SharingSettingsProps) {
  const { choice, uploadedBytes } = control
  const isOn = choice.share ?? decision.peers
  const shareSwitch = (
    <label className="sharing-switch">
      <input
        type="checkbox"
        role="switch"
        data-autofocus
        // biome-ignore lint/a11y/noAutofocus: it was opened by a press, and is left by Escape
        autoFocus
        checked={isOn}
        aria-checked={isOn}
        onChange={(event) => control.choose({ share: event.currentTarget.checked })}
      />
      <span>Share with other viewers</span>
    </label>
  )
  return (
    <>
      <div className="sharing-head">
        {heading ?? shareSwitch}
        <button type="button" className="sharing-close" aria-label="Close" onClick={onClose}>
          <svg viewBox="0 0 24 24" role="presentation">
            <path d="m6 6 12 12M18 6 6 18" />
          </svg>
        </button>
      </div>
      {heading !== undefined && shareSwitch}
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
              label="Upload in this session at most"
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
      <StoredData />
    </>
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
