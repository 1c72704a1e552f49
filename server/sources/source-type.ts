// Whether what a source calls its file is media that some current browser plays, by the type that it
// names or, where it names none that says anything, by the name. The bytes are looked at later, when
// the torrent is built. Pure.
import { type Container, extensionsOf } from '../ingest/media-facts.ts'

export interface NamedType {
  /** MIME type without parameters. */
  readonly type: string
  /** File name extensions that fit, without a dot, the usual one first. */
  readonly extensions: readonly [string, ...string[]]
}

type Kind = readonly [type: string, container: Container, hasVideo: boolean, ...aliases: string[]]

/** Of two that share an extension, the first is meant by it. */
const KINDS: readonly Kind[] = [
  ['video/mp4', 'mp4', true, 'video/x-m4v', 'application/mp4'],
  ['audio/mp4', 'mp4', false, 'audio/x-m4a', 'audio/m4a', 'audio/x-m4b'],
  ['video/quicktime', 'mov', true],
  ['video/webm', 'webm', true],
  ['audio/webm', 'webm', false],
  ['video/x-matroska', 'mkv', true, 'video/matroska', 'application/x-matroska'],
  ['audio/x-matroska', 'mkv', false, 'audio/matroska'],
  ['audio/ogg', 'ogg', false, 'audio/opus', 'audio/x-opus+ogg'],
  ['video/ogg', 'ogg', true],
  ['audio/mpeg', 'mp3', false, 'audio/mp3', 'audio/mpeg3', 'audio/x-mpeg'],
  ['audio/wav', 'wav', false, 'audio/x-wav', 'audio/wave', 'audio/vnd.wave'],
  ['audio/flac', 'flac', false, 'audio/x-flac'],
  ['audio/aac', 'aac', false, 'audio/aacp', 'audio/x-aac'],
]

/** Types that say nothing. */
const UNTOLD = [null, 'application/octet-stream', 'binary/octet-stream', 'application/ogg']

/**
 * @param type MIME type without parameters, in lower case, or `null`
 * @param filename any text
 * @returns `null` when it is not media, or such that no browser plays it
 */
export function namedType(type: string | null, filename: string): NamedType | null {
  const extension = /\.([a-z0-9]{1,5})$/i.exec(filename.trim())?.[1]?.toLowerCase()
  const kind = UNTOLD.includes(type)
    ? KINDS.find((one) => extension !== undefined && extensionsFor(one).includes(extension))
    : KINDS.find(([name, , , ...aliases]) => type !== null && [name, ...aliases].includes(type))
  return kind === undefined ? null : { type: kind[0], extensions: extensionsFor(kind) }
}

function extensionsFor([, container, hasVideo]: Kind): readonly [string, ...string[]] {
  return extensionsOf({ container, hasVideo })
}
