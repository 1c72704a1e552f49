import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { type MediaRecord, mediaRecordSchema } from '#protocol/media.ts'
import type { PlaybackSnapshot, PlaybackStats } from '../playback/playback.ts'
import { describeTracker, statusSentence } from './status-sentence.ts'

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
    source: null,
    embedSites: null,
    createdAt: 0,
    ...state,
  })

const snapshot = (
  stats: Partial<PlaybackStats>,
  rest: Partial<PlaybackSnapshot> = {},
): PlaybackSnapshot => ({
  isGathering: false,
  problem: null,
  httpReason: null,
  tracker: null,
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
      figure: '42 %',
    })
  })

  it('says why a picture stands still that is to play', () => {
    const still = { ...snapshot({ firstFrameMs: 400 }), isGathering: true }
    expect(statusSentence(still, ready).text).toMatch(/^Getting ready/)
  })

  it('counts the viewers that share, and says the same of each number of them', () => {
    const bytes = { placeholder: 0, origin: 0, peers: 9, uploaded: 0, wasted: 0 }
    const three = snapshot({ phase: 'swarm', peers: 3, bytes })
    expect(statusSentence(three, ready)).toEqual({
      text: 'Sharing with other viewers',
      figure: '3',
    })
    const one = snapshot({ phase: 'swarm', peers: 1, bytes })
    expect(statusSentence(one, ready)).toEqual({ text: 'Sharing with other viewers', figure: '1' })
    const whole = snapshot({ ...three.stats, pieces: { have: 4, total: 4 } })
    expect(statusSentence(whole, ready)).toEqual({
      text: 'All of it is here. Sharing with other viewers',
      figure: '3',
    })
  })

  it('does not claim to share before a byte has passed', () => {
    const fresh = snapshot({ phase: 'swarm', peers: 2 })
    expect(statusSentence(fresh, ready).text).toBe('Connected to other viewers')
  })

  it.each([
    [null, 'Playing from the server, looking for other viewers.'],
    [{ kind: 'connecting' }, 'Playing from the server, looking for other viewers.'],
    [
      { kind: 'answers', others: 0, warning: null },
      'Playing from the server: nobody else is watching right now.',
    ],
    [
      { kind: 'answers', others: 2, warning: null },
      'Playing from the server, not connected to other viewers yet.',
    ],
    [
      { kind: 'answers', others: 1, warning: 'the publisher wants 3 viewers' },
      'Playing from the server: the publisher wants 3 viewers.',
    ],
    [
      { kind: 'refuses', reason: 'out of order!' },
      'Playing from the server. The tracker refused: out of order!',
    ],
    [
      { kind: 'unreachable' },
      /^Playing from the server: no connection to the tracker, .* again\.$/,
    ],
  ] as const)('says why there are no peers: %j', (tracker, words) => {
    const alone = snapshot({ phase: 'swarm' }, { tracker })
    expect(statusSentence(alone, ready).text).toMatch(words)
    const connected = snapshot({ phase: 'swarm', peers: 1 }, { tracker })
    expect(statusSentence(connected, ready).text).toBe('Connected to other viewers')
  })

  it('says that all is here, and why it is of use to nobody yet', () => {
    const whole = { phase: 'swarm', pieces: { have: 4, total: 4 } } as const
    const text = (tracker: PlaybackSnapshot['tracker']) =>
      statusSentence(snapshot(whole, { tracker }), ready).text
    expect(text({ kind: 'answers', others: 0, warning: null })).toBe(
      'All of it is here, ready to be shared with the next viewer.',
    )
    expect(text({ kind: 'unreachable' })).toMatch(/^All of it is here: no connection/)
  })

  it('promises nothing when the torrent could not be built', () => {
    const failed = media({ state: 'failed', reason: 'disk error' })
    expect(statusSentence(snapshot({}), failed).text).toContain('could not be built')
  })

  it.each([
    ['no-service-worker', /service worker/],
    ['no-webrtc', /no connections to other viewers/],
    ['swarm-failed', /failed/],
    ['publisher', /: the publisher has switched sharing off/],
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

it('tells of the tracker in its own words', () => {
  expect(describeTracker(null)).toBe('not asked')
  expect(describeTracker({ kind: 'unreachable' })).toMatch(/no connection/)
  expect(describeTracker({ kind: 'refuses', reason: 'unknown' })).toBe('refused: unknown')
  expect(describeTracker({ kind: 'answers', others: 0, warning: null })).toBe('knows nobody else')
  expect(describeTracker({ kind: 'answers', others: 2, warning: 'wait' })).toBe(
    'knows 2 other viewers: wait',
  )
})
