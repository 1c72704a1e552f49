import { expect, test } from 'vitest'
import { type PieceIndex, pieceIndex, pieceLayout } from '#protocol/pieces.ts'
import { type Bytes, PieceStore } from '../storage/piece-store.ts'
import { OriginFetcher } from './origin.ts'
import { Reader } from './reader.ts'

const layout = pieceLayout(2 * 256 * 1024 + 10)
const at = (index: number): PieceIndex => pieceIndex(layout, index)
const filled = (value: number, length: number): Bytes => new Uint8Array(length).fill(value)

function openReader(start = 0, end = layout.size) {
  const store = new PieceStore(layout, async () => null)
  const fetcher = new OriginFetcher({
    urls: [],
    layout,
    headEnd: 0,
    isHeld: (index) => store.has(index),
    onBytes: () => {},
    onWasted: () => {},
    onPiece: () => {},
    onTrouble: () => {},
  })
  const moves: string[] = []
  const onReader = ({ position, waiting, closed }: Reader) =>
    void moves.push(closed ? 'closed' : `${position}${waiting ? ' waits' : ''}`)
  const allow = (_reader: Reader, bytes: Bytes) => Math.min(bytes.length, leave.bytes)
  const leave = { bytes: Number.POSITIVE_INFINITY }
  const reader = new Reader({ layout, store, fetcher, onReader, allow }, { start, end })
  store.subscribe(() => reader.wake())
  return { reader, store, moves, leave }
}

test('a reader hands out what it may, and waits for leave when that is nothing', async () => {
  const { reader, store, leave } = openReader()
  store.write(at(0), filled(7, 256 * 1024))
  leave.bytes = 100
  expect(await reader.read()).toEqual(filled(7, 100))
  leave.bytes = 0
  const read = reader.read()
  await new Promise((resolve) => setTimeout(resolve, 5))
  expect([reader.position, reader.waiting]).toEqual([100, true])
  leave.bytes = 50
  reader.wake()
  expect(await read).toEqual(filled(7, 50))
})

test('a reader walks over piece borders and ends at the end', async () => {
  const { reader, store, moves } = openReader(256 * 1024 - 5, 2 * 256 * 1024 + 3)
  store.write(at(0), filled(0, 256 * 1024))
  store.write(at(1), filled(1, 256 * 1024))
  store.write(at(2), filled(2, 10))
  expect(await reader.read()).toEqual(filled(0, 5))
  expect(await reader.read()).toEqual(filled(1, 256 * 1024))
  expect(await reader.read()).toEqual(filled(2, 3))
  expect(await reader.read()).toBeNull()
  expect(moves).toEqual([`${256 * 1024}`, `${2 * 256 * 1024}`, `${2 * 256 * 1024 + 3}`])
})

test('a reader waits for a piece and says so', async () => {
  const { reader, store, moves } = openReader()
  const read = reader.read()
  await new Promise((resolve) => setTimeout(resolve, 5))
  expect(reader.waiting).toBe(true)
  store.write(at(1), filled(1, 256 * 1024)) // not the one
  await new Promise((resolve) => setTimeout(resolve, 5))
  expect(reader.waiting).toBe(true)
  store.write(at(0), filled(0, 256 * 1024))
  expect((await read)?.length).toBe(256 * 1024)
  expect(reader.waiting).toBe(false)
  expect(moves.slice(0, 1)).toEqual(['0 waits'])
})

test('closing ends a read that waits', async () => {
  const { reader, moves } = openReader()
  const read = reader.read()
  await new Promise((resolve) => setTimeout(resolve, 5))
  reader.close()
  expect(await read).toBeNull()
  expect(await reader.read()).toBeNull()
  expect(moves).toEqual(['0 waits', 'closed'])
})
