// Where a file's samples lie, from its first bytes: what comes before them (and in some files after
// them) a player must have whole before it can play anything. Sizes may lie: they are only hints.
// Boxes: ISO/IEC 14496-12 §4.2; elements: RFC 8794 §4 and 5, RFC 9559; tags: ID3v2.4 §3.1.
import type { ByteRange } from './reader.ts'

/**
 * @param head the first bytes of the file, the more the better
 * @param size bytes of the file
 * @returns the bytes from the first sample to the last one, as far as `head` shows
 */
export function sampleRange(head: Uint8Array, size: number): ByteRange {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
  const { start, end = size } = isMatroska(view) ? clusters(view) : (tag(view) ?? boxes(view))
  return { start: Math.min(start, size), end: Math.min(end, size) }
}

interface Found {
  readonly start: number
  /** Left out: the end of the file. */
  readonly end?: number
}

const BOX_TYPES = ['ftyp', 'styp', 'moov', 'mdat', 'moof', 'sidx', 'free', 'skip', 'wide', 'uuid']

function boxes(view: DataView): Found {
  let at = 0
  let isDescribed = false
  while (at + 8 <= view.byteLength) {
    const type = text(view, at + 4, 4)
    if (!BOX_TYPES.includes(type)) return { start: at === 0 ? 0 : at }
    const length = boxLength(view, at)
    if (type === 'mdat' || type === 'moof') {
      // Described by what came before, or by what follows it, which then is read first.
      return isDescribed || length === null ? { start: at } : { start: at, end: at + length }
    }
    if (length === null) return { start: at }
    isDescribed ||= type === 'moov'
    at += length
  }
  return { start: at }
}

/** @returns bytes of the box, or `null` when it goes on to the end of the file or makes no sense */
function boxLength(view: DataView, at: number): number | null {
  const short = view.getUint32(at)
  if (short !== 1) return short >= 8 ? short : null
  if (at + 16 > view.byteLength) return null
  const long = Number(view.getBigUint64(at + 8))
  return long >= 16 ? long : null
}

const EBML = 0x1a45dfa3
const SEGMENT = 0x18538067
const CLUSTER = 0x1f43b675

function isMatroska(view: DataView): boolean {
  return view.byteLength >= 4 && view.getUint32(0) === EBML
}

function clusters(view: DataView): Found {
  let at = 0
  while (at < view.byteLength) {
    const id = variableInteger(view, at)
    const length = id && variableInteger(view, at + id.bytes)
    if (!id || !length || id.raw === CLUSTER) break
    const body = at + id.bytes + length.bytes
    if (id.raw !== SEGMENT && length.isUnknown) break
    at = id.raw === SEGMENT ? body : body + length.value
  }
  return { start: at }
}

/** @returns the integer with (`raw`, as in ids) and without its length marker */
function variableInteger(view: DataView, at: number) {
  const bytes = at < view.byteLength ? Math.clz32(view.getUint8(at)) - 23 : 9
  if (bytes > 8 || at + bytes > view.byteLength) return null
  // The marker first: with it, eight bytes are more than a number can tell apart.
  let value = view.getUint8(at) - 2 ** (8 - bytes)
  for (let i = 1; i < bytes; i += 1) value = value * 256 + view.getUint8(at + i)
  const marker = 2 ** (7 * bytes)
  return { bytes, raw: marker + value, value, isUnknown: value === marker - 1 }
}

/** Sound with a tag, which may have a picture of megabytes. */
function tag(view: DataView): Found | null {
  if (view.byteLength < 10 || text(view, 0, 3) !== 'ID3') return null
  let length = 0
  for (let at = 6; at < 10; at += 1) length = length * 128 + (view.getUint8(at) & 0x7f)
  return { start: 10 + length }
}

function text(view: DataView, at: number, length: number): string {
  const codes = Array.from({ length }, (_, i) => view.getUint8(at + i))
  return String.fromCharCode(...codes)
}
