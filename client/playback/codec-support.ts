// Whether the browser has what a title needs, told from its type before a byte is fetched. Only
// codecs that are known here are judged: of others, and of containers that the browser does not
// name but may play all the same, it shows when they play.
import type { PlaybackProblem } from './playback.ts'

interface Codec {
  readonly kind: 'picture' | 'sound'
  readonly name: string
}

const CODECS: readonly [prefix: string, codec: Codec][] = [
  ['avc1', { kind: 'picture', name: 'H.264' }],
  ['avc3', { kind: 'picture', name: 'H.264' }],
  ['hev1', { kind: 'picture', name: 'H.265' }],
  ['hvc1', { kind: 'picture', name: 'H.265' }],
  ['vp8', { kind: 'picture', name: 'VP8' }],
  ['vp09', { kind: 'picture', name: 'VP9' }],
  ['vp9', { kind: 'picture', name: 'VP9' }],
  ['av01', { kind: 'picture', name: 'AV1' }],
  ['mp4a.40', { kind: 'sound', name: 'AAC' }],
  ['opus', { kind: 'sound', name: 'Opus' }],
  ['vorbis', { kind: 'sound', name: 'Vorbis' }],
  ['ac-3', { kind: 'sound', name: 'AC-3' }],
  ['ec-3', { kind: 'sound', name: 'E-AC-3' }],
]

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
  const [container = '', ...parameters] = type.split(';')
  if (canPlay(container.trim()) === '') return null
  const list = /codecs\s*=\s*"?([^"]*)/.exec(parameters.join(';'))?.[1] ?? ''
  const names = list.split(',').map((name) => name.trim())
  let playable = 0
  const missing: Codec[] = []
  for (const name of names.filter((each) => each !== '')) {
    const known = CODECS.find(([prefix]) => name.toLowerCase().startsWith(prefix))?.[1]
    if (known && canPlay(`${container.trim()}; codecs="${name}"`) === '') missing.push(known)
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
