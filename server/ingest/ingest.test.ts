import { copyFile, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { MediaId } from '#protocol/ids.ts'
import { createDiskBlobStore, type DiskBlobStore } from '../blobs/disk-blob-store.ts'
import { type Database, openDatabase } from '../database/database.ts'
import { createCatalogue } from '../media/catalogue.ts'
import { createIngest, type Ingest, type IngestCatalogue, newMediaId } from './ingest.ts'

const SMALL = new URL('../../e2e/clips/small/', import.meta.url)

let folder: string
let database: Database
let blobs: DiskBlobStore
let catalogue: IngestCatalogue
let ingest: Ingest

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ingest-'))
  database = await openDatabase(':memory:')
  blobs = createDiskBlobStore(join(folder, 'blobs'))
  catalogue = createCatalogue(database)
  ingest = start(catalogue)
})
afterEach(async () => {
  await database.destroy()
  await rm(folder, { recursive: true })
})

function start(of: IngestCatalogue): Ingest {
  return createIngest({ blobs, catalogue: of, now: () => 1234, log: pino({ level: 'silent' }) })
}

async function upload(name: string): Promise<string> {
  const path = join(folder, 'upload')
  await copyFile(new URL(name, SMALL), path)
  return path
}

const record = (id: MediaId) =>
  database.selectFrom('media').selectAll().where('id', '=', id).executeTakeFirstOrThrow()

describe('ingest', () => {
  test('a file becomes a title with blob and record', async () => {
    const path = await upload('vp9-opus.webm')
    const id = await ingest.ingest({ path, filename: 'My "film".mp4', title: ' My\n film ' })
    expect(await record(id)).toMatchObject({
      id,
      revision: 1,
      title: 'My film',
      filename: 'My _film_.webm',
      size: 24322,
      width: 160,
      height: 90,
      fast_start: 1,
      created_at: 1234,
    })
    expect((await stat(blobs.path(id, 1))).size).toBe(24322)
    await expect(stat(path)).rejects.toThrow('ENOENT')
  })

  test('without a title the file name is the title, without both it is untitled', async () => {
    const named = await ingest.ingest({ path: await upload('opus.ogg'), filename: 'a_b.opus' })
    expect(await record(named)).toMatchObject({ title: 'a b', filename: 'a_b.opus', width: null })
    const nameless = await ingest.ingest({ path: await upload('h264-aac-moov-last.mp4') })
    expect(await record(nameless)).toMatchObject({ filename: 'untitled.mp4', fast_start: 0 })
  })

  test('the same file twice is two titles', async () => {
    const first = await ingest.ingest({ path: await upload('mp3.mp3') })
    const second = await ingest.ingest({ path: await upload('mp3.mp3') })
    expect(first).not.toBe(second)
    expect(await blobs.list()).toHaveLength(2)
  })

  test('a refused file leaves neither blob nor record and stays where it was', async () => {
    const path = join(folder, 'upload')
    await writeFile(path, 'not a film')
    await expect(ingest.ingest({ path, filename: 'film.mp4' })).rejects.toMatchObject({
      code: 'unsupported_media',
    })
    expect(await blobs.list()).toEqual([])
    expect((await stat(path)).size).toBe(10)
  })

  test('repeated with the same id after any crash it makes one title', async () => {
    const id = newMediaId()
    const path = await upload('vp9-opus.webm')
    let crash = true
    const failing = start({
      get: catalogue.get,
      async add(media) {
        if (crash) throw new Error('the database is locked')
        await catalogue.add(media)
      },
    })
    await expect(failing.ingest({ path, filename: 'a.webm', id })).rejects.toThrow('locked')
    crash = false
    expect(await failing.ingest({ path, filename: 'a.webm', id })).toBe(id) // blob, no record
    expect(await failing.ingest({ path, filename: 'a.webm', id })).toBe(id) // blob and record
    expect(await database.selectFrom('media').selectAll().execute()).toHaveLength(1)
    expect((await stat(blobs.path(id, 1))).size).toBe(24322)
  })

  test('an older database does not cost the blobs', async () => {
    const listed = await ingest.ingest({ path: await upload('mp3.mp3') })
    const [lost, reserved] = [newMediaId(), newMediaId()]
    await blobs.adopt(await upload('mp3.mp3'), lost, 1)
    await blobs.adopt(await upload('mp3.mp3'), reserved, 1)
    expect(await ingest.reportOrphans(async () => new Set([reserved]))).toEqual([lost])
    expect(new Set(await blobs.list())).toEqual(new Set([listed, lost, reserved]))
    expect(await blobs.has(lost, 1)).toBe(true)
  })
})
