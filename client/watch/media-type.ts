// What a title's type is called by people.
import { codecNames, codecOf } from '../playback/codec-support.ts'

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
  const essence = type.split(';', 1)[0]?.trim() ?? ''
  const subtype = essence.split('/')[1] ?? essence
  const container = CONTAINER_NAMES[subtype] ?? subtype
  const codecs = codecNames(type)
    .map((codec) => codecOf(codec)?.name ?? codec)
    .filter((name) => name !== container)
  return codecs.length === 0 ? container : `${container} (${codecs.join(', ')})`
}
