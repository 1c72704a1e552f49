import { fstatSync, readSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { OpenFiles } from './open-files.ts'

let folder: string
let path: string
let files: OpenFiles

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'open-files-'))
  path = join(folder, 'film')
  await writeFile(path, 'first')
  files = new OpenFiles()
})
afterEach(async () => {
  files.close()
  await rm(folder, { recursive: true })
})

function contentOf(fd: number): string {
  const buffer = Buffer.alloc(16)
  return buffer.toString('utf8', 0, readSync(fd, buffer, 0, 16, 0))
}

const isOpen = (fd: number, inode: number): boolean => {
  try {
    return fstatSync(fd).ino === inode
  } catch {
    return false
  }
}

test('all who hold a file share one descriptor, which stays open for the next', async () => {
  const [one, two] = await Promise.all([files.hold(path), files.hold(path)])
  expect(two.fd).toBe(one.fd)
  one.release()
  two.release()
  const three = await files.hold(path)
  expect(three.fd).toBe(one.fd)
  expect(contentOf(three.fd)).toBe('first')
  three.release()
})

test('a file that is forgotten while it is held stays readable until the last one lets go', async () => {
  const [one, two] = [await files.hold(path), await files.hold(path)]
  const { ino } = fstatSync(one.fd)
  files.forget(path)
  await rm(path)
  await writeFile(path, 'second')
  const fresh = await files.hold(path)
  expect(contentOf(fresh.fd)).toBe('second')
  one.release()
  expect(contentOf(two.fd)).toBe('first')
  two.release()
  await expect.poll(() => isOpen(two.fd, ino)).toBe(false)
  fresh.release()
  expect(contentOf(fresh.fd)).toBe('second') // idle, kept for the next
})

test('a file that cannot be opened is tried anew the next time', async () => {
  await rm(path)
  await expect(files.hold(path)).rejects.toMatchObject({ code: 'ENOENT' })
  await writeFile(path, 'there')
  const held = await files.hold(path)
  expect(contentOf(held.fd)).toBe('there')
  held.release()
})

test('closing leaves a file to those who hold it', async () => {
  const held = await files.hold(path)
  const { ino } = fstatSync(held.fd)
  files.close()
  expect(contentOf(held.fd)).toBe('first')
  held.release()
  await expect.poll(() => isOpen(held.fd, ino)).toBe(false)
})
