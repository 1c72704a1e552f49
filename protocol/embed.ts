// How a company's page and the player in its frame talk. The frame says that it listens; the element
// (client/embed) answers with a MessagePort, and from then on everything passes over that port: commands
// to the frame, messages from it. Both sides parse what comes with these schemas and ignore the rest.
import * as v from 'valibot'

/** What the frame may do on the company's page, for `<iframe allow>`. */
export const FRAME_PERMISSIONS = 'autoplay; fullscreen; picture-in-picture; encrypted-media'

/** Frame to the page around it, by `postMessage`: connect me. Carries nothing. */
export const EMBED_READY = 'slipstream-embed-ready'
/** Page to frame, by `postMessage` with a MessagePort. */
export const EMBED_CONNECT = 'slipstream-embed-connect'

const seconds = v.pipe(v.number(), v.minValue(0), v.finite())

/** What a page may set, as on a `<video>`. */
const embedSettingsSchema = v.object({
  currentTime: v.exactOptional(seconds),
  /** 0 to 1. */
  volume: v.exactOptional(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
  muted: v.exactOptional(v.boolean()),
  /** Times the normal speed; browsers play nothing beyond. */
  playbackRate: v.exactOptional(v.pipe(v.number(), v.minValue(0.0625), v.maxValue(16))),
  loop: v.exactOptional(v.boolean()),
  /** Whether the player shows its own controls. */
  controls: v.exactOptional(v.boolean()),
})
export type EmbedSettings = v.InferOutput<typeof embedSettingsSchema>

/** Counts the commands of one connection from 1 on. */
const commandNumber = v.pipe(v.number(), v.integer(), v.minValue(1))

/** Page to frame. `play` and `stats` are answered. */
export const embedCommandSchema = v.variant('type', [
  v.object({ type: v.literal('set'), id: commandNumber, settings: embedSettingsSchema }),
  v.object({ type: v.picklist(['play', 'pause', 'stats']), id: commandNumber }),
])
export type EmbedCommand = v.InferOutput<typeof embedCommandSchema>

/** Events of the frame's `<video>` that are passed on. */
export const EMBED_EVENTS = [
  'loadedmetadata',
  'durationchange',
  'play',
  'playing',
  'pause',
  'waiting',
  'timeupdate',
  'seeking',
  'seeked',
  'volumechange',
  'ratechange',
  'ended',
  'error',
] as const
export type EmbedEvent = (typeof EMBED_EVENTS)[number]

/** What the frame's `<video>` says of itself. */
const embedStateSchema = v.object({
  /** Number of the last command that this state knows of, 0 for none. */
  handled: v.number(),
  currentTime: v.number(),
  /** Seconds, or `null` while they are not known. */
  duration: v.nullable(v.number()),
  paused: v.boolean(),
  ended: v.boolean(),
  seeking: v.boolean(),
  volume: v.number(),
  muted: v.boolean(),
  playbackRate: v.number(),
  readyState: v.number(),
  /** Start and end of what is held, in seconds. */
  buffered: v.array(v.tuple([v.number(), v.number()])),
  /** Pixels, 0 before they are known and for sound. */
  videoWidth: v.number(),
  videoHeight: v.number(),
  error: v.nullable(v.object({ code: v.string(), message: v.string() })),
})
export type EmbedState = v.InferOutput<typeof embedStateSchema>

/** Of a `<video>` that has nothing yet, or where there is none. */
export const NOTHING_YET: EmbedState = {
  handled: 0,
  currentTime: 0,
  duration: null,
  paused: true,
  ended: false,
  seeking: false,
  volume: 1,
  muted: false,
  playbackRate: 1,
  readyState: 0,
  buffered: [],
  videoWidth: 0,
  videoHeight: 0,
  error: null,
}

/** Answer to `stats`: what `window.slipstream.stats()` answers in the frame. */
const embedStatsSchema = v.object({
  phase: v.picklist(['placeholder', 'swarm', 'http']),
  firstFrameMs: v.nullable(v.number()),
  swap: v.nullable(v.object({ readyMs: v.number(), piecesReused: v.number() })),
  stalls: v.number(),
  stalledMs: v.number(),
  bytes: v.object({
    placeholder: v.number(),
    origin: v.number(),
    peers: v.number(),
    uploaded: v.number(),
    wasted: v.number(),
  }),
  peers: v.number(),
  pieces: v.object({ have: v.number(), total: v.number() }),
})
export type EmbedStats = v.InferOutput<typeof embedStatsSchema>

/** Frame to page. */
export const embedMessageSchema = v.variant('type', [
  /** The first one. */
  v.object({
    type: v.literal('connected'),
    /** Of the title, or `null` when there is none to play. */
    title: v.nullable(v.string()),
    /** Width and height as the record has them, in pixels, or `null`. */
    shape: v.nullable(v.tuple([v.number(), v.number()])),
    state: embedStateSchema,
  }),
  v.object({
    type: v.literal('state'),
    event: v.nullable(v.picklist(EMBED_EVENTS)),
    state: embedStateSchema,
  }),
  v.object({ type: v.literal('done'), id: commandNumber }),
  /** About once a second with `id` 0, and as answer. */
  v.object({ type: v.literal('stats'), id: v.number(), stats: embedStatsSchema }),
  /** As the `<video>` refused it: `NotAllowedError` for one. */
  v.object({
    type: v.literal('refused'),
    id: commandNumber,
    name: v.string(),
    message: v.string(),
  }),
])
export type EmbedMessage = v.InferOutput<typeof embedMessageSchema>

/** Code for a page of any site: a plain frame, without a script. */
export function frameCode(frame: {
  /** Address of the embed page. */
  readonly url: string
  readonly title: string
  /** Pixels. */
  readonly width: number
  readonly height: number
}): string {
  const { url, title, width, height } = frame
  return (
    `<iframe src="${escapeHtml(url)}" title="${escapeHtml(title)}" width="${width}" ` +
    `height="${height}" style="border:0" allow="${FRAME_PERMISSIONS}" loading="lazy"></iframe>`
  )
}

/** @returns the text for an element's content or a quoted attribute */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
}
