// Dedicated worker that keeps one title's pieces in the origin-private file system: a data file and
// a bitfield file (BEP 3 bit order) in one folder. A bit is set only after the piece's bytes were
// flushed, so a crash loses pieces but never invents one. Its file handles are exclusive: a second
// tab on the same title is refused and keeps its pieces elsewhere.
import type { OpfsRequest, OpfsResponse } from './opfs-messages.ts'

/** As in the File System standard; TypeScript lists it for workers only. */
interface SyncAccessHandle {
  read(buffer: Uint8Array, options: { at: number }): number
  write(buffer: Uint8Array, options: { at: number }): number
  getSize(): number
  flush(): void
  close(): void
}

const ROOT = 'pieces'
/** After a reload the worker before this one may still hold the files for a moment. */
const OPEN_ATTEMPTS = 40
const OPEN_RETRY_MS = 30
/** Folders untouched for so long are removed when another title is opened. */
const KEEP_MS = 14 * 24 * 3600 * 1000

let data: SyncAccessHandle | null = null
let bits: SyncAccessHandle | null = null
let pieceLength = 0
let bitfield = new Uint8Array(0)

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
      write(opened(data), request.bytes, request.index * pieceLength)
      opened(data).flush()
      setBit(request.index, true)
      return {}
    case 'read': {
      const bytes = new Uint8Array(request.length)
      const count = opened(data).read(bytes, { at: request.index * pieceLength + request.offset })
      if (count !== request.length) throw new Error(`piece ${request.index} is cut short on disk`)
      return { bytes }
    }
    case 'forget':
      setBit(request.index, false)
      return {}
    case 'close':
      data?.close()
      bits?.close()
      return {}
  }
}

async function open(request: Extract<OpfsRequest, { type: 'open' }>): Promise<number[]> {
  const root = await navigator.storage.getDirectory()
  const titles = await root.getDirectoryHandle(ROOT, { create: true })
  const folder = await titles.getDirectoryHandle(request.folder, { create: true })
  data = await openFile(folder, 'data')
  bits = await openFile(folder, 'bitfield')
  pieceLength = request.pieceLength
  bitfield = new Uint8Array(Math.ceil(request.count / 8))
  bits.read(bitfield, { at: 0 })
  const end = data.getSize()
  const held: number[] = []
  for (let index = 0; index < request.count; index += 1) {
    const bytesNeeded = Math.min((index + 1) * pieceLength, request.size)
    if (hasBit(index) && end >= bytesNeeded) held.push(index)
  }
  void removeOldTitles(titles, request.folder).catch(() => {}) // in use by another tab: next time
  return held
}

async function openFile(
  folder: FileSystemDirectoryHandle,
  name: string,
): Promise<SyncAccessHandle> {
  const file = (await folder.getFileHandle(name, { create: true })) as FileSystemFileHandle & {
    createSyncAccessHandle(): Promise<SyncAccessHandle>
  }
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await file.createSyncAccessHandle()
    } catch (error) {
      if (attempt === OPEN_ATTEMPTS) throw error
      await new Promise((resolve) => setTimeout(resolve, OPEN_RETRY_MS))
    }
  }
}

async function removeOldTitles(titles: FileSystemDirectoryHandle, current: string): Promise<void> {
  for await (const [name, handle] of titles.entries()) {
    if (name === current || handle.kind !== 'directory') continue
    const folder = handle as FileSystemDirectoryHandle
    const file = await (await folder.getFileHandle('bitfield', { create: true })).getFile()
    if (Date.now() - file.lastModified > KEEP_MS) {
      await titles.removeEntry(name, { recursive: true })
    }
  }
}

function hasBit(index: number): boolean {
  return ((bitfield[index >> 3] ?? 0) & (0x80 >> (index & 7))) !== 0
}

function setBit(index: number, value: boolean): void {
  const at = index >> 3
  const mask = 0x80 >> (index & 7)
  const byte = bitfield[at] ?? 0
  bitfield[at] = value ? byte | mask : byte & ~mask
  write(opened(bits), bitfield.subarray(at, at + 1), at)
}

function write(file: SyncAccessHandle, bytes: Uint8Array, at: number): void {
  const count = file.write(bytes, { at })
  if (count !== bytes.length) throw new Error('the browser keeps no more for this site')
}

function opened(file: SyncAccessHandle | null): SyncAccessHandle {
  if (!file) throw new Error('the piece files are not open')
  return file
}
