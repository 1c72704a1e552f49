import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { type MediaRecord, mediaRecordSchema } from '#protocol/media.ts'
import type { PlaybackSnapshot, PlaybackStats } from '../playback/playback.ts'
import { statusSentence } from './status-sentence.ts'

const media = (state: object): MediaRecord =>
  v.parse(mediaRecordSchema, {
    id: '0123456789abcdef',
    revision: 1,
    title: 'A title',
    description: '',
    filename: 'a.webm',
    size: 1000,
    type: 'video/webm',
    duration: 10,
    width: 640,
    height: 360,
    fastStart: true,
    poster: null,
    webSeeds: ['http://localhost/media/0123456789abcdef/a.webm'],
    tracks: [],
    p2p: { enabled: true, minViewers: 1 },
    createdAt: 0,
    ...state,
  })

const snapshot = (
  stats: Partial<PlaybackStats>,
  rest: Partial<PlaybackSnapshot> = {},
): PlaybackSnapshot => ({
  problem: null,
  httpReason: null,
  ...rest,
  stats: {
    phase: 'placeholder',
    firstFrameMs: 80,
    swap: null,
    stalls: 0,
    stalledMs: 0,
    bytes: { placeholder: 0, origin: 0, peers: 0, uploaded: 0, wasted: 0 },
    peers: 0,
    pieces: { have: 1, total: 4 },
    ...stats,
  },
})

const building = media({ state: 'building', progress: 0.42 })
const ready = media({ state: 'ready', infoHash: '0'.repeat(40) })

describe('statusSentence', () => {
  it('tells how far the torrent is built while the title plays from the server', () => {
    expect(statusSentence(snapshot({}), building)).toEqual({
      text: 'Playing from the server while the torrent is built',
      progress: 0.42,
    })
  })

  it('counts the viewers that share', () => {
    const bytes = { placeholder: 0, origin: 0, peers: 9, uploaded: 0, wasted: 0 }
    const three = snapshot({ phase: 'swarm', peers: 3, bytes })
    expect(statusSentence(three, ready).text).toBe('Sharing with 3 viewers.')
    const one = snapshot({ phase: 'swarm', peers: 1, bytes })
    expect(statusSentence(one, ready).text).toBe('Sharing with 1 viewer.')
  })

  it('does not claim to share before a byte has passed', () => {
    const fresh = snapshot({ phase: 'swarm', peers: 2 })
    expect(statusSentence(fresh, ready).text).toBe('Connected to 2 viewers.')
  })

  it('says that nobody else watches', () => {
    expect(statusSentence(snapshot({ phase: 'swarm' }), ready).text).toContain('nobody else')
  })

  it('promises nothing when the torrent could not be built', () => {
    const failed = media({ state: 'failed', reason: 'disk error' })
    expect(statusSentence(snapshot({}), failed).text).toContain('could not be built')
  })

  it.each([
    ['no-service-worker', /service worker/],
    ['no-webrtc', /no connections to other viewers/],
    ['swarm-failed', /failed/],
  ] as const)('says why it plays from the server alone: %s', (httpReason, words) => {
    expect(statusSentence(snapshot({ phase: 'http' }, { httpReason }), ready).text).toMatch(words)
  })

  it('does not call a title interrupted that was deleted and plays on', () => {
    const problem = { code: 'deleted', message: '', retryable: false, playsOn: true } as const
    const text = statusSentence(snapshot({ phase: 'swarm' }, { problem }), ready).text
    expect(text).toBe('The title was deleted.')
  })

  it('says that it is loading until the first frame is shown', () => {
    expect(statusSentence(snapshot({ firstFrameMs: null }), ready).text).toContain('Loading')
  })
})
