// What is happening, in one plain sentence for the viewer.
import type { MediaRecord } from '#protocol/media.ts'
import { formatCount, formatPercent } from '../app/format.ts'
import type { HttpReason, PlaybackSnapshot, TrackerReport } from '../playback/playback.ts'

export interface StatusSentence {
  readonly text: string
  /** The number behind it, which may change several times a second, or `null`. */
  readonly figure: string | null
}

const HTTP_SENTENCES: Record<HttpReason, string> = {
  'no-service-worker': 'Playing from the server: this browser allows the page no service worker.',
  'no-webrtc': 'Playing from the server: this browser allows no connections to other viewers.',
  'swarm-failed': 'Playing from the server: sharing with other viewers has failed.',
  publisher: 'Playing from the server: the publisher has switched sharing off for this title.',
  viewer: 'Playing from the server, as you chose.',
  operator: 'Playing from the server: sharing with other viewers is off.',
  unanswered: 'Playing from the server.',
}

/** Of a film that shows its first picture and does not play yet. */
export const GATHERING = 'Getting ready: it begins when there is enough to play on.'

/** @param media the latest known record of the title that is playing */
export function statusSentence(snapshot: PlaybackSnapshot, media: MediaRecord): StatusSentence {
  const { stats, problem, httpReason, isGathering } = snapshot
  if (problem?.code === 'deleted') return plain('The title was deleted.')
  if (problem?.code === 'changed') return plain('There is a new version of the title.')
  const plays = problem?.code === 'unsupported' && problem.playsOn
  if (problem?.code === 'unsupported' && !plays) return plain('This browser cannot play it.')
  if (problem !== null && !plays) return plain('Playback is interrupted.')
  if (stats.firstFrameMs === null) return plain('Loading the first picture…')
  if (isGathering) return plain(GATHERING)
  switch (stats.phase) {
    case 'http':
      return plain(httpReason === null ? 'Playing from the server.' : HTTP_SENTENCES[httpReason])
    case 'swarm':
      return swarmSentence(snapshot)
    case 'placeholder':
      return placeholderSentence(media)
  }
}

function placeholderSentence(media: MediaRecord): StatusSentence {
  switch (media.state) {
    case 'stored':
      return plain('Playing from the server. The torrent will be built now.')
    case 'building':
      return {
        text: 'Playing from the server while the torrent is built',
        figure: formatPercent(media.progress),
      }
    case 'ready':
      return plain('Playing from the server, about to join the other viewers.')
    case 'failed':
      return plain('Playing from the server: the torrent could not be built.')
  }
}

function swarmSentence({ stats, tracker }: PlaybackSnapshot): StatusSentence {
  const { peers, pieces, bytes } = stats
  const complete = pieces.total > 0 && pieces.have === pieces.total
  if (peers === 0) {
    const where = complete ? 'All of it is here' : 'Playing from the server'
    return plain(`${where}${whyAlone(tracker, complete)}`)
  }
  const figure = String(peers)
  if (complete) return { text: 'All of it is here. Sharing with other viewers', figure }
  if (bytes.peers === 0 && bytes.uploaded === 0)
    return { text: 'Connected to other viewers', figure }
  return { text: 'Sharing with other viewers', figure }
}

/** @returns why there are no peers, and the end of the sentence that it completes */
function whyAlone(tracker: TrackerReport | null, complete: boolean): string {
  switch (tracker?.kind) {
    case 'unreachable':
      return ': no connection to the tracker, which introduces viewers; trying again.'
    case 'refuses':
      return `. The tracker refused: ${endedByDot(tracker.reason)}`
    case 'answers':
      if (tracker.warning !== null) return `: ${endedByDot(tracker.warning)}`
      if (tracker.others > 0) return ', not connected to other viewers yet.'
      return complete
        ? ', ready to be shared with the next viewer.'
        : ': nobody else is watching right now.'
    default:
      return ', looking for other viewers.'
  }
}

/** The tracker's numbers and words, for those who look after it. */
export function describeTracker(tracker: TrackerReport | null): string {
  switch (tracker?.kind) {
    case undefined:
      return 'not asked'
    case 'connecting':
      return 'connecting'
    case 'unreachable':
      return 'no connection, trying again'
    case 'refuses':
      return `refused: ${tracker.reason}`
    case 'answers': {
      const { others, warning } = tracker
      return `knows ${viewersBesides(others)}${warning === null ? '' : `: ${warning}`}`
    }
  }
}

function viewersBesides(others: number): string {
  return others === 0 ? 'nobody else' : formatCount(others, 'other viewer')
}

/** A sentence of somebody else, who may or may not have ended it. */
function endedByDot(words: string): string {
  return /[.!?]$/.test(words) ? words : `${words}.`
}

function plain(text: string): StatusSentence {
  return { text, figure: null }
}
