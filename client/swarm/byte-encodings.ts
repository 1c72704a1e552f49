// Hex and Base64 of bytes (ES2026 "Uint8Array to/from base64 and hex") for browsers that lack them,
// such as Firefox ESR 128 and Chromium before 140: WebTorrent's bundle calls `toHex`, `fromHex` and
// `toBase64`, always without options. Loaded with WebTorrent, and only where one is missing.
import { hexOf } from './hex.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** Gives `Uint8Array` the methods that it does not have; what the browser brings stays. */
export function completeByteEncodings(): void {
  define(Uint8Array.prototype, 'toHex', function toHex(this: unknown) {
    return hexOf(bytesOf(this))
  })
  define(Uint8Array.prototype, 'toBase64', function toBase64(this: unknown) {
    return base64Of(bytesOf(this))
  })
  define(Uint8Array, 'fromHex', function fromHex(text: unknown) {
    return bytesOfHex(text)
  })
}

/** As built-in methods are: writable, and no `for … in` sees them. */
function define(owner: object, name: string, value: (...given: never[]) => unknown): void {
  if (name in owner) return
  Object.defineProperty(owner, name, { value, writable: true, configurable: true })
}

/** @throws TypeError as the standard says, when a method is called on something else */
function bytesOf(receiver: unknown): Uint8Array {
  if (receiver instanceof Uint8Array) return receiver
  throw new TypeError('This is not a Uint8Array.')
}

/**
 * @throws TypeError when it is no string
 * @throws SyntaxError when a digit is missing or is none
 */
export function bytesOfHex(text: unknown): Uint8Array<ArrayBuffer> {
  if (typeof text !== 'string') throw new TypeError('Hex digits must be a string.')
  if (text.length % 2 !== 0) throw new SyntaxError('Hex digits must come in pairs.')
  const bytes = new Uint8Array(text.length / 2)
  for (let i = 0; i < bytes.length; i += 1) {
    const pair = text.slice(i * 2, i * 2 + 2)
    if (!/^[0-9a-f]{2}$/i.test(pair)) throw new SyntaxError('There is something but hex digits.')
    bytes[i] = Number.parseInt(pair, 16)
  }
  return bytes
}

/** The standard alphabet of RFC 4648 §4, padded. */
export function base64Of(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += 3) {
    const [a = 0, b = 0, c = 0] = bytes.subarray(i, i + 3)
    const left = bytes.length - i
    text += digit(a >> 2) + digit(((a & 3) << 4) | (b >> 4))
    text += left > 1 ? digit(((b & 15) << 2) | (c >> 6)) : '='
    text += left > 2 ? digit(c & 63) : '='
  }
  return text
}

function digit(value: number): string {
  return ALPHABET.charAt(value)
}
