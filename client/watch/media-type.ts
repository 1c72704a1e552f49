const CODEC_NAMES: readonly [prefix: string, name: string][] = [
  ['avc', 'H.264'],
  ['hev', 'H.265'],
  ['hvc', 'H.265'],
  ['vp8', 'VP8'],
  ['vp09', 'VP9'],
  ['vp9', 'VP9'],
  ['av01', 'AV1'],
  ['mp4a.6b', 'MP3'],
  ['mp4a', 'AAC'],
  ['mp3', 'MP3'],
  ['opus', 'Opus'],
  ['vorbis', 'Vorbis'],
  ['flac', 'FLAC'],
  ['ac-3', 'AC-3'],
  ['ec-3', 'E-AC-3'],
  ['pcm', 'PCM'],
]

const CONTAINER_NAMES: Readonly<Record<string, string>> = {
  quicktime: 'QuickTime',
  'x-matroska': 'Matroska',
  matroska: 'Matroska',
  mpeg: 'MP3',
  mp4: 'MP4',
  webm: 'WebM',
  ogg: 'Ogg',
  wav: 'WAV',
  flac: 'FLAC',
}

/**
 * Says a MIME type in the words of people.
 * @param type `video/webm; codecs="vp9, opus"`
 * @returns `WebM (VP9, Opus)`; what is not known is said as it stands
 */
export function describeType(type: string): string {
  const [essence = '', ...parameters] = type.split(';')
  const subtype = essence.trim().split('/')[1] ?? essence.trim()
  const container = CONTAINER_NAMES[subtype] ?? subtype
  const list = parameters.join(';').match(/codecs\s*=\s*"?([^"]*)/)?.[1] ?? ''
  const codecs = list
    .split(',')
    .map((codec) => codec.trim())
    .filter((codec) => codec !== '')
    .map((codec) => {
      const known = CODEC_NAMES.find(([prefix]) => codec.toLowerCase().startsWith(prefix))
      return known?.[1] ?? codec
    })
    .filter((name) => name !== container)
  return codecs.length === 0 ? container : `${container} (${codecs.join(', ')})`
}
