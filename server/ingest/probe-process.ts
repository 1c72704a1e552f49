// Child process that reads files with mediabunny, one from disk, or one after the other by asking its
// parent for bytes, and sends what they are. It runs apart, because a malicious file may keep a parser
// busy or fill its memory: then this process dies, not the server; and because the memory that even a
// good file takes goes away with it.
import { setTimeout as delay } from 'node:timers/promises'
import {
  ADTS,
  CustomSource,
  EncodedPacketSink,
  FilePathSource,
  FLAC,
  Input,
  type InputFormat,
  MATROSKA,
  MP3,
  MP4,
  OGG,
  QTFF,
  type Source,
  UnsupportedInputFormatError,
  WAVE,
  WEBM,
} from 'mediabunny'
import * as v from 'valibot'
import type { Container, MediaFacts } from './media-facts.ts'

/** A file that is not on this machine. */
export interface RemoteFile {
  /** Counts the files of a process. */
  readonly file: number
  /** Bytes. */
  readonly size: number
}

/** The process asks for bytes `start` to `end`, exclusive, of a file that is not on this machine. */
export interface BytesRequest {
  readonly file: number
  readonly request: number
  readonly start: number
  readonly end: number
}

/** The parent's answer. */
export type BytesAnswer =
  | { readonly request: number; readonly bytes: Uint8Array }
  | { readonly request: number; readonly failed: string }

/** What the process sends, after `{ready: true}`. */
export type Finding =
  | { readonly facts: Omit<MediaFacts, 'size' | 'fastStart'> }
  /** `reason` is a sentence for a person. */
  | { readonly refused: string }
  /** Not the file's fault: reading failed. */
  | { readonly failed: string }

const FORMATS = new Map<InputFormat, Container>([
  [MP4, 'mp4'],
  [QTFF, 'mov'],
  [MATROSKA, 'mkv'],
  [WEBM, 'webm'],
  [WAVE, 'wav'],
  [OGG, 'ogg'],
  [FLAC, 'flac'],
  [MP3, 'mp3'],
  [ADTS, 'aac'],
])
/** Time for adding up a duration that the container does not state, milliseconds. */
const DURATION_PATIENCE = 5_000

const waiting = new Map<number, (answer: BytesAnswer) => void>()
let last = 0

/** A read in small portions is a request each time: what comes behind is likely to be wanted. */
function remoteSource({ file, size }: RemoteFile): Source {
  return new CustomSource({
    getSize: () => size,
    async read(start, end) {
      const request = ++last
      const answer = await new Promise<BytesAnswer>((resolve) => {
        waiting.set(request, resolve)
        process.send?.({ file, request, start, end } satisfies BytesRequest)
      })
      if ('bytes' in answer) return answer.bytes
      throw Object.assign(new Error(answer.failed), { syscall: 'read' })
    },
    prefetchProfile: 'network',
    handleUnhandledError: () => {},
  })
}

async function examine(source: Source): Promise<Finding> {
  using input = new Input({
    source,
    formats: [...FORMATS.keys()],
  })
  try {
    const container = FORMATS.get(await input.getFormat())
    if (container === undefined) return { refused: 'It is neither video nor audio.' }
    const video = await input.getPrimaryVideoTrack()
    const audio = await input.getPrimaryAudioTrack()
    const main = video ?? audio
    if (main === null) return { refused: 'It has no video and no sound in it.' }
    if ((await main.getCodec()) === null) {
      const codec = await main.getInternalCodecId()
      const name = typeof codec === 'string' ? ` (${JSON.stringify(codec.slice(0, 40))})` : ''
      const what = video === null ? 'sound' : 'video'
      return {
        refused: `Its ${what} is encoded in a way${name} that browsers cannot play. Convert it to H.264 or VP9 first.`,
      }
    }
    const first = await new EncodedPacketSink(main).getFirstPacket()
    if (first === null || first.byteLength === 0) {
      return { refused: 'It is damaged or cut short: there is nothing in it to play.' }
    }
    return {
      facts: {
        container,
        type: await input.getMimeType(),
        duration: await durationOf(input),
        width: video && Math.round(await video.getDisplayWidth()),
        height: video && Math.round(await video.getDisplayHeight()),
        hasVideo: video !== null,
        hasAudio: audio !== null,
      },
    }
  } catch (error) {
    if (error instanceof UnsupportedInputFormatError) {
      return { refused: 'It is neither video nor audio in a format that browsers play.' }
    }
    if ((error as NodeJS.ErrnoException | null)?.syscall !== undefined) {
      return { failed: String(error) }
    }
    return { refused: 'It is damaged or cut short: its structure cannot be read.' }
  }
}

/** @returns seconds, or `null` when the container does not say and adding up takes too long. */
async function durationOf(input: Input): Promise<number | null> {
  const stated = await input.getDurationFromMetadata()
  const given =
    stated ??
    (await Promise.race([
      input.computeDuration().catch(() => null),
      delay(DURATION_PATIENCE, null, { ref: false }),
    ]))
  return given !== null && Number.isFinite(given) && given > 0 ? given : null
}

const send = (message: Finding | { readonly ready: true }): Promise<void> =>
  new Promise((resolve) => process.send?.(message, () => resolve()))

async function report(source: Source): Promise<void> {
  await send({ ready: true })
  await send(await examine(source))
}

/** Of a file on disk, or none: its parent sends what to read. */
const [, , path] = v.parse(v.tuple([v.string(), v.string(), v.optional(v.string())]), process.argv)
if (path === undefined) {
  process.on('message', (message: RemoteFile | BytesAnswer) => {
    if ('size' in message) return void report(remoteSource(message))
    waiting.get(message.request)?.(message)
    waiting.delete(message.request)
  })
} else {
  await report(new FilePathSource(path, { handleUnhandledError: () => {} }))
  process.exit(0)
}
