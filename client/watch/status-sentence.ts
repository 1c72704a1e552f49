// What is happening, in one plain sentence for the viewer.
import type { MediaRecord } from '#protocol/media.ts'
import { formatCount } from '../app/format.ts'
import type { HttpReason, PlaybackSnapshot } from '../playback/playback.ts'

export interface StatusSentence {
  readonly text: string
  /** Share of the torrent built, 0 to 1, while it is being built. */
  readonly progress: number | null
}

const HTTP_SENTENCES: Record<HttpReason, string> = {
  'no-service-worker': 'Playing from the server: this browser allows the page no service worker.',
  'no-webrtc': 'Playing from the server: this browser allows no connections to other viewers.',
  'swarm-failed': 'Playing from the server: sharing with other viewers has failed.',
  publisher: 'Playing from the server: the publisher does not have this title shared.',
  viewer: 'Playing from the server, as you chose.',
  operator: 'Playing from the server: sharing with other viewers is off.',
  unanswered: 'Playing from the server.',
}

/** @param media the latest known record of the title that is playing */
export function statusSentence(snapshot: PlaybackSnapshot, media: MediaRecord): StatusSentence {
  const { stats, problem, httpReason } = snapshot
  if (problem?.code === 'deleted') return plain('The title was deleted.')
  const plays = problem?.code === 'unsupported' && problem.playsOn
  if (problem?.code === 'unsupported' && !plays) return plain('This browser cannot play it.')
  if (problem !== null && !plays) return plain('Playback is interrupted.')
  if (stats.firstFrameMs === null) return plain('Loading the first picture…')
  switch (stats.phase) {
    case 'http':
      return plain(httpReason === null ? 'Playing from the server.' : HTTP_SENTENCES[httpReason])
    case 'swarm':
      return plain(swarmSentence(snapshot))
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
        progress: media.progress,
      }
    case 'ready':
      return plain('Playing from the server, about to join the other viewers.')
    case 'failed':
      return plain('Playing from the server: the torrent could not be built.')
  }
}

function swarmSentence({ stats }: PlaybackSnapshot): string {
  const { peers, pieces, bytes } = stats
  const complete = pieces.total > 0 && pieces.have === pieces.total
  if (peers === 0) {
    return complete
      ? 'All of it is here, ready to be shared with the next viewer.'
      : 'Playing from the server: nobody else is watching right now.'
  }
  const viewers = formatCount(peers, 'viewer')
  if (complete) return `All of it is here. Sharing with ${viewers}.`
  if (bytes.peers === 0 && bytes.uploaded === 0) return `Connected to ${viewers}.`
  return `Sharing with ${viewers}.`
}

function plain(text: string): StatusSentence {
  return { text, progress: null }
}
