import { expect, test } from 'vitest'
import { type PieceIndex, pieceIndex, pieceLayout } from '#protocol/pieces.ts'
import { arrivesIn, decodeIntent, encodeIntent, type Intent } from './intent-message.ts'

const layout = pieceLayout(100 * 256 * 1024)
const at = (index: number): PieceIndex => pieceIndex(layout, index)
const intent: Intent = {
  sends: true,
  leads: true,
  wants: { first: at(3), last: at(60) },
  spans: [
    { first: at(3), last: at(5), firstMs: 120, pieceMs: 200 },
    { first: at(40), last: at(40), firstMs: 900, pieceMs: 0 },
  ],
}

test('what is said is what is understood', () => {
  expect(decodeIntent(encodeIntent(intent), layout)).toEqual(intent)
  const slow: Intent = { ...intent, leads: false }
  expect(decodeIntent(encodeIntent(slow), layout)).toEqual(slow)
  expect(encodeIntent(slow).slice(0, 4)).toEqual(new Uint8Array([0, 0, 0, 3])) // others: it sends
  const silent: Intent = { sends: false, leads: true, wants: null, spans: [] }
  expect(decodeIntent(encodeIntent(silent), layout)).toEqual(silent)
})

test('a message inside a larger buffer is read from its own start', () => {
  const message = encodeIntent(intent)
  const buffer = new Uint8Array(message.length + 7)
  buffer.set(message, 7)
  expect(decodeIntent(buffer.subarray(7), layout)).toEqual(intent)
})

const numbers = (...values: number[]) => {
  const view = new DataView(new ArrayBuffer(4 * values.length))
  for (const [place, value] of values.entries()) view.setUint32(4 * place, value)
  return new Uint8Array(view.buffer)
}

test.each([
  ['nothing', new Uint8Array()],
  ['half a head', new Uint8Array(5)],
  ['half a span', new Uint8Array(12 + 15)],
  ['a span beyond the end', numbers(1, 1, 0, 90, 100, 1, 1)],
  ['a span that ends before it begins', numbers(1, 1, 0, 9, 8, 1, 1)],
  ['more spans than anybody has', new Uint8Array(12 + 16 * 17)],
])('%s is no intent', (_what, bytes) => {
  expect(decodeIntent(bytes, layout)).toBeNull()
})

test('numbers that do not fit are cut, not wrapped', () => {
  const spans = [{ first: at(0), last: at(0), firstMs: 1e12, pieceMs: -5 }]
  expect(
    decodeIntent(encodeIntent({ sends: true, leads: true, wants: null, spans }), layout)?.spans[0],
  ).toMatchObject({
    firstMs: 0xffff_ffff,
    pieceMs: 0,
  })
})

test('a promise counts down, and is not believed once it is overdue', () => {
  expect(arrivesIn(intent, at(3), 0)).toBeCloseTo(0.12)
  expect(arrivesIn(intent, at(5), 100)).toBeCloseTo(0.42)
  expect(arrivesIn(intent, at(5), 1000)).toBe(0)
  expect(arrivesIn(intent, at(5), 3000)).toBeNull()
  expect(arrivesIn(intent, at(6), 0)).toBeNull()
})
