import { describe, expect, test } from 'vitest'
import { type PieceIndex, pieceIndex, pieceLayout } from '#protocol/pieces.ts'
import { PieceFile, type SyncAccessHandle } from './piece-file.ts'

const layout = pieceLayout(4 * 256 * 1024 + 100)
const PIECE = layout.pieceLength
const at = (index: number): PieceIndex => pieceIndex(layout, index)
const bytesOf = (index: number, length = index === 4 ? 100 : PIECE) =>
  Uint8Array.from({ length }, (_, i) => (i * 3 + index) & 255)

/** A file in memory on a disk that has room for `room` bytes of it. */
class File implements SyncAccessHandle {
  bytes = new Uint8Array(0)
  room: number
  readonly throwsWhenFull: boolean

  constructor(room = Number.POSITIVE_INFINITY, throwsWhenFull = true) {
    this.room = room
    this.throwsWhenFull = throwsWhenFull
  }

  read(buffer: Uint8Array, { at }: { at: number }): number {
    const part = this.bytes.subarray(at, at + buffer.length)
    buffer.set(part)
    return part.length
  }

  write(buffer: Uint8Array, { at }: { at: number }): number {
    const end = at + buffer.length
    if (end > this.room && this.throwsWhenFull) throw new DOMException('', 'QuotaExceededError')
    const count = Math.max(0, Math.min(end, this.room) - at)
    if (at + count > this.bytes.length) this.truncate(at + count)
    this.bytes.set(buffer.subarray(0, count), at)
    return count
  }

  getSize = () => this.bytes.length

  truncate(size: number): void {
    const bytes = new Uint8Array(size)
    bytes.set(this.bytes.subarray(0, size))
    this.bytes = bytes
  }

  close(): void {}
}

const whole = (file: PieceFile, index: number) => file.read(at(index), 0, index === 4 ? 100 : PIECE)

test('what was written is there again when the files are opened anew', () => {
  const [data, table] = [new File(), new File()]
  const file = new PieceFile(data, table, layout, 1)
  for (const index of [4, 2, 0]) file.write(at(index), bytesOf(index))
  const again = new PieceFile(data, table, layout, 2)
  expect(again.held.toSorted()).toEqual([0, 2, 4])
  for (const index of [0, 2, 4]) expect(whole(again, index)).toEqual(bytesOf(index))
  expect(again.read(at(2), 7, 5)).toEqual(bytesOf(2).slice(7, 12))
  expect(() => again.read(at(1), 0, 5)).toThrow('not in the file')
})

test('the file is as long as its pieces are many, wherever they belong in the title', () => {
  const file = new PieceFile(new File(), new File(), layout, 1)
  expect(file.growthFor(at(4))).toBe(100)
  file.write(at(3), bytesOf(3))
  expect(file.size).toBe(PIECE)
  expect(file.growthFor(at(0))).toBe(PIECE)
  file.forget(at(3))
  expect(file.growthFor(at(0))).toBe(0)
  file.write(at(0), bytesOf(0))
  expect(file.size).toBe(PIECE)
  expect(file.held).toEqual([0])
  expect(whole(file, 0)).toEqual(bytesOf(0))
  file.write(at(0), bytesOf(3)) // anew, in its own slot
  expect(file.size).toBe(PIECE)
  expect(whole(file, 0)).toEqual(bytesOf(3))
})

test('a piece that was forgotten, or was being replaced at the crash, is not invented later', () => {
  const [data, table] = [new File(), new File()]
  const file = new PieceFile(data, table, layout, 1)
  file.write(at(0), bytesOf(0))
  file.write(at(1), bytesOf(1))
  file.forget(at(0))
  data.write = () => {
    throw new Error('the browser ended')
  }
  expect(() => file.write(at(2), bytesOf(2))).toThrow('the browser ended') // into the slot of piece 0
  expect(new PieceFile(data, table, layout, 2).held).toEqual([1])
})

describe.each([
  ['that throws', true],
  ['that writes less', false],
])('on a full disk %s', (_how, throwsWhenFull) => {
  test('the piece is refused, the others stay, and a forgotten one makes room', () => {
    const [data, table] = [new File(2 * PIECE + 10, throwsWhenFull), new File()]
    const file = new PieceFile(data, table, layout, 1)
    file.write(at(0), bytesOf(0))
    file.write(at(1), bytesOf(1))
    expect(() => file.write(at(2), bytesOf(2))).toThrow()
    expect(file.held).toEqual([0, 1])
    file.forget(at(0))
    file.write(at(2), bytesOf(2))
    expect(file.held).toEqual([1, 2])
    for (const index of [1, 2]) expect(whole(file, index)).toEqual(bytesOf(index))
    expect(new PieceFile(data, table, layout, 2).held.toSorted()).toEqual([1, 2])
  })
})

test.each([
  ['garbage', (table: File) => table.bytes.fill(255)],
  ['cut off in the header', (table: File) => table.truncate(10)],
  ['of another size of title', (table: File) => new DataView(table.bytes.buffer).setFloat64(8, 5)],
])('a table that is %s counts for nothing', (_what, damage) => {
  const [data, table] = [new File(), new File()]
  new PieceFile(data, table, layout, 1).write(at(0), bytesOf(0))
  damage(table)
  const file = new PieceFile(data, table, layout, 2)
  expect([file.held, file.size]).toEqual([[], 0])
  file.write(at(1), bytesOf(1))
  expect(whole(file, 1)).toEqual(bytesOf(1))
})

test('entries that cannot be true are free slots', () => {
  const [data, table] = [new File(), new File()]
  const file = new PieceFile(data, table, layout, 1)
  for (const index of [0, 1, 2]) file.write(at(index), bytesOf(index))
  const entries = new DataView(table.bytes.buffer, 24)
  entries.setUint32(4, 1) // piece 0 twice
  entries.setUint32(8, 77) // no such piece
  const again = new PieceFile(data, table, layout, 2)
  expect(again.held).toEqual([0])
  data.truncate(100)
  expect(new PieceFile(data, table, layout, 2).held).toEqual([])
})
