// Subtitles of a title: WebVTT files (W3C WebVTT), one for each language and use.
import * as v from 'valibot'

/** Bytes of one file, at most: some hours of talk. */
export const MAX_TRACK_BYTES = 1024 * 1024
/** Of one title. */
export const MAX_TRACKS = 30

/** What a publisher says of a file; sent as the query of its upload. */
export const trackFactsSchema = v.object({
  /** BCP 47: `en`, `pt-BR`. */
  language: v.pipe(
    v.string('must be text'),
    v.regex(
      /^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$/,
      'must be a language code such as "en" or "pt-BR"',
    ),
  ),
  /** As viewers see it in the menu. */
  label: v.pipe(
    v.string('must be text'),
    v.regex(/^\P{Cc}*$/u, 'must be one line of text'),
    v.trim(),
    v.minLength(1, 'must not be empty'),
    v.maxLength(60, 'must have at most 60 characters'),
  ),
})
export type TrackFacts = v.InferOutput<typeof trackFactsSchema>

/** Subtitles as a record lists them. */
export const trackSchema = v.object({
  id: v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/)),
  language: v.string(),
  label: v.string(),
  /** Absolute; answers `text/vtt`. */
  url: v.string(),
})
export type Track = v.InferOutput<typeof trackSchema>

const TIMING =
  /^(\d{2,}:)?[0-5]\d:[0-5]\d\.\d{3}[ \t]+-->[ \t]+(\d{2,}:)?[0-5]\d:[0-5]\d\.\d{3}([ \t]|$)/m

/** @returns what is wrong with a WebVTT file, in words that follow "The file", or `null` */
export function faultOfWebVtt(text: string): string | null {
  const clean = text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n')
  if (!/^WEBVTT([ \t].*)?(\n|$)/.test(clean)) return 'does not begin with the word WEBVTT'
  if (clean.includes('\0')) return 'has characters that no text has'
  if (!TIMING.test(clean)) return 'has no subtitle with a time, as in "00:01.000 --> 00:04.000"'
  return null
}
