// The outermost structure of a file, read by ourselves with a few small positional reads: what it
// is at first sight, whether it ends where its container says, and whether an MP4 starts fast.
// Content is never trusted: reads are bounded, sizes may lie.
/** What the first bytes look like. `name` is for a person; `convert`: media, but not for browsers. */
type FirstSight =
  | { readonly kind: 'iso' | 'matroska' | 'unknown' }
  | { readonly kind: 'refused'; readonly name: string; readonly convert: boolean }

export interface Layout {
  readonly firstSight: FirstSight
  /** The container announces more bytes than there are. */
  readonly cutShort: boolean
  /** A header that no real file has. */
  readonly absurd: boolean
  /** False when media data come before `moov`. */
  readonly fastStart: boolean
}

const HEAD_BYTES = 512
const MAX_BOXES = 200_000 // one fragment per second for a whole day has 172,800
const MAX_MOOV_BYTES = 256 * 1024 ** 2 // ten hours of video have about 20 MiB

/** @returns bytes of a file from a position on; fewer than `length` only at its end */
export type ReadAt = (position: number, length: number) => Promise<Buffer>

/**
 * @param size bytes of the file
 * @param mostBoxes where each read is a request, fewer are looked at: what matters comes first
 */
export async function readLayout(
  readAt: ReadAt,
  size: number,
  mostBoxes = MAX_BOXES,
): Promise<Layout> {
  const head = await readAt(0, HEAD_BYTES)
  const firstSight = lookAt(head)
  if (firstSight.kind === 'iso') {
    return { firstSight, ...(await readBoxes(readAt, size, mostBoxes)) }
  }
  const cutShort = firstSight.kind === 'matroska' && matroskaEnd(head) > size
  return { firstSight, cutShort, absurd: false, fastStart: true }
}

/** Boxes that start an MP4 or QuickTime file, with or without `ftyp`. */
const FIRST_BOXES = ['ftyp', 'styp', 'moov', 'mdat', 'wide', 'free', 'skip', 'pnot', 'uuid']
/** Boxes that matter for playback; the end of any other may lie beyond the file. */
const NEEDED_BOXES = ['mdat', 'moov', 'moof']
const PICTURE_BRANDS = ['avif', 'avis', 'heic', 'heix', 'hevc', 'heim', 'heis', 'mif1', 'msf1']

/** Well-known first bytes of what cannot be played, for a helpful answer. Latin-1. */
const SIGNATURES: readonly [at: number, bytes: string, name: string, convert?: true][] = [
  [0, '\x89PNG', 'a PNG picture'],
  [0, '\xff\xd8\xff', 'a JPEG picture'],
  [0, 'GIF8', 'a GIF picture'],
  [8, 'WEBP', 'a WebP picture'],
  [0, 'BM', 'a bitmap picture'],
  [0, 'II*\0', 'a TIFF picture'],
  [0, 'MM\0*', 'a TIFF picture'],
  [0, 'PK\x03\x04', 'a ZIP archive or an office document'],
  [0, 'PK\x05\x06', 'an empty ZIP archive'],
  [0, '\x1f\x8b', 'a gzip archive'],
  [0, '7z\xbc\xaf', 'a 7-Zip archive'],
  [0, 'Rar!', 'a RAR archive'],
  [0, '\xfd7zXZ', 'an xz archive'],
  [257, 'ustar', 'a tar archive'],
  [0, '%PDF', 'a PDF document'],
  [0, '\x7fELF', 'a program'],
  [0, 'MZ', 'a Windows program'],
  [0, '#EXTM3U', 'a playlist, not the media it names'],
  [8, 'AVI ', 'an AVI video', true],
  [0, 'FLV\x01', 'a Flash video', true],
  [0, '\x30\x26\xb2\x75\x8e\x66\xcf\x11', 'a Windows Media file', true],
  [0, '\0\0\x01\xba', 'an MPEG program stream', true],
  [0, '\0\0\x01\xb3', 'an MPEG video stream', true],
  [0, '.RMF', 'a RealMedia file', true],
  [0, 'FORM', 'an AIFF file', true],
  [28, '\x80theora', 'a Theora video', true],
]

function lookAt(head: Buffer): FirstSight {
  const text = head.toString('latin1')
  const boxType = text.slice(4, 8)
  if (boxType === 'ftyp' && PICTURE_BRANDS.includes(text.slice(8, 12))) {
    return { kind: 'refused', name: 'a HEIF or AVIF picture', convert: false }
  }
  if (FIRST_BOXES.includes(boxType)) return { kind: 'iso' }
  if (text.startsWith('\x1a\x45\xdf\xa3')) return { kind: 'matroska' }
  for (const [at, bytes, name, convert = false] of SIGNATURES) {
    if (text.startsWith(bytes, at)) return { kind: 'refused', name, convert }
  }
  if (text[0] === 'G' && text[188] === 'G' && text[376] === 'G') {
    return { kind: 'refused', name: 'an MPEG transport stream', convert: true }
  }
  if (isText(head)) {
    const name = /^\s*(<!doctype|<html)/i.test(text) ? 'a web page' : 'a text file'
    return { kind: 'refused', name, convert: false }
  }
  return { kind: 'unknown' }
}

function isText(head: Buffer): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what tells bytes from text
  if (/[\0-\x08\x0e-\x1a\x1c-\x1f]/.test(head.toString('latin1'))) return false
  const end = head.length < HEAD_BYTES ? head.length : HEAD_BYTES - 3 // may tear a character
  return !head
    .toString('utf8')
    .slice(0, end - 3)
    .includes('\ufffd')
}

/** Walks the top-level boxes of an MP4 or QuickTime file (ISO/IEC 14496-12, 4.2). */
async function readBoxes(
  readAt: ReadAt,
  size: number,
  mostBoxes: number,
): Promise<Omit<Layout, 'firstSight'>> {
  let fastStart: boolean | null = null
  let absurd = false
  let at = 0
  for (let count = 0; count < mostBoxes && at + 8 <= size; count++) {
    const header = await readAt(at, 16)
    const type = header.toString('latin1', 4, 8)
    let length = header.readUInt32BE(0)
    if (length === 0) length = size - at // to the end of the file
    if (length === 1 && header.length === 16) length = Number(header.readBigUInt64BE(8))
    if (length < 8) break // padding or garbage at the end
    const needed = NEEDED_BOXES.includes(type)
    if (needed) fastStart ??= type === 'moov'
    if (needed && at + length > size) return { cutShort: true, absurd, fastStart: false }
    if (type === 'moov' && length > MAX_MOOV_BYTES) absurd = true
    at += length
  }
  return { cutShort: false, absurd, fastStart: fastStart ?? true }
}

/** @returns where the segment ends, 0 when it does not say (RFC 8794, RFC 9559). */
function matroskaEnd(head: Buffer): number {
  const ebml = readVint(head, 4)
  if (ebml?.value == null) return 0
  const segment = ebml.end + ebml.value
  if (segment + 12 > head.length || head.readUInt32BE(segment) !== 0x18538067) return 0
  const length = readVint(head, segment + 4)
  return length?.value == null ? 0 : length.end + length.value
}

/** @returns an EBML length, `value` is `null` when it says "unknown". */
function readVint(bytes: Buffer, at: number): { value: number | null; end: number } | null {
  const first = bytes[at]
  if (first === undefined || first === 0) return null
  const width = Math.clz32(first) - 23
  if (at + width > bytes.length) return null
  let value = BigInt(first & (0xff >> width))
  for (let i = 1; i < width; i++) value = (value << 8n) | BigInt(bytes[at + i] ?? 0)
  const unknown = value === (1n << BigInt(7 * width)) - 1n
  return { value: unknown ? null : Number(value), end: at + width }
}
