// Whether the browser has what a title needs, told from its type before a byte is fetched. Only
// codecs that are known here are judged: of others, and of containers that the browser does not
// name but may play all the same, it shows when they play. The one table of codecs.
import type { PlaybackProblem } from './playback.ts'

export interface Codec {
  readonly kind: 'picture' | 'sound'
  readonly name: string
  /** A browser that says no to this spelling may play it all the same. */
  readonly unsure?: true
}

/** The first that fits is meant: what browsers answer for comes before the shorter spelling. */
const CODECS: readonly [prefix: string, codec: Codec][] = [
  ['avc1', { kind: 'picture', name: 'H.264' }],
  ['avc3', { kind: 'picture', name: 'H.264' }],
  ['avc', { kind: 'picture', name: 'H.264', unsure: true }],
  ['hev1', { kind: 'picture', name: 'H.265' }],
  ['hvc1', { kind: 'picture', name: 'H.265' }],
  ['hev', { kind: 'picture', name: 'H.265', unsure: true }],
  ['hvc', { kind: 'picture', name: 'H.265', unsure: true }],
  ['vp8', { kind: 'picture', name: 'VP8' }],
  ['vp09', { kind: 'picture', name: 'VP9' }],
  ['vp9', { kind: 'picture', name: 'VP9' }],
  ['av01', { kind: 'picture', name: 'AV1' }],
  ['mp4a.40', { kind: 'sound', name: 'AAC' }],
  ['mp4a.6b', { kind: 'sound', name: 'MP3', unsure: true }],
  ['mp4a', { kind: 'sound', name: 'AAC', unsure: true }],
  ['mp3', { kind: 'sound', name: 'MP3', unsure: true }],
  ['opus', { kind: 'sound', name: 'Opus' }],
  ['vorbis', { kind: 'sound', name: 'Vorbis' }],
  ['flac', { kind: 'sound', name: 'FLAC', unsure: true }],
  ['ac-3', { kind: 'sound', name: 'AC-3' }],
  ['ec-3', { kind: 'sound', name: 'E-AC-3' }],
  ['pcm', { kind: 'sound', name: 'PCM', unsure: true }],
]

/** @param name as it stands in a MIME type: `avc1.64001f` */
export function codecOf(name: string): Codec | undefined {
  const lower = name.toLowerCase()
  return CODECS.find(([prefix]) => lower.startsWith(prefix))?.[1]
}

/** @returns what a MIME type's `codecs` parameter lists: `vp9` and `opus` */
export function codecNames(type: string): string[] {
  const list = /;.*codecs\s*=\s*"?([^"]*)/.exec(type)?.[1] ?? ''
  return list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
}

/**
 * @param type MIME type with codecs: `video/mp4; codecs="hvc1.1.6.L93.90, mp4a.40.2"`
 * @param canPlay answers as `canPlayType` does: the empty string for "no"
 * @returns what to tell the viewer; `playsOn` when picture or sound plays without the other, and
 *   `null` when nothing speaks against it
 */
export function problemOfType(
  type: string,
  canPlay: (type: string) => string,
): PlaybackProblem | null {
  const container = type.split(';', 1)[0]?.trim() ?? ''
  if (canPlay(container) === '') return null
  let playable = 0
  const missing: Codec[] = []
  for (const name of codecNames(type)) {
    const codec = codecOf(name)
    const isJudged = codec !== undefined && codec.unsure !== true
    if (isJudged && canPlay(`${container}; codecs="${name}"`) === '') missing.push(codec)
    else playable += 1
  }
  const [first] = missing
  if (first === undefined) return null
  return {
    code: 'unsupported',
    message: playable > 0 ? sentenceOfPart(first) : sentenceOfAll(missing),
    retryable: false,
    playsOn: playable > 0,
  }
}

function sentenceOfPart({ kind, name }: Codec): string {
  const rest = kind === 'picture' ? 'Only its sound plays.' : 'Its picture plays without sound.'
  return `It has no decoder for the ${kind} (${name}). ${rest} Another browser may play all of it.`
}

function sentenceOfAll(missing: readonly Codec[]): string {
  const names = [...new Set(missing.map(({ name }) => name))].join(' and ')
  return `It has no decoder for ${names}. Another browser may have one.`
}
