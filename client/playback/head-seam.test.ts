import { expect, test } from 'vitest'
import { pieceIndex, pieceLayout } from '#protocol/pieces.ts'
import { HeadSeam } from './head-seam.ts'

const layout = pieceLayout(25, 10)
const bytes = (...values: number[]) => Uint8Array.from(values)
const second = bytes(10, 11, 12, 13, 14, 15, 16, 17, 18, 19)
const withoutBeginning = bytes(0, 0, 0, 0, 14, 15, 16, 17, 18, 19)

test('the piece is whole with both parts, whichever comes first', () => {
  const first = new HeadSeam(layout, 14)
  expect(first.index).toBe(1)
  expect(first.length).toBe(4)
  expect(first.begin(second.slice(0, 4))).toBeNull()
  expect(first.finish(withoutBeginning)).toEqual(second)

  const last = new HeadSeam(layout, 14)
  expect(last.finish(withoutBeginning)).toBeNull()
  expect(last.hasRest).toBe(true)
  expect(last.begin(second.slice(0, 4))).toEqual(second)
})

test('what is here can be read, and nothing else', () => {
  const seam = new HeadSeam(layout, 14)
  expect(seam.bytesAt(11, 5)).toBeNull()
  seam.begin(second.slice(0, 4))
  expect(seam.bytesAt(9, 5)).toBeNull()
  expect(seam.bytesAt(11, 5)).toEqual(bytes(11, 12, 13))
  expect(seam.bytesAt(14, 5)).toBeNull()

  const rest = new HeadSeam(layout, 14)
  rest.finish(withoutBeginning)
  expect(rest.bytesAt(13, 5)).toBeNull()
  expect(rest.bytesAt(18, 5)).toEqual(bytes(18, 19))
  expect(rest.bytesAt(20, 5)).toBeNull()
})

test('a piece that is whole, or whose beginning will not come, is like all others', () => {
  const whole = new HeadSeam(layout, 14)
  whole.begin(second.slice(0, 4))
  whole.finish(withoutBeginning)
  const lost = new HeadSeam(layout, 14)
  lost.lose()
  expect(lost.finish(withoutBeginning)).toBeNull()
  for (const seam of [whole, lost]) {
    expect(seam.index).toBeNull()
    expect(seam.length).toBe(0)
  }
})

test('a piece that was wrong comes anew, whole: what the head had of it was for nothing', () => {
  const seam = new HeadSeam(layout, 14)
  seam.begin(second.slice(0, 4))
  expect(seam.spoil()).toBe(4)
  expect([seam.index, seam.length]).toEqual([null, 0])
  expect(seam.bytesAt(11, 5)).toEqual(bytes(11, 12, 13)) // it may be right, and is being played
})

test('what is here when the head is lost is not thrown away', () => {
  const rest = new HeadSeam(layout, 14)
  rest.finish(withoutBeginning)
  rest.lose()
  expect(rest.bytesAt(14, 5)).toEqual(bytes(14, 15, 16, 17, 18))
  const beginning = new HeadSeam(layout, 14)
  beginning.begin(second.slice(0, 4))
  beginning.lose()
  expect(beginning.finish(withoutBeginning)).toEqual(second)
})

test('a head that ends with a piece, or with the file, has no such piece', () => {
  for (const end of [0, 10, 20, 25]) expect(new HeadSeam(layout, end).index).toBeNull()
  expect(new HeadSeam(layout, 24).index).toBe(pieceIndex(layout, 2))
  expect(new HeadSeam(layout, 24).length).toBe(4)
})
