// Whether a message of the peer wire protocol (BEP 3, 6, 10) makes sense for a title. WebTorrent takes
// what comes: it waits for messages of 2 GB, reads numbers that are not there as 0, and counts pieces
// that no file has. Pure.
import { lengthOfPiece, type PieceIndex, type PieceLayout } from '#protocol/pieces.ts'

/** Numbers of the messages that are looked at closer, here or by whoever counts them. */
export const MESSAGE = {
  have: 4,
  bitfield: 5,
  request: 6,
  piece: 7,
  cancel: 8,
  port: 9,
  suggest: 13,
  haveAll: 14,
  haveNone: 15,
  reject: 16,
  allowedFast: 17,
  extended: 20,
} as const

/** A block of 128 KiB, the bitfield of a title of 4 TB and any extension message fit in. */
export const MAX_MESSAGE_BYTES = 256 * 1024
/** An extended handshake names a dozen extensions at most, and may bring a few numbers besides. */
const MAX_HANDSHAKE_BYTES = 4096
/** Nobody asks for more at once, and WebTorrent sends no more. */
const MAX_BLOCK_BYTES = 128 * 1024

/** Bytes after the message's number, where that is fixed. */
const FIXED_BYTES: Readonly<Record<number, number>> = {
  0: 0, // choke
  1: 0, // unchoke
  2: 0, // interested
  3: 0, // not interested
  [MESSAGE.have]: 4,
  [MESSAGE.request]: 12,
  [MESSAGE.cancel]: 12,
  [MESSAGE.port]: 2,
  [MESSAGE.suggest]: 4,
  [MESSAGE.haveAll]: 0,
  [MESSAGE.haveNone]: 0,
  [MESSAGE.reject]: 12,
  [MESSAGE.allowedFast]: 4,
}

/**
 * @param message without its length, at least one byte
 * @returns what is wrong with it, or `null`; messages of unknown kinds are left to others
 */
export function faultOf(message: Uint8Array, layout: PieceLayout): string | null {
  const kind = message[0] as number
  const bytes = message.length - 1
  if (FIXED_BYTES[kind] !== undefined && FIXED_BYTES[kind] !== bytes) {
    return `message ${kind} has ${bytes} bytes`
  }
  switch (kind) {
    case MESSAGE.have:
    case MESSAGE.suggest:
    case MESSAGE.allowedFast:
      return uint32(message, 1) < layout.count ? null : `no piece ${uint32(message, 1)}`
    case MESSAGE.bitfield:
      return bitfieldFault(message.subarray(1), layout)
    case MESSAGE.request:
    case MESSAGE.cancel:
    case MESSAGE.reject:
      return blockFault(message, uint32(message, 9), layout)
    case MESSAGE.piece:
      return bytes < 8 ? 'half a block' : blockFault(message, bytes - 8, layout)
    case MESSAGE.extended:
      if (bytes < 1) return 'no extension named'
      return message[1] === 0 && bytes > MAX_HANDSHAKE_BYTES
        ? `a handshake of ${bytes} bytes`
        : null
    default:
      return null
  }
}

/** One bit for each piece, and none besides. */
function bitfieldFault(bits: Uint8Array, { count }: PieceLayout): string | null {
  if (bits.length !== Math.ceil(count / 8)) return `a bitfield of ${bits.length} bytes`
  const spare = bits.length * 8 - count
  const last = bits[bits.length - 1] as number
  return (last & ((1 << spare) - 1)) === 0 ? null : 'a bitfield with pieces that there are not'
}

function blockFault(message: Uint8Array, length: number, layout: PieceLayout): string | null {
  const [index, offset] = [uint32(message, 1), uint32(message, 5)]
  if (index >= layout.count) return `no piece ${index}`
  if (length === 0 || length > MAX_BLOCK_BYTES) return `a block of ${length} bytes`
  const end = lengthOfPiece(layout, index as PieceIndex)
  return offset + length <= end ? null : `a block behind the end of piece ${index}`
}

/** Big endian. */
export function uint32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at)
}
