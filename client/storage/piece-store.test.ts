import { describe, expect, test } from 'vitest'
import { type PieceIndex, pieceIndex, pieceLayout } from '#protocol/pieces.ts'
import { type Bytes, type PersistentBacking, type PieceBacking, PieceStore } from './piece-store.ts'

const layout = pieceLayout(3 * 256 * 1024 + 100)
const at = (index: number): PieceIndex => pieceIndex(layout, index)
const bytesOf = (index: number, length = index === 3 ? 100 : layout.pieceLength): Bytes =>
  Uint8Array.from({ length }, (_, i) => (i + index) & 255)

/** A disk in memory that holds `room` pieces, and has finished writing when `pause` settles. */
class Disk implements PieceBacking {
  readonly pieces = new Map<PieceIndex, Bytes>()
  readonly room: number
  pause: Promise<void> | null = null
  writing = 0
  closed = false

  constructor(room = 100) {
    this.room = room
  }

  async write(index: PieceIndex, bytes: Bytes): Promise<void> {
    this.writing += 1
    await this.pause
    this.writing -= 1
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

describe('a title of 100 pieces where memory takes 4 and playback needs 2 ahead', () => {
  const long = pieceLayout(100 * 256 * 1024)
  const PIECE = long.pieceLength
  const limits = { memory: 4 * PIECE, queue: 3 * PIECE, ahead: 2 * PIECE }
  const longAt = (index: number) => pieceIndex(long, index)
  const piece = (index: number) => bytesOf(index, PIECE)
  const sorted = (store: PieceStore) => [...store.held()].sort((a, b) => a - b)

  /** Plays from piece `from` to piece `to`, which come one after the other. */
  async function play(store: PieceStore, from: number, to: number): Promise<void> {
    for (let index = from; index <= to; index += 1) {
      store.focusOn(longAt(index))
      store.write(longAt(index), piece(index))
      expect(await store.read(longAt(index), 5, 10)).toEqual(piece(index).slice(5, 15))
      await settled()
      expect(await store.read(longAt(index), 5, 10)).toEqual(piece(index).slice(5, 15))
    }
  }

  test('without a disk, what lies farthest behind is given up, and who claimed it is told', async () => {
    const store = new PieceStore(long, async () => null, limits)
    const lost: number[] = []
    store.onLost((index) => lost.push(index))
    await play(store, 0, 9)
    expect(sorted(store)).toEqual([6, 7, 8, 9])
    expect(lost).toEqual([0, 1, 2, 3, 4, 5])
    expect(store.has(longAt(0))).toBe(false)
    await expect(store.read(longAt(0), 0, 1)).rejects.toThrow('not held')
    expect(store.refetchedBytes).toBe(0)
    await play(store, 0, 0) // back to the start
    expect(store.refetchedBytes).toBe(PIECE)
    expect(sorted(store)).toEqual([0, 6, 7, 8])
  })

  test('on a disk smaller than the title, disk and memory are both used to the full', async () => {
    const disk = new Disk(3)
    const store = new PieceStore(long, async () => ({ backing: disk, held: [] }), limits)
    await play(store, 0, 20)
    expect(sorted(store)).toEqual([14, 15, 16, 17, 18, 19, 20])
    for (const index of sorted(store)) {
      expect(await store.read(index, 0, PIECE)).toEqual(piece(index))
    }
    expect(disk.pieces.size).toBe(3)
    expect(sorted(store)).toEqual(expect.arrayContaining([...disk.pieces.keys()]))
  })

  test('what comes from far away does not push out what playback needs', async () => {
    const store = new PieceStore(long, async () => null, limits)
    store.focusOn(longAt(50))
    for (const index of [50, 51, 52, 60, 61, 49, 3]) store.write(longAt(index), piece(index))
    await settled()
    expect(sorted(store)).toEqual([49, 50, 51, 52])
  })

  test('a slow disk holds fetching back, gets two pieces at a time and loses none', async () => {
    const disk = new Disk()
    let goOn = (): void => {}
    disk.pause = new Promise((resolve) => (goOn = resolve))
    const store = new PieceStore(long, async () => ({ backing: disk, held: [] }), limits)
    await store.restored
    const pressed: boolean[] = []
    for (const index of [0, 1, 2, 3]) {
      store.write(longAt(index), piece(index))
      pressed.push(store.isPressed)
    }
    await settled()
    expect(pressed).toEqual([false, false, true, true])
    expect(disk.writing).toBe(2)
    expect(await store.read(longAt(3), 0, 9)).toEqual(piece(3).slice(0, 9))
    goOn()
    await settled()
    expect(store.isPressed).toBe(false)
    expect([...disk.pieces.keys()]).toEqual([0, 1, 2, 3])
  })

  test('when the disk is gone its pieces are, those under way are not, and playback goes on', async () => {
    const disk = new Disk()
    let crash = (): void => {}
    const gone = new Promise<void>((resolve) => (crash = resolve))
    const store = new PieceStore(
      long,
      async () => ({ backing: disk, held: [longAt(9)], gone }),
      limits,
    )
    const lost: number[] = []
    store.onLost((index) => lost.push(index))
    await play(store, 0, 1)
    disk.pause = gone.then(() => Promise.reject(new Error('The worker has ended.')))
    disk.pause.catch(() => {})
    store.write(longAt(2), piece(2))
    store.write(longAt(3), piece(3))
    await settled()
    crash()
    await settled()
    expect(lost.sort()).toEqual([0, 1, 9])
    expect(sorted(store)).toEqual([2, 3])
    expect(await store.read(longAt(2), 0, PIECE)).toEqual(piece(2))
    await play(store, 9, 9)
    expect(store.refetchedBytes).toBe(0) // it came in an earlier visit, and once in this one
    await play(store, 0, 0)
    expect(store.refetchedBytes).toBe(PIECE)
  })

  test('a piece that was wrong is no piece that came twice', async () => {
    const store = new PieceStore(long, async () => null, limits)
    store.write(longAt(0), piece(5))
    store.drop(longAt(0))
    store.write(longAt(0), piece(0))
    await settled()
    expect(store.refetchedBytes).toBe(0)
    expect(await store.read(longAt(0), 0, PIECE)).toEqual(piece(0))
  })

  test('WebTorrent verifies no more than 64 MiB at once, the rest is left for later', async () => {
    const huge = pieceLayout(64 * 4 * 1024 * 1024, 4 * 1024 * 1024)
    let reads = 0
    const backing: PieceBacking = {
      write: async () => {},
      async read(_index, _offset, length) {
        reads += 1
        return new Uint8Array(Math.min(length, 10)) // the size does not matter here
      },
      forget: () => {},
      close: () => {},
    }
    const held = Array.from({ length: huge.count }, (_, index) => pieceIndex(huge, index))
    const store = new PieceStore(huge, async () => ({ backing, held }))
    await store.restored
    const chunks = store.chunkStore()
    const got = await Promise.all(
      held.map(
        (index) =>
          new Promise<boolean>((resolve) =>
            chunks.get(index, {}, (error) => resolve(error === null)),
          ),
      ),
    )
    expect(got.filter(Boolean)).toHaveLength(16)
    expect(reads).toBe(16)
    expect(store.count).toBe(huge.count) // they are held all the same
    const block = await new Promise((resolve) =>
      chunks.get(60, { offset: 0, length: 16384 }, (error) => resolve(error)),
    )
    expect(block).toBeNull() // peers may ask for more
  })
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
