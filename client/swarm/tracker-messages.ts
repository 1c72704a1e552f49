// What a WebTorrent tracker says over its WebSocket, parsed. The text comes from strangers by way of
// the tracker: whatever is not as it should be is `null`. Hashes and ids travel as strings of 20
// characters, one for each byte.
import * as v from 'valibot'
import { OFFERS_KEY, type OffersTaken, PART_KEY } from '#protocol/tracker.ts'
import { hexOf } from './hex.ts'

/** An announce answer, an introduction, or a refusal. */
export type TrackerMessage =
  | {
      readonly kind: 'counts'
      /** Peers that have the whole file, and those that have not. */
      readonly complete: number
      readonly incomplete: number
      /** Milliseconds, or `null` when it does not say. */
      readonly intervalMs: number | null
      /** Why it introduces us to nobody for now, or whatever else it wants a person to know. */
      readonly warning: string | null
      /** What became of our offers, or `null` when it does not say. */
      readonly offers: OffersTaken | null
      /** All connections that came of this swarm are to be closed. */
      readonly part: boolean
    }
  | {
      readonly kind: 'failure'
      readonly reason: string
      readonly intervalMs: number | null
      readonly part: boolean
    }
  | ({ readonly kind: 'offer' } & Introduction)
  | ({ readonly kind: 'answer' } & Introduction)

export interface Introduction {
  /** 40 hex digits. */
  readonly peerId: string
  /** As whoever made the offer named it. */
  readonly offerId: string
  readonly sdp: string
}

/** The longest message that is looked at: characters. */
const MAX_MESSAGE_LENGTH = 64 * 1024
/** That of a data channel has 500 to 5,000 characters. */
const MAX_SDP_LENGTH = 20_000
const MAX_REASON_LENGTH = 300
const INTERVAL_S = { min: 1, max: 3600 } as const

const id = v.pipe(
  v.string(),
  v.length(20),
  v.check((text) => isBinary(text)),
)
const offerId = v.pipe(v.string(), v.maxLength(64))
const count = v.pipe(v.number(), v.integer(), v.minValue(0))
const isTrue = v.fallback(v.optional(v.boolean(), false), false)
const seconds = v.optional(v.fallback(v.nullable(v.number()), null), null)

/** Data channels only: nobody may send us pictures or sound. */
const description = <Type extends 'offer' | 'answer'>(type: Type) =>
  v.object({
    type: v.literal(type),
    sdp: v.pipe(
      v.string(),
      v.maxLength(MAX_SDP_LENGTH),
      v.check((sdp) => sdp.startsWith('v=0') && !/^m=(?!application )/m.test(sdp)),
    ),
  })

const offerSchema = v.object({
  info_hash: id,
  peer_id: id,
  offer_id: offerId,
  offer: description('offer'),
})
const answerSchema = v.object({
  info_hash: id,
  peer_id: id,
  offer_id: offerId,
  answer: description('answer'),
})
const countsSchema = v.object({
  info_hash: id,
  complete: count,
  incomplete: count,
  interval: seconds,
  'warning message': v.fallback(v.nullish(v.string(), null), null),
  [OFFERS_KEY]: v.fallback(
    v.nullish(v.object({ taken: count, wanted: v.nullable(count) }), null),
    null,
  ),
  [PART_KEY]: isTrue,
})
const failureSchema = v.object({
  /** Missing when the tracker could not read what we sent. */
  info_hash: v.optional(id),
  'failure reason': v.string(),
  interval: seconds,
  [PART_KEY]: isTrue,
})

/**
 * @param data of a WebSocket's message event
 * @param infoHash 20 characters; messages about other swarms are not for us
 */
export function parseTrackerMessage(data: unknown, infoHash: string): TrackerMessage | null {
  if (typeof data !== 'string' || data.length > MAX_MESSAGE_LENGTH) return null
  let message: unknown
  try {
    message = JSON.parse(data)
  } catch {
    return null
  }
  if (typeof message !== 'object' || message === null) return null
  if ('failure reason' in message) {
    const failure = parsed(failureSchema, message)
    if (!failure || (failure.info_hash ?? infoHash) !== infoHash) return null
    const reason = failure['failure reason'].slice(0, MAX_REASON_LENGTH)
    const intervalMs = milliseconds(failure.interval)
    return { kind: 'failure', reason, intervalMs, part: failure[PART_KEY] }
  }
  if ('offer' in message) {
    const found = parsed(offerSchema, message)
    return found?.info_hash === infoHash
      ? { kind: 'offer', ...introduction(found, found.offer) }
      : null
  }
  if ('answer' in message) {
    const found = parsed(answerSchema, message)
    return found?.info_hash === infoHash
      ? { kind: 'answer', ...introduction(found, found.answer) }
      : null
  }
  const counts = parsed(countsSchema, message)
  if (counts?.info_hash !== infoHash) return null
  const { complete, incomplete } = counts
  return {
    kind: 'counts',
    complete,
    incomplete,
    intervalMs: milliseconds(counts.interval),
    warning: counts['warning message']?.slice(0, MAX_REASON_LENGTH) ?? null,
    offers: counts[OFFERS_KEY],
    part: counts[PART_KEY],
  }
}

/** @returns a string with one character for each byte */
export function toBinary(hex: string): string {
  return hex.replace(/../g, (byte) => String.fromCharCode(Number.parseInt(byte, 16)))
}

/** @param binary a string with one character for each byte */
export function toHex(binary: string): string {
  return hexOf(Array.from(binary, (char) => char.charCodeAt(0)))
}

function isBinary(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) if (text.charCodeAt(i) > 255) return false
  return true
}

function introduction(
  message: { readonly peer_id: string; readonly offer_id: string },
  { sdp }: { readonly sdp: string },
): Introduction {
  return { peerId: toHex(message.peer_id), offerId: message.offer_id, sdp }
}

function milliseconds(interval: number | null): number | null {
  if (interval === null || !(interval > 0)) return null
  return Math.min(INTERVAL_S.max, Math.max(INTERVAL_S.min, interval)) * 1000
}

function parsed<Schema extends v.GenericSchema>(schema: Schema, value: unknown) {
  const result = v.safeParse(schema, value)
  return result.success ? result.output : null
}
