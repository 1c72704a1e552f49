// The page's end of the piece-file worker: pieces that outlive a reload.
import { type PieceIndex, type PieceLayout, pieceIndex } from '#protocol/pieces.ts'
import type { OpfsRequest, OpfsResponse } from './opfs-messages.ts'
import type { Bytes, PersistentBacking, PieceBacking } from './piece-store.ts'

type Unnumbered<T> = T extends unknown ? Omit<T, 'id'> : never
type Answer = Extract<OpfsResponse, { ok: true }>

/**
 * @param folder `<media id>-<revision>`
 * @returns `null` where the origin-private file system is missing (insecure context, old browser)
 * @throws Error when it cannot be opened: another tab plays the title, or storage is blocked
 */
export async function openOpfs(
  folder: string,
  layout: PieceLayout,
): Promise<PersistentBacking | null> {
  if (typeof Worker === 'undefined' || !navigator.storage?.getDirectory) return null
  const files = new WorkerFiles()
  try {
    const { held = [] } = await files.ask({ type: 'open', folder, ...layout })
    return { backing: files, held: held.map((index) => pieceIndex(layout, index)) }
  } catch (error) {
    files.terminate()
    throw error
  }
}

class WorkerFiles implements PieceBacking {
  readonly #worker = new Worker(new URL('./opfs-worker.ts', import.meta.url), { type: 'module' })
  readonly #waiting = new Map<
    number,
    { resolve: (answer: Answer) => void; reject: (error: Error) => void }
  >()
  #lastId = 0
  #ended = false

  constructor() {
    this.#worker.onmessage = (event: MessageEvent<OpfsResponse>) => {
      const waiting = this.#waiting.get(event.data.id)
      this.#waiting.delete(event.data.id)
      if (event.data.ok) waiting?.resolve(event.data)
      else waiting?.reject(new Error(event.data.message))
    }
    this.#worker.onerror = () => this.terminate()
  }

  ask(request: Unnumbered<OpfsRequest>): Promise<Answer> {
    if (this.#ended) return Promise.reject(new Error('The piece-file worker has ended.'))
    this.#lastId += 1
    const id = this.#lastId
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#worker.postMessage({ ...request, id })
    })
  }

  async write(index: PieceIndex, bytes: Bytes): Promise<void> {
    await this.ask({ type: 'write', index, bytes }) // copied: readers still use these bytes
  }

  async read(index: PieceIndex, offset: number, length: number): Promise<Bytes> {
    const { bytes } = await this.ask({ type: 'read', index, offset, length })
    if (!bytes) throw new Error(`piece ${index} was not read`)
    return bytes
  }

  forget(index: PieceIndex): void {
    this.ask({ type: 'forget', index }).catch(() => {}) // found out again by verification
  }

  close(): void {
    this.ask({ type: 'close' }).then(
      () => this.terminate(),
      () => this.terminate(),
    )
  }

  terminate(): void {
    this.#ended = true
    this.#worker.terminate()
    for (const { reject } of this.#waiting.values()) {
      reject(new Error('The piece-file worker has ended.'))
    }
    this.#waiting.clear()
  }
}
