// The picture under the player: every piece, where it came from and whether it is shared, where
// playback is, and who sent how much. Drawn anew when it shows something else, and not otherwise.
import './piece-bar.css'
import { useComputedColorScheme } from '@mantine/core'
import { useElementSize, useMediaQuery } from '@mantine/hooks'
import { useEffect, useLayoutEffect, useRef } from 'react'
import { PIECE, SHARED } from '../playback/piece-states.ts'
import { drawPieces, PICTURE_HEIGHT } from './piece-drawing.ts'
import {
  countPieces,
  describePieces,
  type PieceCounts,
  type PieceRun,
  runsOf,
  type Sender,
  sendersOf,
} from './piece-runs.ts'
import { DETAILS_INTERVAL_MS, type DetailedSnapshot, useDetails } from './use-playback.ts'
import type { WatchSession } from './watch-session.ts'

export function PiecePicture({ session }: { readonly session: WatchSession }) {
  const picture = useDetails(session, pictureOf)
  if (picture === null) return null
  const { runs, counts, senders } = picture
  return (
    <section className="pieces" aria-label="Where the title comes from">
      <PieceBar runs={runs} label={describePieces(counts)} video={session.video} />
      <Legend counts={counts} />
      <Senders senders={senders} />
    </section>
  )
}

interface Picture {
  readonly runs: readonly PieceRun[]
  readonly counts: PieceCounts
  readonly senders: readonly Sender[]
}

function pictureOf({
  stats: { bytes },
  details: { pieces, peers },
}: DetailedSnapshot): Picture | null {
  if (pieces === null || pieces.length === 0) return null
  const received = { server: bytes.placeholder + bytes.origin, peers: bytes.peers }
  return { runs: runsOf(pieces), counts: countPieces(pieces), senders: sendersOf(received, peers) }
}

interface PieceBarProps {
  readonly runs: readonly PieceRun[]
  /** Says what is drawn. */
  readonly label: string
  readonly video: HTMLVideoElement
}

function PieceBar({ runs, label, video }: PieceBarProps) {
  const { ref, width } = useElementSize<HTMLDivElement>()
  return (
    <div className="pieces-bar" ref={ref}>
      <PieceCanvas runs={runs} label={label} width={width} />
      <Playhead video={video} />
    </div>
  )
}

interface PieceCanvasProps {
  readonly runs: readonly PieceRun[]
  /** Says what is drawn; left out when a word beside it does. */
  readonly label?: string
  /** CSS pixels; when it changes, the canvas is drawn anew. */
  readonly width?: number
}

function PieceCanvas({ runs, label, width = 0 }: PieceCanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const scheme = useComputedColorScheme()
  const isForced = useMediaQuery('(forced-colors: active)')
  const drawn = JSON.stringify(runs)
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs are told apart by what they say
  useLayoutEffect(() => {
    if (canvas.current) drawPieces(canvas.current, runs)
  }, [drawn, width, scheme, isForced])
  return (
    <canvas
      ref={canvas}
      className="pieces-canvas"
      style={{ height: PICTURE_HEIGHT }}
      role={label === undefined ? 'presentation' : 'img'}
      aria-label={label}
    />
  )
}

/** In time their bytes are a good guess. */
function Playhead({ video }: { readonly video: HTMLVideoElement }) {
  const mark = useRef<HTMLSpanElement>(null)
  useEffect(() => {
    const move = (): void => {
      const share = video.duration > 0 ? Math.min(1, video.currentTime / video.duration) : 0
      // What is set is laid out and drawn anew, even when it is the same.
      const left = `${Math.round(share * 1000) / 10}%`
      if (mark.current && mark.current.style.left !== left) mark.current.style.left = left
    }
    move()
    const timer = setInterval(() => document.hidden || move(), DETAILS_INTERVAL_MS)
    const listening = new AbortController()
    for (const event of ['seeking', 'loadedmetadata', 'emptied']) {
      video.addEventListener(event, move, { signal: listening.signal })
    }
    return () => {
      clearInterval(timer)
      listening.abort()
    }
  }, [video])
  return <span ref={mark} className="pieces-playhead" aria-hidden />
}

/** Tells what the patterns mean; those that do not occur are left out. */
function Legend({ counts }: { readonly counts: PieceCounts }) {
  const { server, peers, stored, arriving, shared } = counts
  const entries = [
    { name: 'from the server', count: server, state: PIECE.server },
    { name: 'from viewers', count: peers, state: PIECE.peers },
    { name: 'from an earlier visit', count: stored, state: PIECE.stored },
    { name: 'under way', count: arriving, state: PIECE.arriving },
    { name: 'can be shared', count: shared, state: SHARED },
  ].filter(({ count }) => count > 0)
  return (
    <ul className="pieces-legend" aria-hidden>
      {entries.map(({ name, count, state }) => (
        <li key={name}>
          <span className="pieces-swatch">
            <PieceCanvas runs={runsOf(Uint8Array.of(state))} />
          </span>
          {count} {name}
        </li>
      ))}
    </ul>
  )
}

/** Numbers in place of names: nobody learns an address from it. */
function Senders({ senders }: { readonly senders: readonly Sender[] }) {
  if (senders.length === 0) return null
  return (
    <ul className="pieces-senders" aria-label="Who sent how much">
      {senders.map(({ name, percent, isIdle }) => (
        <li key={name}>
          <span
            className="pieces-dot"
            data-server={name === 'Server' || undefined}
            data-idle={isIdle || undefined}
            style={{ '--share': percent / 100 } as React.CSSProperties}
            aria-hidden
          />
          {name} · {percent} %
        </li>
      ))}
    </ul>
  )
}
