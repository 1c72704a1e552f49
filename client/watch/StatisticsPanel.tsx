// What is happening, and the numbers behind it: the same that `window.slipstream.stats()` gives.
import { useCallback, useState } from 'react'
import type { MediaRecord } from '#protocol/media.ts'
import { formatBytes, formatPercent } from '../app/format.ts'
import type { HttpSender, PlaybackPhase } from '../playback/playback.ts'
import { describeType } from './media-type.ts'
import { describeTracker, statusSentence } from './status-sentence.ts'
import { type DetailedSnapshot, useDetails, usePlayback } from './use-playback.ts'
import type { WatchSession } from './watch-session.ts'

interface StatisticsProps {
  readonly session: WatchSession
  readonly media: MediaRecord
}

/** One sentence. Its figure is not read out: it would talk all the time. */
export function StatusLine({ session, media }: StatisticsProps) {
  const phase = usePlayback(session, ({ stats, problem }) => (problem ? 'problem' : stats.phase))
  const text = usePlayback(session, (all) => statusSentence(all, media).text)
  const figure = usePlayback(session, (all) => statusSentence(all, media).figure)
  return (
    <p className="watch-status" data-phase={phase}>
      <span className="watch-dot" aria-hidden />
      <span role="status">
        {text}
        {figure !== null && <span aria-hidden> ({figure})</span>}
      </span>
    </p>
  )
}

const PHASES: Record<PlaybackPhase, string> = {
  placeholder: 'HTTP, the torrent is awaited',
  swarm: 'in the swarm',
  http: 'HTTP only',
}

const OWN_SERVER: HttpSender = { host: null, bytes: 0 }

export function StatisticsPanel({ session }: { readonly session: WatchSession }) {
  const [open, setOpen] = useState(false)
  return (
    <details
      className="card watch-statistics"
      onToggle={(event) => setOpen(event.currentTarget.open)}
    >
      <summary>Stats for nerds</summary>
      {open && <Numbers session={session} />}
    </details>
  )
}

function Numbers({ session }: { readonly session: WatchSession }) {
  const select = useCallback((all: DetailedSnapshot) => numbersOf(session, all), [session])
  const { share, rows } = useDetails(session, select)
  return (
    <>
      <div className="watch-share" aria-hidden>
        <span style={{ width: `${share * 100}%` }} />
      </div>
      <dl>
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </>
  )
}

interface Figures {
  /** Of what was received, what peers sent: 0 to 1. */
  readonly share: number
  readonly rows: readonly (readonly [name: string, value: string])[]
}

function numbersOf(
  { video, media }: WatchSession,
  { stats, details, tracker }: DetailedSnapshot,
): Figures {
  const { bytes, pieces } = stats
  const { droppedVideoFrames, totalVideoFrames } = video.getVideoPlaybackQuality()
  const fromServer = bytes.placeholder + bytes.origin
  const received = fromServer + bytes.peers
  const share = received > 0 ? bytes.peers / received : 0
  // Without the service worker the browser fetches by itself and tells nobody how much; at most the
  // first piece was fetched for it.
  const isMeasured = stats.phase !== 'http' || pieces.have > 1
  const senders = details.http.from
  const rows = [
    ...(senders.length > 0 ? senders : [OWN_SERVER]).map(
      ({ host, bytes: sent }) =>
        [
          host === null ? 'From server' : `From ${host}`,
          isMeasured ? formatBytes(sent ?? 0) : 'everything',
        ] as const,
    ),
    ['From peers', formatBytes(bytes.peers)],
    ['Offload', received > 0 ? formatPercent(share) : '–'],
    ['Uploaded', formatBytes(bytes.uploaded)],
    ['Peers (wires)', String(stats.peers)],
    ['Tracker', describeTracker(tracker)],
    ['Pieces', isMeasured ? `${pieces.have} of ${pieces.total}` : '–'],
    ['Phase', PHASES[stats.phase]],
    ['First frame', stats.firstFrameMs === null ? '–' : `${Math.round(stats.firstFrameMs)} ms`],
    [
      'Swap',
      stats.swap === null
        ? '–'
        : `${Math.round(stats.swap.readyMs)} ms, ${stats.swap.piecesReused} pieces kept`,
    ],
    [
      'Stalls',
      stats.stalls === 0 ? 'none' : `${stats.stalls}, ${(stats.stalledMs / 1000).toFixed(1)} s`,
    ],
    ['Wasted', formatBytes(bytes.wasted)],
    ['Buffer', `${details.bufferedSeconds.toFixed(1)} s`],
    ['HTTP rate', details.http.rate === null ? '–' : `${formatBytes(details.http.rate)}/s`],
    ['HTTP latency', isMeasured ? `${Math.round(details.http.latencyMs)} ms` : '–'],
    [
      'Resolution',
      video.videoWidth > 0 ? `${video.videoWidth} × ${video.videoHeight}` : 'no picture',
    ],
    ['Dropped frames', totalVideoFrames > 0 ? `${droppedVideoFrames} of ${totalVideoFrames}` : '–'],
    ['Format', describeType(media.type)],
  ] as const
  return { share, rows }
}
