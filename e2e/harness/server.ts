// A real server for a test or a benchmark: its own process, its own data folder, a free port. What
// started it stops it; `kill` is a real SIGKILL and keeps the data folder for a `restart`.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import * as v from 'valibot'
import { type MediaId, mediaIdSchema } from '#protocol/ids.ts'
import { type MediaRecord, mediaRecordSchema, UPLOADED_MEDIA_HEADER } from '#protocol/media.ts'
import packageJson from '../../package.json' with { type: 'json' }

const ROOT = join(import.meta.dirname, '../..')
/** The flags and the file of `npm start`. */
const START = packageJson.scripts.start.split(' ').slice(1)
const START_TIMEOUT_MS = 60_000
const UPLOAD_CHUNK_BYTES = 64 * 1024 * 1024

export const ADMIN = { email: 'admin@example.org', password: 'correct horse battery' }

export interface TestServer {
  /** `http://localhost:<port>`, the same after a restart. */
  readonly url: string
  readonly dataDir: string
  readonly pid: number
  /** Everything the server printed so far. */
  output(): string
  /** Session cookie of the first account. */
  signIn(): Promise<string>
  /** Uploads a file by tus 1.0.0. */
  upload(path: string, metadata?: Record<string, string>): Promise<MediaRecord>
  record(id: MediaId): Promise<MediaRecord>
  /** Deletes a title. */
  remove(id: MediaId): Promise<void>
  /** Polls until the real torrent is there, asking for it once. */
  untilReady(id: MediaId, timeoutMs?: number): Promise<MediaRecord>
  /** Payload bytes that the web seed sent so far. */
  webSeedBytes(): Promise<number>
  kill(): Promise<void>
  /** Starts again on the same port and data folder, optionally with other settings. */
  restart(environment?: Record<string, string>): Promise<void>
  /** Ends the process and removes its data. */
  stop(): Promise<void>
}

/** @param environment settings besides port, data folder and the first account */
export async function startServer(environment: Record<string, string> = {}): Promise<TestServer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'slipstream-data-'))
  let output = ''
  let child: ChildProcess
  let port = '0'

  const launch = async (extra: Record<string, string>): Promise<string> => {
    child = spawn(process.execPath, START, {
      cwd: ROOT,
      env: {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        PORT: port,
        DATA_DIR: dataDir,
        ADMIN_EMAIL: ADMIN.email,
        ADMIN_PASSWORD: ADMIN.password,
        P2P_DEFAULT: 'on',
        ...extra,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const { stdout, stderr } = child
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no start:\n${output}`)), START_TIMEOUT_MS)
      const startsAt = output.length
      const read = (text: string) => {
        output += text
        const ready = /Slipstream is ready: (\S+)/.exec(output.slice(startsAt))
        if (!ready) return
        clearTimeout(timer)
        resolve(ready[1] as string)
      }
      stdout?.setEncoding('utf8').on('data', read)
      stderr?.setEncoding('utf8').on('data', read)
      child.once('exit', (code) => reject(new Error(`exit ${code} before ready:\n${output}`)))
    })
  }
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }

  const url = await launch(environment)
  port = new URL(url).port
  let cookie: Promise<string> | null = null

  const server: TestServer = {
    url,
    dataDir,
    get pid() {
      return child.pid as number
    },
    output: () => output,
    signIn() {
      cookie ??= signIn(url)
      return cookie
    },
    async upload(path, metadata = {}) {
      const id = await upload(url, await server.signIn(), path, metadata)
      return server.record(id)
    },
    async record(id) {
      const response = await fetch(`${url}/api/media/${id}`)
      return v.parse(mediaRecordSchema, await response.json())
    },
    async remove(id) {
      const response = await fetch(`${url}/api/media/${id}`, {
        method: 'DELETE',
        headers: { Cookie: await server.signIn() },
      })
      if (response.status !== 204) throw new Error(`delete: ${await response.text()}`)
    },
    async untilReady(id, timeoutMs = 60_000) {
      await (await fetch(`${url}/api/media/${id}/torrent`)).arrayBuffer()
      const deadline = Date.now() + timeoutMs
      for (;;) {
        const record = await server.record(id)
        if (record.state === 'ready') return record
        if (Date.now() > deadline) throw new Error(`${id} is ${record.state} after ${timeoutMs} ms`)
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    },
    async webSeedBytes() {
      const text = await (await fetch(`${url}/metrics`)).text()
      return Number(/^slipstream_web_seed_bytes_total (\d+)/m.exec(text)?.[1])
    },
    kill: () => end('SIGKILL'),
    async restart(extra = environment) {
      await end('SIGTERM')
      await launch(extra)
    },
    async stop() {
      await end('SIGTERM')
      await rm(dataDir, { recursive: true, force: true })
    },
  }
  return server
}

async function signIn(url: string): Promise<string> {
  const response = await fetch(`${url}/api/session`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(ADMIN),
  })
  const [cookie] = response.headers.getSetCookie()
  if (!response.ok || cookie === undefined) throw new Error(`sign-in: ${await response.text()}`)
  return cookie.split(';', 1)[0] as string
}

async function upload(
  url: string,
  cookie: string,
  path: string,
  metadata: Record<string, string>,
): Promise<MediaId> {
  const { size } = await stat(path)
  const headers = { Cookie: cookie, 'Tus-Resumable': '1.0.0' }
  const pairs = Object.entries({ filename: basename(path), ...metadata })
  const created = await fetch(`${url}/api/uploads`, {
    method: 'POST',
    headers: {
      ...headers,
      'Upload-Length': String(size),
      'Upload-Metadata': pairs
        .map(([key, value]) => `${key} ${Buffer.from(value).toString('base64')}`)
        .join(','),
    },
  })
  if (created.status !== 201) throw new Error(`upload refused: ${await created.text()}`)
  const location = new URL(created.headers.get('Location') ?? '', `${url}/api/uploads`)
  const file = await open(path)
  try {
    for (let offset = 0; ; ) {
      const buffer = Buffer.alloc(Math.min(UPLOAD_CHUNK_BYTES, size - offset))
      await file.read(buffer, 0, buffer.length, offset)
      const patched = await fetch(location, {
        method: 'PATCH',
        headers: {
          ...headers,
          'Content-Type': 'application/offset+octet-stream',
          'Upload-Offset': String(offset),
        },
        body: buffer,
      })
      if (patched.status !== 204) throw new Error(`upload failed: ${await patched.text()}`)
      offset += buffer.length
      if (offset === size) return v.parse(mediaIdSchema, patched.headers.get(UPLOADED_MEDIA_HEADER))
    }
  } finally {
    await file.close()
  }
}
