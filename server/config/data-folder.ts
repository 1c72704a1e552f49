// The data folder: made and tried out at start, so that a wrong `DATA_DIR` is told at once and in
// words, whatever is wrong with it.
import { mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'its file system is read-only',
  ENOENT: 'no folder can be made there',
  ENOTDIR: 'a part of that path is a file',
  EEXIST: 'it is not a folder',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
}

/**
 * Makes the folder with its parents where they are missing, and writes a byte to it.
 * @param path absolute
 * @throws Error with one line that says why the folder cannot be used, and what to do
 */
export async function prepareDataFolder(path: string): Promise<void> {
  try {
    await makeFolder(path)
    const trial = join(path, `.trial-${process.pid}`)
    try {
      await writeFile(trial, ' ')
    } finally {
      await rm(trial, { force: true })
    }
  } catch (cause) {
    throw unusableDataFolder(path, cause)
  }
}

/** @returns an error with one line for the person who starts the server */
export function unusableDataFolder(path: string, cause: unknown): Error {
  const { code = '', message } = cause as NodeJS.ErrnoException
  const reason = REASONS[code] ?? message.replace(/\s+/g, ' ').replace(/\.$/, '')
  const advice = 'Set DATA_DIR to a folder that this user may write.'
  return new Error(`The data folder ${path} cannot be used: ${reason}. ${advice}`, { cause })
}

/** Not the `recursive` of `mkdir`: below `/proc` that one tries for ever. */
async function makeFolder(path: string): Promise<void> {
  if (await isFolder(path)) return
  const parent = dirname(path)
  if (parent !== path) await makeFolder(parent)
  try {
    await mkdir(path, { mode: 0o750 })
  } catch (error) {
    if (!(await isFolder(path))) throw error // another process may have made it
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
