import { randomBytes } from 'node:crypto'
import { type FileHandle, mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { Upload } from '@tus/server'
import { afterEach, beforeEach, expect, type MockInstance, test, vi } from 'vitest'
import { UploadStore } from './upload-store.ts'

const bytes = randomBytes(600 * 1024) // more than two batches
const id = '0'.repeat(32)

let folder: string
let store: UploadStore

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'upload-store-'))
  store = new UploadStore(folder, 1_000)
  await store.create(new Upload({ id, size: bytes.length, offset: 0 }))
})
afterEach(async () => {
  vi.restoreAllMocks()
  await rm(folder, { recursive: true })
})

/** Chunks as a socket brings them. */
function* chunks(from: number): Generator<Buffer> {
  for (let at = from; at < bytes.length; at += 60_000) yield bytes.subarray(at, at + 60_000)
}

test('a disk that fills in the middle of a write leaves only right bytes', async () => {
  await using handle = await open(store.path(id))
  const prototype = Object.getPrototypeOf(handle) as FileHandle
  const write = prototype.write as (...values: unknown[]) => Promise<{ bytesWritten: number }>
  const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
  // A short write, an error, and room again: no disk does this on demand.
  const spy = vi.spyOn(prototype, 'write') as unknown as MockInstance<typeof write>
  spy.mockImplementationOnce(function (this: unknown, buffer, start, _length, position) {
    return write.call(this, buffer, start, 9_000, position)
  })
  spy.mockRejectedValueOnce(full)
  await expect(store.write(Readable.from(chunks(0)), id, 0)).rejects.toBe(full)
  expect((await readFile(store.path(id))).equals(bytes.subarray(0, 9_000))).toBe(true)

  expect((await store.getUpload(id)).offset).toBe(9_000)
  expect(await store.write(Readable.from(chunks(9_000)), id, 9_000)).toBe(bytes.length)
  expect((await readFile(store.path(id))).equals(bytes)).toBe(true)
})

test('a connection that breaks off leaves all that arrived', async () => {
  const broken = Readable.from(
    (function* () {
      yield bytes.subarray(0, 300_000)
      throw new Error('the client is gone')
    })(),
  )
  await expect(store.write(broken, id, 0)).rejects.toThrow('gone')
  expect((await readFile(store.path(id))).equals(bytes.subarray(0, 300_000))).toBe(true)
})

test('tells that the end of an upload is near, and not before', async () => {
  const told = vi.fn()
  const watched = new UploadStore(folder, 1_000, told)
  const large = '1'.repeat(32)
  await watched.create(new Upload({ id: large, size: 18 * 1024 ** 2, offset: 0 }))
  expect(await watched.write(Readable.from([Buffer.alloc(1024 ** 2)]), large, 0)).toBe(1024 ** 2)
  expect(told).not.toHaveBeenCalled()
  await watched.write(Readable.from([Buffer.alloc(2 * 1024 ** 2)]), large, 1024 ** 2)
  expect(told).toHaveBeenCalled()
})
