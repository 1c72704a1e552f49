import { expect, test } from 'vitest'
import { sampleRange } from './samples.ts'

const SIZE = 10_000_000

const bytes = (...parts: readonly (string | readonly number[])[]): Uint8Array =>
  Uint8Array.from(
    parts.flatMap((part) =>
      typeof part === 'string' ? [...part].map((character) => character.charCodeAt(0)) : part,
    ),
  )
const uint32 = (value: number) => [
  value >>> 24,
  (value >> 16) & 255,
  (value >> 8) & 255,
  value & 255,
]
const box = (type: string, length: number, present = length) =>
  bytes(uint32(length), type, new Array<number>(Math.max(0, present - 8)).fill(0))
const join = (...parts: readonly Uint8Array[]) =>
  Uint8Array.from(parts.flatMap((part) => [...part]))

test('the samples of an MP4 that starts fast begin after its moov, however much of it is there', () => {
  const head = join(box('ftyp', 32), box('moov', 5_000_000, 40))
  expect(sampleRange(head, SIZE)).toEqual({ start: 5_000_032, end: SIZE })
  const whole = join(box('ftyp', 32), box('moov', 400), box('free', 8), box('mdat', 9_000_000, 20))
  expect(sampleRange(whole, SIZE)).toEqual({ start: 440, end: SIZE })
})

test('an MP4 with its moov last must have it whole too', () => {
  const head = join(box('ftyp', 32), box('free', 8), box('mdat', 9_000_000, 40))
  expect(sampleRange(head, SIZE)).toEqual({ start: 40, end: 9_000_040 })
  const long = join(box('ftyp', 32), bytes(uint32(1), 'mdat', uint32(0), uint32(9_900_000)))
  expect(sampleRange(long, SIZE)).toEqual({ start: 32, end: 9_900_032 })
})

test('the samples of a WebM begin with its first cluster', () => {
  const ebml = bytes([0x1a, 0x45, 0xdf, 0xa3, 0x84, 1, 2, 3, 4])
  const segment = bytes([0x18, 0x53, 0x80, 0x67, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])
  const info = bytes([0x15, 0x49, 0xa9, 0x66, 0x82, 0, 0])
  const cues = bytes([0x1c, 0x53, 0xbb, 0x6b, 0x10, 0x03, 0x00, 0x00]) // 196,608 bytes
  const cluster = bytes([0x1f, 0x43, 0xb6, 0x75, 0xff, 0xe7])
  const head = join(ebml, segment, info)
  expect(sampleRange(join(head, cluster), SIZE).start).toBe(head.length)
  expect(sampleRange(join(head, cues), SIZE).start).toBe(head.length + cues.length + 196_608)
})

test('lengths of eight bytes, as ffmpeg writes them, are read to the byte', () => {
  const ebml = bytes([0x1a, 0x45, 0xdf, 0xa3, 0x84, 1, 2, 3, 4])
  const segment = bytes([0x18, 0x53, 0x80, 0x67, 0x01, 0, 0, 0, 0, 0x87, 0xf7, 0xcc])
  const gap = bytes([0xec, 0x01, 0, 0, 0, 0, 0, 0, 0x05], new Array(5).fill(0))
  const cluster = bytes([0x1f, 0x43, 0xb6, 0x75, 0xff, 0xe7])
  const head = join(ebml, segment, gap)
  expect(sampleRange(join(head, cluster), SIZE).start).toBe(head.length)
})

test('a tag with a picture comes before the sound', () => {
  expect(sampleRange(bytes('ID3', [4, 0, 0, 0, 1, 0, 0]), SIZE).start).toBe(10 + 16_384)
})

test('of anything else every byte may be a sample, and no lie leads out of the file', () => {
  expect(sampleRange(bytes('OggS', new Array(30).fill(0)), SIZE)).toEqual({ start: 0, end: SIZE })
  expect(sampleRange(bytes(), SIZE)).toEqual({ start: 0, end: SIZE })
  expect(sampleRange(bytes([0x1a, 0x45, 0xdf, 0xa3, 0, 0, 0]), SIZE).end).toBe(SIZE)
  const absurd = join(box('ftyp', 32), bytes(uint32(0xffffffff), 'moov'))
  expect(sampleRange(absurd, SIZE)).toEqual({ start: SIZE, end: SIZE })
  const endless = join(box('ftyp', 32), box('mdat', 0, 40))
  expect(sampleRange(endless, SIZE)).toEqual({ start: 32, end: SIZE })
})
