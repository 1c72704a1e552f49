import { expect, test } from 'vitest'
import { pieceLayout } from '#protocol/pieces.ts'
import { faultOf, MESSAGE } from './wire-messages.ts'

/** 12 pieces, the last one of 1,000 bytes. */
const layout = pieceLayout(11 * 256 * 1024 + 1000)

function message(kind: number, ...parts: (number | readonly number[])[]): Uint8Array {
  const bytes = parts.flatMap((part) =>
    typeof part === 'number' ? [part >>> 24, part >>> 16, part >>> 8, part] : part,
  )
  return Uint8Array.from([kind, ...bytes.map((byte) => byte & 255)])
}
const block = (bytes: number) => Array.from({ length: bytes }, () => 1)

test.each<[string, Uint8Array]>([
  ['a choke', message(0)],
  ['a have of the last piece', message(MESSAGE.have, 11)],
  ['a bitfield', message(MESSAGE.bitfield, [0xff, 0xf0])],
  ['a request up to the end', message(MESSAGE.request, 11, 0, 1000)],
  ['a request of 128 KiB', message(MESSAGE.request, 0, 0, 128 * 1024)],
  ['a block', message(MESSAGE.piece, 11, 900, block(100))],
  ['an extended message', message(MESSAGE.extended, [3])],
  ['an extended handshake', message(MESSAGE.extended, [0], block(1000))],
  ['a long extended message', message(MESSAGE.extended, [3], block(20_000))],
  ['a message from the future', message(99, [1, 2, 3])],
])('%s makes sense', (_what, bytes) => {
  expect(faultOf(bytes, layout)).toBeNull()
})

test.each<[string, Uint8Array]>([
  ['a choke with something behind it', message(0, [1])],
  ['a have without a number', message(MESSAGE.have)],
  ['a have of a piece that there is not', message(MESSAGE.have, 12)],
  ['a have of a piece with a negative number', message(MESSAGE.have, 0xffff_ffff)],
  ['a bitfield that is too short', message(MESSAGE.bitfield, [0xff])],
  ['a bitfield that is too long', message(MESSAGE.bitfield, [0xff, 0xf0, 0])],
  ['a bitfield with a thirteenth piece', message(MESSAGE.bitfield, [0xff, 0xf8])],
  ['a request of nothing', message(MESSAGE.request, 0, 0, 0)],
  ['a request behind the end of a piece', message(MESSAGE.request, 11, 990, 11)],
  ['a request of more than 128 KiB', message(MESSAGE.request, 0, 0, 128 * 1024 + 1)],
  ['a refusal of a piece that there is not', message(MESSAGE.reject, 12, 0, 100)],
  ['half a block', message(MESSAGE.piece, 0)],
  ['an empty block', message(MESSAGE.piece, 0, 0)],
  ['a block behind the end of a piece', message(MESSAGE.piece, 11, 901, block(100))],
  ['a fast piece that there is not', message(MESSAGE.allowedFast, 12)],
  ['an extended message of no extension', message(MESSAGE.extended)],
  ["an extended handshake of a book's length", message(MESSAGE.extended, [0], block(4096))],
])('%s makes none', (_what, bytes) => {
  expect(faultOf(bytes, layout)).toEqual(expect.any(String))
})
