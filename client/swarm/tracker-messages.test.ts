import { describe, expect, test } from 'vitest'
import { OFFERS_KEY, PART_KEY } from '#protocol/tracker.ts'
import { parseTrackerMessage, toBinary, toHex } from './tracker-messages.ts'

const HASH = toBinary('ab'.repeat(20))
const PEER = 'ff00'.repeat(10)
const SDP = 'v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n'

const facts = { action: 'announce', info_hash: HASH, peer_id: toBinary(PEER), offer_id: 'o' }
const offer = { ...facts, offer: { type: 'offer', sdp: SDP } }
const answer = { ...facts, answer: { type: 'answer', sdp: SDP } }
const parse = (message: unknown) => parseTrackerMessage(JSON.stringify(message), HASH)

describe('parseTrackerMessage', () => {
  test('reads introductions', () => {
    expect(parse(offer)).toEqual({ kind: 'offer', peerId: PEER, offerId: 'o', sdp: SDP })
    expect(parse(answer)).toEqual({ kind: 'answer', peerId: PEER, offerId: 'o', sdp: SDP })
  })

  test('reads counts; an interval out of range is put right, one of another type left out', () => {
    const counts = { action: 'announce', info_hash: HASH, complete: 1, incomplete: 2 }
    const interval = (seconds: unknown) =>
      (parse({ ...counts, interval: seconds }) as { intervalMs: unknown }).intervalMs
    expect(parse(counts)).toEqual({
      kind: 'counts',
      complete: 1,
      incomplete: 2,
      intervalMs: null,
      warning: null,
      offers: null,
      part: false,
    })
    expect([60, 0.01, 1e9, -1, 0, '60', null].map(interval)).toEqual([
      60_000,
      1000,
      3_600_000,
      null,
      null,
      null,
      null,
    ])
  })

  test('reads a warning and the wish that viewers part; what is neither is left out', () => {
    const counts = { info_hash: HASH, complete: 0, incomplete: 1 }
    const told = { 'warning message': 'w'.repeat(5000), [PART_KEY]: true }
    expect(parse({ ...counts, ...told })).toMatchObject({ warning: 'w'.repeat(300), part: true })
    expect(parse({ 'failure reason': 'over', ...told })).toMatchObject({ part: true })
    for (const nonsense of [null, 1, 'true', {}]) {
      const message = { ...counts, 'warning message': {}, [PART_KEY]: nonsense }
      expect(parse(message)).toMatchObject({ warning: null, part: false })
    }
  })

  test('reads what became of our offers; what makes no sense is left out', () => {
    const counts = { info_hash: HASH, complete: 0, incomplete: 1 }
    const told = { taken: 1, wanted: 4 }
    expect(parse({ ...counts, [OFFERS_KEY]: told })).toMatchObject({ offers: told })
    const late = { taken: 1, wanted: null }
    expect(parse({ ...counts, [OFFERS_KEY]: late })).toMatchObject({ offers: late })
    for (const nonsense of [null, 1, {}, { taken: 1 }, { taken: -1, wanted: 0.5 }]) {
      expect(parse({ ...counts, [OFFERS_KEY]: nonsense })).toMatchObject({ offers: null })
    }
  })

  test('reads a refusal, about our swarm or about nothing, and shortens it', () => {
    const refusal = { 'failure reason': 'x'.repeat(5000), interval: 7 }
    const read = { kind: 'failure', reason: 'x'.repeat(300), intervalMs: 7000, part: false }
    expect(parse(refusal)).toEqual(read)
    expect(parse({ ...refusal, info_hash: HASH })).toEqual(read)
    expect(parse({ ...refusal, info_hash: toBinary('cd'.repeat(20)) })).toBeNull()
  })

  test.each([
    ['null', null],
    ['a list', []],
    ['a number', 7],
    ['nothing', {}],
    ['another swarm', { ...offer, info_hash: toBinary('cd'.repeat(20)) }],
    ['no swarm', { ...offer, info_hash: undefined }],
    ['a short peer id', { ...offer, peer_id: 'x' }],
    ['a peer id that is no bytes', { ...offer, peer_id: '\u{1234}'.repeat(20) }],
    ['a peer id that is no text', { ...answer, peer_id: 7 }],
    ['an endless offer id', { ...offer, offer_id: 'o'.repeat(65) }],
    ['an offer id that is no text', { ...answer, offer_id: { toString: 'x' } }],
    ['an offer of null', { ...offer, offer: null }],
    ['an offer without a description', { ...offer, offer: { type: 'offer' } }],
    ['an offer that is an answer', { ...offer, offer: answer.answer }],
    ['an answer that is an offer', { ...answer, answer: offer.offer }],
    ['a rollback', { ...answer, answer: { type: 'rollback', sdp: SDP } }],
    ['a giant description', { ...offer, offer: { type: 'offer', sdp: SDP + 'a'.repeat(20_000) } }],
    ['no description at all', { ...offer, offer: { type: 'offer', sdp: 'hello' } }],
    [
      'an offer of a picture',
      { ...offer, offer: { type: 'offer', sdp: `${SDP}m=video 9 UDP/TLS/RTP/SAVPF 96\r\n` } },
    ],
    ['negative counts', { info_hash: HASH, complete: -1, incomplete: 0 }],
    ['counts that are no numbers', { info_hash: HASH, complete: '1', incomplete: 0 }],
    ['a refusal without words', { info_hash: HASH, 'failure reason': 7 }],
  ])('is not taken in by %s', (_, message) => {
    expect(parse(message)).toBeNull()
  })

  test('is not taken in by what is no JSON, no text, or too much', () => {
    for (const data of ['{nonsense', '', undefined, new ArrayBuffer(8), new Blob(['{}'])]) {
      expect(parseTrackerMessage(data, HASH)).toBeNull()
    }
    expect(parse({ ...offer, padding: 'x'.repeat(64 * 1024) })).toBeNull()
  })
})

test('bytes travel as characters', () => {
  expect(toHex(toBinary(PEER))).toBe(PEER)
  expect(toBinary('00ff41')).toBe('\u0000ÿA')
})
