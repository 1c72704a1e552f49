// What the server writes into every page, so that the first render needs no further request:
// `<script type="application/json" id="slipstream-boot">`.
import * as v from 'valibot'
import { earlyRequestSchema } from './early-request.ts'
import { errorBodySchema } from './errors.ts'
import { mediaRecordSchema } from './media.ts'

/** Whether viewers who have not said what they want share: after being asked, at once, never. */
export const P2P_DEFAULTS = ['ask', 'on', 'off'] as const

/** Operator's settings that the browser needs. */
export const siteSettingsSchema = v.object({
  /** For `RTCPeerConnection`; empty unless the operator named servers. */
  iceServers: v.array(
    v.object({
      urls: v.union([v.string(), v.array(v.string())]),
      username: v.optional(v.string()),
      credential: v.optional(v.string()),
    }),
  ),
  p2pDefault: v.picklist(P2P_DEFAULTS),
  /** Bytes. */
  maxUploadBytes: v.number(),
})
export type SiteSettings = v.InferOutput<typeof siteSettingsSchema>

export const bootSchema = v.object({
  settings: siteSettingsSchema,
  /** The title of a watch or embed page, or `null` on other pages and for unknown titles. */
  media: v.nullable(mediaRecordSchema),
  /** What the page asks for first of that title. */
  early: v.nullable(earlyRequestSchema),
  /** Viewers that the tracker could introduce to one more when the page was sent. */
  viewers: v.number(),
  /** Why an embed page has no title. */
  failure: v.nullable(errorBodySchema.entries.error),
})
export type Boot = v.InferOutput<typeof bootSchema>

/** Id of the element that carries the boot data. */
export const BOOT_ELEMENT_ID = 'slipstream-boot'
