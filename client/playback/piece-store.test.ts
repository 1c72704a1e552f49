import { expect, test } from 'vitest'
import { type PieceIndex, pieceIndex, pieceLayout } from '#protocol/pieces.ts'
import { type Bytes, type PersistentBacking, type PieceBacking, PieceStore } from './piece-store.ts'

const layout = pieceLayout(3 * 256 * 1024 + 100)
const at = (index: number): PieceIndex => pieceIndex(layout, index)
const bytesOf = (index: number, length = index === 3 ? 100 : layout.pieceLength): Bytes =>
  Uint8Array.from({ length }, (_, i) => (i + index) & 255)

/** A disk in memory that holds `room` pieces. */
class Disk implements PieceBacking {
  readonly pieces = new Map<PieceIndex, Bytes>()
  readonly room: number
  closed = false

  constructor(room = 100) {
    this.room = room
  }

  async write(index: PieceIndex, bytes: Bytes): Promise<void> {
    if (this.pieces.size >= this.room) throw new Error('the disk is full')
    this.pieces.set(index, bytes.slice())
  }

  async read(index: PieceIndex, offset: number, length: number): Promise<Bytes> {
    const bytes = this.pieces.get(index)
    if (!bytes) throw new Error('lost')
    return bytes.slice(offset, offset + length)
  }

  forget(index: PieceIndex): void {
    this.pieces.delete(index)
  }

  close(): void {
    this.closed = true
  }
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 5))
const storeOn = (disk: Disk | null, held: PieceIndex[] = []) =>
  new PieceStore(layout, async () => (disk ? { backing: disk, held } : null))

test.each([
  ['a disk', () => new Disk()],
  ['no disk', () => null],
  ['a full disk', () => new Disk(1)],
])('on %s, a piece can be read from the moment it was written', async (_what, disk) => {
  const store = storeOn(disk())
  for (const index of [0, 1, 3]) {
    store.write(at(index), bytesOf(index))
    expect(store.has(at(index))).toBe(true)
    expect(await store.read(at(index), 10, 20)).toEqual(bytesOf(index).slice(10, 30))
  }
  await settled()
  expect(store.count).toBe(3)
  expect(store.has(at(2))).toBe(false)
  for (const index of [0, 1, 3]) {
    expect(await store.read(at(index), 0, 1e9)).toEqual(bytesOf(index))
  }
})

test('what is read may be transferred away without harm', async () => {
  const store = storeOn(null)
  store.write(at(0), bytesOf(0))
  const read = await store.read(at(0), 0, 100)
  structuredClone(read, { transfer: [read.buffer] })
  expect(await store.read(at(0), 0, 100)).toEqual(bytesOf(0).slice(0, 100))
})

test('pieces of an earlier visit appear once the disk is open, newer ones keep precedence', async () => {
  const disk = new Disk()
  await disk.write(at(1), bytesOf(9, layout.pieceLength))
  await disk.write(at(2), bytesOf(2))
  let open = (_: PersistentBacking): void => {}
  const store = new PieceStore(layout, () => new Promise((resolve) => (open = resolve)))
  let changes = 0
  store.subscribe(() => (changes += 1))
  store.write(at(1), bytesOf(1))
  expect([store.count, changes]).toEqual([1, 1])
  await store.restoredWithin(5) // it does not hold anybody up
  expect(store.count).toBe(1)
  open({ backing: disk, held: [at(1), at(2)] })
  await store.restored
  expect([store.count, changes]).toEqual([2, 2])
  await settled()
  expect(await store.read(at(1), 0, 10)).toEqual(bytesOf(1).slice(0, 10))
  expect(disk.pieces.get(at(1))).toEqual(bytesOf(1))
})

test('a disk that cannot be opened costs nothing', async () => {
  const store = new PieceStore(layout, () => Promise.reject(new Error('another tab has it')))
  store.write(at(0), bytesOf(0))
  await settled()
  expect(await store.read(at(0), 0, 10)).toEqual(bytesOf(0).slice(0, 10))
})

test('a piece that the disk lost is forgotten, not read as something else', async () => {
  const disk = new Disk()
  const store = storeOn(disk, [at(0)])
  await settled()
  expect(store.has(at(0))).toBe(true)
  await expect(store.read(at(0), 0, 10)).rejects.toThrow('lost')
  expect(store.has(at(0))).toBe(false)
})

test('a dropped piece is gone from the disk too, even while it is being written', async () => {
  const disk = new Disk()
  const store = storeOn(disk, [])
  store.write(at(0), bytesOf(0))
  store.drop(at(0))
  await settled()
  expect(store.has(at(0))).toBe(false)
  expect(disk.pieces.size).toBe(0)
})

test('WebTorrent is told, not thrown at, when it asks for a piece that no title of this size has', async () => {
  const chunks = storeOn(null).chunkStore()
  const error = await new Promise((resolve) => chunks.get(4, null, resolve))
  expect(error).toBeInstanceOf(RangeError)
})

test('WebTorrent reads and writes the same pieces and cannot close them', async () => {
  const store = storeOn(null)
  const chunks = store.chunkStore()
  expect(chunks.chunkLength).toBe(layout.pieceLength)
  await new Promise((resolve) => chunks.put(3, bytesOf(3), resolve))
  expect(store.has(at(3))).toBe(true)
  const read = (index: number, options: { offset?: number; length?: number } | null) =>
    new Promise<Uint8Array>((resolve, reject) =>
      chunks.get(index, options, (error, bytes) => (bytes ? resolve(bytes) : reject(error))),
    )
  expect(await read(3, null)).toEqual(bytesOf(3))
  expect(await read(3, { offset: 90, length: 10 })).toEqual(bytesOf(3).slice(90, 100))
  await expect(read(0, null)).rejects.toThrow('not held')
  await new Promise((resolve) => chunks.destroy(resolve))
  expect(store.has(at(3))).toBe(true)
})

test('closing closes the disk, also one that opens later', async () => {
  const disk = new Disk()
  const store = storeOn(disk)
  store.close()
  await settled()
  expect(disk.closed).toBe(true)
  expect(store.count).toBe(0)
})
