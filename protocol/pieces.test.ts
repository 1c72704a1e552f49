import { describe, expect, it } from 'vitest'
import { lengthOfPiece, pieceAt, pieceIndex, pieceLayout, pieceLengthFor } from './pieces.ts'

const KIB = 1024
const GIB = 1024 ** 3

describe('pieceLengthFor', () => {
  it.each([
    [1, 256 * KIB],
    [GIB, 256 * KIB],
    [GIB + 1, 512 * KIB],
    [4 * GIB, 1024 * KIB],
    [16 * GIB, 4096 * KIB],
    [1000 * GIB, 4096 * KIB],
  ])('cuts %d bytes into pieces of %d bytes', (size, expected) => {
    expect(pieceLengthFor(size)).toBe(expected)
  })

  it.each([0, -1, 1.5, Number.NaN, 2 ** 60])('refuses %d bytes', (size) => {
    expect(() => pieceLengthFor(size)).toThrow(RangeError)
  })
})

describe('a piece layout', () => {
  const layout = pieceLayout(600_000)

  it('has a short last piece', () => {
    expect(layout.count).toBe(3)
    expect(lengthOfPiece(layout, pieceIndex(layout, 0))).toBe(262_144)
    expect(lengthOfPiece(layout, pieceIndex(layout, 2))).toBe(600_000 - 2 * 262_144)
  })

  it('finds the piece of a byte, and none beyond the end', () => {
    expect(pieceAt(layout, 262_143)).toBe(0)
    expect(pieceAt(layout, 262_144)).toBe(1)
    expect(() => pieceAt(layout, 900_000)).toThrow(RangeError)
    expect(() => pieceIndex(layout, -1)).toThrow(RangeError)
  })
})
