import { afterEach, expect, test } from 'vitest'
import { base64Of, bytesOfHex, completeByteEncodings } from './byte-encodings.ts'
import { hexOf } from './hex.ts'

/** Every length up to three groups of Base64, and every byte. */
const samples = [
  ...Array.from({ length: 10 }, (_, length) => Uint8Array.from({ length }, (_, i) => 255 - i * 29)),
  Uint8Array.from({ length: 256 }, (_, i) => i),
  new Uint8Array(new ArrayBuffer(16), 3, 5).fill(0xfb), // a part of a buffer
]
const buffer = (bytes: Uint8Array) => Buffer.from(bytes)

test.each(samples)('%o is written as Buffer writes it', (sample) => {
  expect(hexOf(sample)).toBe(buffer(sample).toString('hex'))
  expect(base64Of(sample)).toBe(buffer(sample).toString('base64'))
})

test('hex is read in capitals and small letters', () => {
  expect(bytesOfHex('')).toEqual(new Uint8Array(0))
  expect(bytesOfHex('00fFA5')).toEqual(Uint8Array.of(0, 255, 0xa5))
})

test.each(['0', '0g', 'abc', '+1', ' 1', '0x10', '१२'])('%j is refused as hex', (text) => {
  expect(() => bytesOfHex(text)).toThrow(SyntaxError)
})

test.each([undefined, null, 12, ['00']])('%o is refused as hex', (value) => {
  expect(() => bytesOfHex(value)).toThrow(TypeError)
})

const NAMES = ['toHex', 'toBase64'] as const

afterEach(() => {
  for (const name of NAMES) Reflect.deleteProperty(Uint8Array.prototype, name)
  Reflect.deleteProperty(Uint8Array, 'fromHex')
})

test('what is missing becomes a method like a built-in one', () => {
  for (const name of NAMES) Reflect.deleteProperty(Uint8Array.prototype, name)
  Reflect.deleteProperty(Uint8Array, 'fromHex')
  completeByteEncodings()
  const bytes = Uint8Array.of(1, 2, 254)
  const methods = bytes as unknown as Record<string, () => string>
  expect(methods['toHex']?.()).toBe('0102fe')
  expect(methods['toBase64']?.()).toBe('AQL+')
  expect(Reflect.get(Uint8Array, 'fromHex')('0102fe')).toEqual(bytes)
  const seen: string[] = []
  for (const key in new Uint8Array(0)) seen.push(key)
  expect(seen).toEqual([])
  const toHex = Reflect.get(Uint8Array.prototype, 'toHex')
  expect(() => Reflect.apply(toHex, [1, 2], [])).toThrow(TypeError)
})

test('what the browser brings stays', () => {
  const own = () => 'own'
  Object.defineProperty(Uint8Array.prototype, 'toHex', { value: own, configurable: true })
  completeByteEncodings()
  expect(Reflect.get(Uint8Array.prototype, 'toHex')).toBe(own)
})
