// What makes a file survive a power cut: its bytes are synced before it gets its name, and the
// folder after that.
import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Makes the bytes of a file durable. */
export async function syncFile(path: string): Promise<void> {
  await using file = await open(path, 'r+') // some systems fsync only what is open for writing
  await file.sync()
}

/** Makes names that appeared in, or went from, this folder durable. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return // folders cannot be opened there
  await using folder = await open(path, 'r')
  await folder.sync()
}

/**
 * Replaces a file whole or not at all.
 * @param incoming name in the same folder for the bytes until they are durable
 */
export async function replaceFile(path: string, incoming: string, content: string): Promise<void> {
  {
    await using file = await open(incoming, 'w')
    await file.writeFile(content)
    await file.sync()
  }
  await rename(incoming, path)
  await syncFolder(dirname(path))
}
