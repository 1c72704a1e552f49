// File descriptors of titles being served, opened once and shared by all requests. A file that was
// deleted stays readable for the requests that hold it. Whoever made this closes it.
import { close, open } from 'node:fs'
import { promisify } from 'node:util'

const openFile = promisify(open)
const closeFile = promisify(close)

const IDLE_MS = 10_000
const MAX_IDLE = 64

interface Entry {
  readonly file: Promise<number>
  holders: number
  idleTimer: NodeJS.Timeout | undefined
}

/** A hold on an open file. */
export interface HeldFile {
  readonly fd: number
  /** Must be called once, after the last read. */
  release(): void
}

export class OpenFiles {
  readonly #entries = new Map<string, Entry>()

  /** @throws the error of `open`, `ENOENT` for one */
  async hold(path: string): Promise<HeldFile> {
    let entry = this.#entries.get(path)
    if (entry === undefined) {
      entry = { file: openFile(path, 'r'), holders: 0, idleTimer: undefined }
      this.#entries.set(path, entry)
    }
    const held = entry
    held.holders += 1
    clearTimeout(held.idleTimer)
    try {
      return { fd: await held.file, release: () => this.#release(path, held) }
    } catch (error) {
      if (this.#entries.get(path) === held) this.#entries.delete(path)
      throw error
    }
  }

  /** Makes later holds open the path anew; present holders keep the file. */
  forget(path: string): void {
    const entry = this.#entries.get(path)
    if (entry === undefined) return
    this.#entries.delete(path)
    if (entry.holders === 0) this.#close(entry)
  }

  /** Closes files that nobody holds, and the others when they are released. */
  close(): void {
    for (const path of [...this.#entries.keys()]) this.forget(path)
  }

  #release(path: string, entry: Entry): void {
    entry.holders -= 1
    if (entry.holders > 0) return
    if (this.#entries.get(path) !== entry) {
      this.#close(entry)
      return
    }
    if (this.#entries.size > MAX_IDLE) {
      this.forget(path)
      return
    }
    entry.idleTimer = setTimeout(() => this.forget(path), IDLE_MS)
    entry.idleTimer.unref()
  }

  #close(entry: Entry): void {
    clearTimeout(entry.idleTimer)
    entry.file.then(closeFile).catch(() => {}) // opening failed: there is nothing to close
  }
}
