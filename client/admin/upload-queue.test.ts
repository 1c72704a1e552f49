import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FileStore } from '@tus/file-store'
import { Server as TusServer } from '@tus/server'
import type { PreviousUpload, UploadOptions } from 'tus-js-client'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { UploadQueue, type UploadState } from './upload-queue.ts'

const MEDIA_ID = '0123456789abcdef'
const CHUNK_BYTES = 64 * 1024

let folder: string
let server: Server
let endpoint: string
let queues: UploadQueue[]
let storage: MemoryStorage
/** Called for each request that carries bytes; `true` takes the request out of the server's hands. */
let misbehave: (patch: number, socket: Socket) => boolean
let patches: number
let refuse: { status_code: number; body: string } | null
/** A PATCH waits for it. */
let gate: Promise<void>

/** What localStorage is to tus in a browser. */
class MemoryStorage implements NonNullable<UploadOptions['urlStorage']> {
  readonly entries = new Map<string, PreviousUpload>()
  async findAllUploads() {
    return [...this.entries.values()]
  }
  async findUploadsByFingerprint(fingerprint: string) {
    return [...this.entries.values()].filter(({ urlStorageKey }) =>
      urlStorageKey.startsWith(`tus::${fingerprint}::`),
    )
  }
  async removeUpload(key: string) {
    this.entries.delete(key)
  }
  async addUpload(fingerprint: string, upload: PreviousUpload) {
    const urlStorageKey = `tus::${fingerprint}::${this.entries.size}`
    this.entries.set(urlStorageKey, { ...upload, urlStorageKey })
    return urlStorageKey
  }
}

/** Node's build of the tus client reads Buffers, not Files. */
const fileReader: NonNullable<UploadOptions['fileReader']> = {
  openFile: async (file: File) => ({
    size: file.size,
    slice: async (start, end) => {
      const bytes = Buffer.from(await file.slice(start, end).arrayBuffer())
      const value = Object.assign(bytes, { size: bytes.length }) // that is what the client reads
      return { value, done: end >= file.size }
    },
    close: () => undefined,
  }),
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'upload-queue-'))
  queues = []
  storage = new MemoryStorage()
  misbehave = () => false
  patches = 0
  refuse = null
  gate = Promise.resolve()
  const tus = new TusServer({
    path: '/api/uploads',
    datastore: new FileStore({ directory: folder }),
    onUploadCreate: async () => {
      if (refuse !== null) throw refuse
      return {}
    },
    onUploadFinish: async () => ({ headers: { 'Slipstream-Media': MEDIA_ID } }),
  })
  server = createServer(async (request, response) => {
    if (request.method === 'PATCH') {
      patches += 1
      await gate
      if (misbehave(patches, request.socket)) return
    }
    await tus.handle(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/uploads`
})

afterEach(async () => {
  for (const queue of queues) queue.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await rm(folder, { recursive: true })
})

function createQueue(): UploadQueue {
  const queue = new UploadQueue({
    endpoint,
    maxUploadBytes: 1_000_000,
    tus: { urlStorage: storage, fileReader, chunkSize: CHUNK_BYTES, retryDelays: [10, 10, 10] },
  })
  queues.push(queue)
  return queue
}

function fileOf(name: string, size: number, fill = 1): File {
  return new File([new Uint8Array(size).fill(fill)], name, { type: 'video/webm', lastModified: 7 })
}

/** Waits until the upload of that name is in one of the states. */
function reach(queue: UploadQueue, name: string, ...states: UploadState['name'][]) {
  return new Promise<UploadState>((resolve) => {
    const look = () => {
      const upload = queue.getSnapshot().uploads.find((one) => one.name === name)
      if (upload === undefined || !states.includes(upload.state.name)) return
      unsubscribe()
      resolve(upload.state)
    }
    const unsubscribe = queue.subscribe(look)
    look()
  })
}

async function storedFiles(): Promise<Buffer[]> {
  const names = (await readdir(folder)).filter((name) => !name.endsWith('.json'))
  return Promise.all(names.map((name) => readFile(join(folder, name))))
}

describe('UploadQueue', () => {
  it('uploads a file and learns the id of its title', async () => {
    const queue = createQueue()
    queue.add([fileOf('a.webm', 200_000)])
    expect(await reach(queue, 'a.webm', 'done')).toEqual({ name: 'done', mediaId: MEDIA_ID })
    expect(queue.getSnapshot().uploads[0]).toMatchObject({ bytesSent: 200_000, size: 200_000 })
    expect(queue.busy).toBe(false)
    const [stored] = await storedFiles()
    expect(stored?.length).toBe(200_000)
  })

  it('runs two at a time and the rest in turn', async () => {
    let open = () => {}
    gate = new Promise((resolve) => {
      open = resolve
    })
    const queue = createQueue()
    const names = ['a.webm', 'b.webm', 'c.webm', 'd.webm']
    queue.add(names.map((name) => fileOf(name, 1000)))
    const states = queue.getSnapshot().uploads.map(({ state }) => state.name)
    expect(states).toEqual(['uploading', 'uploading', 'waiting', 'waiting'])
    expect(queue.busy).toBe(true)
    open()
    await Promise.all(names.map((name) => reach(queue, name, 'done')))
  })

  it('goes on by itself after the connection was cut, and says so meanwhile', async () => {
    misbehave = (patch, socket) => {
      if (patch !== 2) return false
      socket.destroy()
      return true
    }
    const queue = createQueue()
    queue.add([fileOf('a.webm', 200_000)])
    const retrying = await reach(queue, 'a.webm', 'retrying')
    expect(retrying).toMatchObject({ message: expect.stringContaining('connection was lost') })
    await reach(queue, 'a.webm', 'done')
    expect((await storedFiles()).map(({ length }) => length)).toEqual([200_000])
  })

  it('gives up on a server that stays away, and goes on when asked to', async () => {
    misbehave = (patch, socket) => {
      if (patch < 2 || patch > 5) return false
      socket.destroy()
      return true
    }
    const queue = createQueue()
    queue.add([fileOf('a.webm', 200_000)])
    expect(await reach(queue, 'a.webm', 'failed')).toMatchObject({ retryable: true })
    queue.resume(queue.getSnapshot().uploads[0]?.id ?? 0)
    await reach(queue, 'a.webm', 'done')
    expect((await storedFiles()).map(({ length }) => length)).toEqual([200_000])
  })

  it('pauses and resumes without sending a byte twice', async () => {
    let open = () => {}
    misbehave = (patch) => {
      if (patch === 1) {
        gate = new Promise((resolve) => {
          open = resolve
        })
      }
      return false
    }
    const queue = createQueue()
    queue.add([fileOf('a.webm', 200_000)])
    await expect.poll(() => patches).toBe(2)
    const id = queue.getSnapshot().uploads[0]?.id ?? 0
    queue.pause(id)
    expect(await reach(queue, 'a.webm', 'paused')).toEqual({ name: 'paused' })
    expect(queue.busy).toBe(false)
    open()
    queue.resume(id)
    await reach(queue, 'a.webm', 'done')
    expect((await storedFiles()).map(({ length }) => length)).toEqual([200_000])
  })

  it('lists what an earlier visit began, and continues with the same file only', async () => {
    misbehave = (patch) => patch === 2 // hangs
    const before = createQueue()
    before.add([fileOf('a.webm', 200_000)])
    await expect.poll(() => patches).toBe(2)
    before.close()

    misbehave = () => false
    const after = createQueue()
    await expect.poll(() => after.getSnapshot().unfinished.length).toBe(1)
    const [unfinished] = after.getSnapshot().unfinished
    expect(unfinished).toMatchObject({ name: 'a.webm', size: 200_000 })
    const key = unfinished?.key ?? ''
    expect(await after.continueWith(key, fileOf('b.webm', 200_000))).toContain('is not the file')
    expect(await after.continueWith(key, fileOf('a.webm', 200_000))).toBeNull()
    await reach(after, 'a.webm', 'done')
    await expect.poll(() => after.getSnapshot().unfinished).toEqual([])
    expect((await storedFiles()).map(({ length }) => length)).toEqual([200_000])
  })

  it('throws away what the server has when an upload is cancelled', async () => {
    misbehave = (patch) => patch === 2
    const queue = createQueue()
    queue.add([fileOf('a.webm', 200_000)])
    await expect.poll(() => patches).toBe(2)
    await queue.remove(queue.getSnapshot().uploads[0]?.id ?? 0)
    expect(queue.getSnapshot()).toEqual({ uploads: [], unfinished: [] })
    expect(await storedFiles()).toEqual([])
  })

  it('sends nothing of a file that is taken off the list while its past is looked up', async () => {
    let answer = () => {}
    const asked = new Promise<void>((resolve) => {
      answer = resolve
    })
    storage.findUploadsByFingerprint = async () => {
      await asked
      return []
    }
    const queue = createQueue()
    queue.add([fileOf('a.webm', 200_000)])
    const removed = queue.remove(queue.getSnapshot().uploads[0]?.id ?? 0)
    answer()
    await removed
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(patches).toBe(0)
    expect(await storedFiles()).toEqual([])
  })

  it('ends an upload of an earlier visit on the server when its file is taken off the list', async () => {
    misbehave = (patch) => patch === 2 // hangs
    const before = createQueue()
    before.add([fileOf('a.webm', 200_000)])
    await expect.poll(() => patches).toBe(2)
    before.close()
    expect((await storedFiles()).length).toBe(1)

    gate = new Promise(() => {}) // two others keep the queue busy
    const after = createQueue()
    after.add(['b.webm', 'c.webm', 'a.webm'].map((name) => fileOf(name, 200_000)))
    const waiting = after.getSnapshot().uploads.find(({ name }) => name === 'a.webm')
    expect(waiting?.state.name).toBe('waiting')
    await expect.poll(storedFiles).toHaveLength(3)
    await after.remove(waiting?.id ?? 0)
    expect(await storedFiles()).toHaveLength(2)
    expect(after.getSnapshot().unfinished).toEqual([])
  })

  it("shows the server's own words when it refuses a file, and does not try again", async () => {
    const message = 'This is a text file, neither video nor audio.'
    const body = JSON.stringify({ error: { code: 'unsupported_media', message } })
    refuse = { status_code: 415, body }
    const queue = createQueue()
    queue.add([fileOf('a.webm', 1000)])
    const failed = await reach(queue, 'a.webm', 'failed')
    expect(failed).toEqual({ name: 'failed', message, retryable: false })
  })

  it('refuses empty and too large files before a byte is sent', async () => {
    const queue = createQueue()
    queue.add([fileOf('empty.webm', 0), fileOf('large.webm', 1_000_001)])
    const states = queue.getSnapshot().uploads.map(({ state }) => state)
    expect(states[0]).toMatchObject({ name: 'failed', retryable: false })
    expect(states[1]).toMatchObject({ name: 'failed', message: expect.stringContaining('at most') })
    expect(patches).toBe(0)
  })

  it('does not queue a file twice while it is being uploaded', async () => {
    const queue = createQueue()
    queue.add([fileOf('a.webm', 100_000)])
    queue.add([fileOf('a.webm', 100_000)])
    expect(queue.getSnapshot().uploads.length).toBe(1)
    await reach(queue, 'a.webm', 'done')
  })
})
