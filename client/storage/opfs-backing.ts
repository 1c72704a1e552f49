// The page's end of the piece-file worker: pieces that outlive a reload. A worker that dies, falls
// silent or deletes its title takes its pieces with it (`gone`), and nobody waits for it any more.
import { type PieceIndex, type PieceLayout, pieceIndex } from '#protocol/pieces.ts'
import type { OpfsRequest, OpfsResponse } from './opfs-messages.ts'
import type { Bytes, PersistentBacking, PieceBacking } from './piece-store.ts'

/** A worker that was asked and says nothing for so many of these intervals has died. */
const SILENCE_CHECK_MS = 3000
/** More than one, because a page that wakes from sleep sees its timer before its messages. */
const SILENT_CHECKS = 4

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
    const { gone } = files
    return { backing: files, held: held.map((index) => pieceIndex(layout, index)), gone }
  } catch (error) {
    files.end()
    throw error
  }
}

class WorkerFiles implements PieceBacking {
  /** Settles when the worker has ended, for whatever reason. */
  readonly gone: Promise<void>
  readonly #worker = new Worker(new URL('./opfs-worker.ts', import.meta.url), { type: 'module' })
  readonly #waiting = new Map<
    number,
    { resolve: (answer: Answer) => void; reject: (error: Error) => void }
  >()
  readonly #silenceWatch: ReturnType<typeof setInterval>
  #silentChecks = 0
  #lastId = 0
  #ended = false
  #onEnd = (): void => {}

  constructor() {
    this.gone = new Promise((resolve) => {
      this.#onEnd = resolve
    })
    this.#worker.onmessage = (event: MessageEvent<OpfsResponse>) => this.#receive(event.data)
    this.#worker.onerror = () => this.end()
    this.#silenceWatch = setInterval(() => {
      this.#silentChecks = this.#waiting.size > 0 ? this.#silentChecks + 1 : 0
      if (this.#silentChecks > SILENT_CHECKS) this.end()
    }, SILENCE_CHECK_MS)
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
      () => this.end(),
      () => this.end(),
    )
  }

  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#worker.terminate()
    clearInterval(this.#silenceWatch)
    for (const { reject } of this.#waiting.values()) {
      reject(new Error('The piece-file worker has ended.'))
    }
    this.#waiting.clear()
    this.#onEnd()
  }

  #receive(response: OpfsResponse): void {
    this.#silentChecks = 0
    if ('gone' in response) {
      this.end()
      return
    }
    const waiting = this.#waiting.get(response.id)
    this.#waiting.delete(response.id)
    if (response.ok) waiting?.resolve(response)
    else waiting?.reject(new Error(response.message))
  }
}
