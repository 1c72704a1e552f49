// Dedicated worker that keeps one title's pieces in the origin-private file system, within the
// site's fair share of the disk: titles used longest ago make room first. It holds the title's Web
// Lock as long as the files are open, so a second tab on the same title keeps its pieces elsewhere.
import { type PieceIndex, pieceIndex, pieceLayout } from '#protocol/pieces.ts'
import type { OpfsRequest, OpfsResponse } from './opfs-messages.ts'
import {
  CLEAR_CHANNEL,
  DATA_FILE,
  fairShare,
  lockName,
  removeTitle,
  storedTitles,
  TABLE_FILE,
  titlesFolder,
} from './opfs-titles.ts'
import { PieceFile, type SyncAccessHandle } from './piece-file.ts'

/** After a reload the worker before this one may still have the lock and the files for a moment. */
const OPEN_WAIT_MS = 1200
const OPEN_RETRY_MS = 30
/** Titles unused for so long are removed when another one is opened. */
const KEEP_MS = 14 * 24 * 3600 * 1000
/** The disk is shared: what there is left is asked for again after so much growth. Bytes. */
const ASK_AFTER_BYTES = 64 * 1024 * 1024
/** Once refused, not before. Milliseconds. */
const ASK_AGAIN_MS = 5000

let layout = pieceLayout(1)
let title = ''
let file: PieceFile | null = null
/** Bytes that the file may have. */
let allowed = 0
let refusedAt = Number.NEGATIVE_INFINITY
/** Writes and `forget`s happen in the order of their coming, also when they wait for room. */
let last: Promise<unknown> = Promise.resolve()

self.onmessage = async (event: MessageEvent<OpfsRequest>) => {
  const request = event.data
  try {
    const answer = await handle(request)
    const response: OpfsResponse = { id: request.id, ok: true, ...answer }
    self.postMessage(response, { transfer: answer.bytes ? [answer.bytes.buffer] : [] })
    if (request.type === 'close') self.close()
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    self.postMessage({ id: request.id, ok: false, message } satisfies OpfsResponse)
  }
}

type Answer = { held?: number[]; bytes?: Uint8Array<ArrayBuffer> }

async function handle(request: OpfsRequest): Promise<Answer> {
  switch (request.type) {
    case 'open':
      return { held: await open(request) }
    case 'write':
      await inTurn(() => write(pieceIndex(layout, request.index), request.bytes))
      return {}
    case 'read': {
      const { offset, length } = request
      return { bytes: opened().read(pieceIndex(layout, request.index), offset, length) }
    }
    case 'forget':
      await inTurn(() => opened().forget(pieceIndex(layout, request.index)))
      return {}
    case 'close':
      await last
      file?.close()
      file = null
      return {}
  }
}

function inTurn(work: () => void | Promise<void>): Promise<void> {
  const done = last.then(work)
  last = done.catch(() => {})
  return done
}

async function open(request: Extract<OpfsRequest, { type: 'open' }>): Promise<number[]> {
  title = request.folder
  layout = pieceLayout(request.size, request.pieceLength)
  await holdLock()
  const folder = await (await titlesFolder()).getDirectoryHandle(title, { create: true })
  const data = await openFile(folder, DATA_FILE)
  const table = await openFile(folder, TABLE_FILE)
  file = new PieceFile(data, table, layout, Date.now())
  new BroadcastChannel(CLEAR_CHANNEL).onmessage = () => void inTurn(clear)
  inTurn(removeOldTitles).catch(() => {}) // they are removed some other time
  return file.held
}

/** Until the worker ends. @throws DOMException when another tab has the title */
function holdLock(): Promise<void> {
  const { locks } = navigator
  if (!locks) return Promise.resolve() // then the files' own locks must do
  return new Promise((resolve, reject) => {
    const hold = () => {
      resolve()
      return new Promise(() => {})
    }
    const signal = AbortSignal.timeout(OPEN_WAIT_MS)
    locks.request(lockName(title), { signal }, hold).catch(reject)
  })
}

async function openFile(
  folder: FileSystemDirectoryHandle,
  name: string,
): Promise<SyncAccessHandle> {
  const handle = (await folder.getFileHandle(name, { create: true })) as FileSystemFileHandle & {
    createSyncAccessHandle(): Promise<SyncAccessHandle>
  }
  for (let waited = 0; ; waited += OPEN_RETRY_MS) {
    try {
      return await handle.createSyncAccessHandle()
    } catch (error) {
      if (waited >= OPEN_WAIT_MS) throw error
      await new Promise((resolve) => setTimeout(resolve, OPEN_RETRY_MS))
    }
  }
}

/** @throws Error when there is no room */
async function write(index: PieceIndex, bytes: Uint8Array): Promise<void> {
  const target = opened()
  if (!(await mayGrow(target, target.growthFor(index)))) {
    throw new Error('this title has its share of the disk')
  }
  try {
    target.write(index, bytes)
  } catch (error) {
    // The browser has less than it said. Giving up one older title may help; else it is left alone
    // for a while.
    allowed = target.size
    refusedAt = performance.now()
    if (!(await removeOldest())) throw error
    target.write(index, bytes)
  }
}

/** Makes room at the cost of older titles when it must. */
async function mayGrow(target: PieceFile, growth: number): Promise<boolean> {
  const fits = () => target.size + growth <= allowed
  if (growth === 0 || fits()) return true
  if (performance.now() - refusedAt < ASK_AGAIN_MS) return false
  do {
    allowed = Math.min(await share(target), target.size + ASK_AFTER_BYTES)
    if (fits()) return true
  } while (await removeOldest())
  refusedAt = performance.now()
  return false
}

async function share(target: PieceFile): Promise<number> {
  const { quota = 0, usage = 0 } = await navigator.storage.estimate()
  const own = target.size
  const others = (await storedTitles()).filter(({ folder }) => folder !== title)
  const stored = others.reduce((sum, { bytes }) => sum + bytes, own)
  return fairShare({ quota, usage, stored, own })
}

/** @returns whether the title used longest ago, of those that nobody plays, is gone now */
async function removeOldest(): Promise<boolean> {
  for (const { folder } of await storedTitles()) {
    if (folder !== title && (await removeTitle(folder))) return true
  }
  return false
}

async function removeOldTitles(): Promise<void> {
  for (const { folder, usedAt } of await storedTitles()) {
    if (folder !== title && Date.now() - usedAt > KEEP_MS) await removeTitle(folder)
  }
}

/** The viewer wants everything deleted: this title as well, though it is being played. */
async function clear(): Promise<void> {
  try {
    file?.close()
    file = null
    await (await titlesFolder()).removeEntry(title, { recursive: true })
  } catch {
    // the disk has failed, or may not be used any more: what was on it is out of reach in any case
  }
  self.postMessage({ gone: true } satisfies OpfsResponse)
  self.close()
}

function opened(): PieceFile {
  if (!file) throw new Error('the piece files are not open')
  return file
}
