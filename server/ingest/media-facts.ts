// What an upload turned out to be, read from its bytes, and the containers that are accepted.
import * as v from 'valibot'

/** Containers that some current browser plays from a plain `<video src>`. */
const CONTAINERS = ['mp4', 'mov', 'webm', 'mkv', 'ogg', 'mp3', 'wav', 'flac', 'aac'] as const
export type Container = (typeof CONTAINERS)[number]

/** For error messages. */
export const ACCEPTED =
  'Slipstream takes MP4, MOV, WebM, Matroska, Ogg, MP3, M4A, AAC, FLAC and WAV files.'

/** What the bytes say, whatever name and type came with them. */
export const mediaFactsSchema = v.object({
  container: v.picklist(CONTAINERS),
  /** MIME type with codecs: `video/webm; codecs="vp9, opus"`. */
  type: v.string(),
  /** Seconds, or `null` when the container does not say. */
  duration: v.nullable(v.number()),
  /** Pixels as displayed, or `null` for audio. */
  width: v.nullable(v.number()),
  height: v.nullable(v.number()),
  hasVideo: v.boolean(),
  hasAudio: v.boolean(),
  /** Bytes of the file. */
  size: v.number(),
  /** False when a player must read the end of the file before it can start (MP4 with `moov` last). */
  fastStart: v.boolean(),
})
export type MediaFacts = v.InferOutput<typeof mediaFactsSchema>

/** @returns the file name extensions that fit, without a dot, the usual one first. */
export function extensionsOf(
  facts: Pick<MediaFacts, 'container' | 'hasVideo'>,
): readonly [string, ...string[]] {
  switch (facts.container) {
    case 'mp4':
      return facts.hasVideo ? ['mp4', 'm4v'] : ['m4a', 'mp4', 'm4b']
    case 'mov':
      return ['mov', 'qt']
    case 'webm':
      return facts.hasVideo ? ['webm'] : ['webm', 'weba']
    case 'mkv':
      return facts.hasVideo ? ['mkv'] : ['mka', 'mkv']
    case 'ogg':
      return facts.hasVideo ? ['ogv', 'ogg', 'ogx'] : ['ogg', 'oga', 'opus']
    case 'aac':
      return ['aac', 'adts']
    default:
      return [facts.container]
  }
}
