// The picture under the player: every piece, where it came from and whether it is shared, where
// playback is, and who sent how much. Drawn anew when a piece has changed, and not otherwise.
import './piece-bar.css'
import { useComputedColorScheme } from '@mantine/core'
import { useElementSize, useMediaQuery } from '@mantine/hooks'
import { useCallback, useEffect, useLayoutEffect, useRef } from 'react'
import { formatPercent } from '../app/format.ts'
import { PIECE, SHARED } from '../playback/piece-states.ts'
import type { PlaybackDetails, PlaybackStats } from '../playback/playback.ts'
import { drawPieces, PICTURE_HEIGHT } from './piece-drawing.ts'
import { countPieces, describePieces, runsOf, sendersOf } from './piece-runs.ts'
import { useDetails } from './use-playback.ts'
import type { WatchSession } from './watch-session.ts'

export function PiecePicture({ session }: { readonly session: WatchSession }) {
  const { stats, details } = useDetails(session)
  if (details.pieces === null || details.pieces.length === 0) return null
  return (
    <section className="pieces" aria-label="Where the title comes from">
      <PieceBar pieces={details.pieces} video={session.video} />
      <Legend pieces={details.pieces} />
      <Senders stats={stats} peers={details.peers} />
    </section>
  )
}

interface PieceBarProps {
  readonly pieces: Uint8Array
  readonly video: HTMLVideoElement
}

function PieceBar({ pieces, video }: PieceBarProps) {
  const { ref, width } = useElementSize<HTMLDivElement>()
  return (
    <div className="pieces-bar" ref={ref}>
      <PieceCanvas pieces={pieces} label={describePieces(countPieces(pieces))} width={width} />
      <Playhead video={video} />
    </div>
  )
}

interface PieceCanvasProps {
  readonly pieces: Uint8Array
  /** Says what is drawn; left out when a word beside it does. */
  readonly label?: string
  /** CSS pixels; when it changes, the canvas is drawn anew. */
  readonly width?: number
}

const latin1 = new TextDecoder('latin1')

function PieceCanvas({ pieces, label, width = 0 }: PieceCanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const scheme = useComputedColorScheme()
  const isForced = useMediaQuery('(forced-colors: active)')
  const states = latin1.decode(pieces)
  // biome-ignore lint/correctness/useExhaustiveDependencies: pieces are told apart by their bytes
  useLayoutEffect(() => {
    if (canvas.current) drawPieces(canvas.current, runsOf(pieces))
  }, [states, width, scheme, isForced])
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

/** Moves with the pieces, in one go, and at once after a seek. In time their bytes are a good guess. */
function Playhead({ video }: { readonly video: HTMLVideoElement }) {
  const mark = useRef<HTMLSpanElement>(null)
  const move = useCallback(() => {
    const share = video.duration > 0 ? video.currentTime / video.duration : 0
    if (mark.current) mark.current.style.left = `${Math.min(1, share) * 100}%`
  }, [video])
  useLayoutEffect(move)
  useEffect(() => {
    const listening = new AbortController()
    for (const event of ['seeking', 'loadedmetadata', 'emptied']) {
      video.addEventListener(event, move, { signal: listening.signal })
    }
    return () => listening.abort()
  }, [video, move])
  return <span ref={mark} className="pieces-playhead" aria-hidden />
}

/** Tells what the patterns mean; those that do not occur are left out. */
function Legend({ pieces }: { readonly pieces: Uint8Array }) {
  const { server, peers, stored, arriving, shared } = countPieces(pieces)
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
            <PieceCanvas pieces={Uint8Array.of(state)} />
          </span>
          {count} {name}
        </li>
      ))}
    </ul>
  )
}

interface SendersProps {
  readonly stats: PlaybackStats
  readonly peers: PlaybackDetails['peers']
}

/** Numbers in place of names: nobody learns an address from it. */
function Senders({ stats, peers }: SendersProps) {
  const { bytes } = stats
  const senders = sendersOf({ server: bytes.placeholder + bytes.origin, peers: bytes.peers }, peers)
  if (senders.length === 0) return null
  return (
    <ul className="pieces-senders" aria-label="Who sent how much">
      {senders.map(({ name, share }) => (
        <li key={name}>
          <span
            className="pieces-dot"
            data-server={name === 'Server' || undefined}
            data-idle={share === 0 || undefined}
            style={{ '--share': share } as React.CSSProperties}
            aria-hidden
          />
          {name} · {formatPercent(share)}
        </li>
      ))}
    </ul>
  )
}
