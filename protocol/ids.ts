// Branded identifiers shared by browser and server. A value of these types has passed its parse
// function; nothing else makes one.
import * as v from 'valibot'

/** Names one title: 16 characters of lower-case Crockford base 32 (80 random bits). */
export const mediaIdSchema = v.pipe(
  v.string(),
  v.regex(/^[0-9a-hjkmnp-tv-z]{16}$/, 'is not a media id'),
  v.brand('MediaId'),
)
export type MediaId = v.InferOutput<typeof mediaIdSchema>

/** SHA-1 of a real torrent's info dictionary (BEP 3): 40 lower-case hex digits. */
export const infoHashSchema = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]{40}$/, 'is not an info hash'),
  v.brand('InfoHash'),
)
export type InfoHash = v.InferOutput<typeof infoHashSchema>

/** @returns the id, or `null` when the text is not one. */
export function parseMediaId(text: unknown): MediaId | null {
  const result = v.safeParse(mediaIdSchema, text)
  return result.success ? result.output : null
}

/** @returns the info hash, or `null` when the text is not 40 lower-case hex digits. */
export function parseInfoHash(text: unknown): InfoHash | null {
  const result = v.safeParse(infoHashSchema, text)
  return result.success ? result.output : null
}
