import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as v from 'valibot'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { mediaIdSchema } from '#protocol/ids.ts'
import { createDiskBlobStore, type DiskBlobStore } from './disk-blob-store.ts'

const ID = v.parse(mediaIdSchema, '0123456789abcdef')
const OTHER = v.parse(mediaIdSchema, 'zyxwvtsrqpnmkjhg')

let folder: string
let blobs: DiskBlobStore

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blobs-'))
  blobs = createDiskBlobStore(join(folder, 'blobs'))
})
afterEach(() => rm(folder, { recursive: true }))

/** Writes a file as an upload would leave it. */
async function upload(content: string): Promise<string> {
  const path = join(folder, 'upload')
  await writeFile(path, content)
  return path
}

describe('disk blob store', () => {
  test('a file that was adopted is the blob and is gone from where it was', async () => {
    const source = await upload('film')
    expect(await blobs.has(ID, 1)).toBe(false)
    await blobs.adopt(source, ID, 1)
    expect(await readFile(blobs.path(ID, 1), 'utf8')).toBe('film')
    expect(await blobs.has(ID, 1)).toBe(true)
    await expect(stat(source)).rejects.toThrow('ENOENT')
  })

  test('adopting again after a crash that came after the rename changes nothing', async () => {
    const source = await upload('film')
    await blobs.adopt(source, ID, 1)
    await blobs.adopt(source, ID, 1)
    expect(await readFile(blobs.path(ID, 1), 'utf8')).toBe('film')
  })

  test('adopting again after a crash that came before the rename finishes it', async () => {
    const source = await upload('film')
    await mkdir(join(folder, 'blobs', ID)) // as far as the first attempt came
    await writeFile(join(folder, 'blobs', ID, '1.incoming'), 'fi')
    expect(await blobs.has(ID, 1)).toBe(false)
    await blobs.adopt(source, ID, 1)
    expect(await readFile(blobs.path(ID, 1), 'utf8')).toBe('film')
  })

  test('adopting what is neither file nor blob fails and leaves no blob', async () => {
    await expect(blobs.adopt(join(folder, 'nothing'), ID, 1)).rejects.toThrow('ENOENT')
    expect(await blobs.has(ID, 1)).toBe(false)
  })

  test('a file from another file system is copied whole', async (context) => {
    const elsewhere = await mkdtemp('/dev/shm/blobs-').catch(() => null)
    if (elsewhere === null || (await stat(elsewhere)).dev === (await stat(folder)).dev) {
      context.skip('this machine has no second file system')
      return
    }
    const source = join(elsewhere, 'upload')
    await writeFile(source, 'film')
    await blobs.adopt(source, ID, 1)
    expect(await readFile(blobs.path(ID, 1), 'utf8')).toBe('film')
    expect(await readdir(join(folder, 'blobs', ID))).toEqual(['1'])
    expect(await readdir(elsewhere)).toEqual([])
    await rm(elsewhere, { recursive: true })
  })

  test('removing takes all revisions and may be repeated', async () => {
    await blobs.adopt(await upload('one'), ID, 1)
    await blobs.adopt(await upload('two'), ID, 2)
    await blobs.adopt(await upload('else'), OTHER, 1)
    await blobs.remove(ID)
    await blobs.remove(ID)
    expect(await blobs.list()).toEqual([OTHER])
  })

  test('the list leaves out what is not a title', async () => {
    await blobs.adopt(await upload('one'), ID, 1)
    await mkdir(join(folder, 'blobs', 'lost+found'))
    expect(await blobs.list()).toEqual([ID])
  })
})
