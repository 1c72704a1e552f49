import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type App, createApp } from './app.ts'
import { parseConfig } from './config/config.ts'

const ID = '0123456789abcdef'

let folder: string
let app: App | null
let lines: { level: number; orphans?: string[] }[]

beforeEach(async () => {
  lines = []
  app = null
  folder = await mkdtemp(join(tmpdir(), 'app-'))
  await mkdir(join(folder, 'dist/client'), { recursive: true })
  await writeFile(join(folder, 'dist/client/index.html'), '<!doctype html><title>x</title>')
})
afterEach(async () => {
  await app?.close()
  await rm(folder, { recursive: true })
})

async function start(): Promise<string> {
  const config = parseConfig({ DATA_DIR: join(folder, 'data') })
  const log = pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line)) })
  const started = await createApp(config, folder, log)
  app = started
  await new Promise<void>((resolve) => started.server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(started.server.address() as AddressInfo).port}`
}

test('bytes of titles that the database does not know survive the start, and the log names them', async () => {
  const blobs = join(folder, 'data/blobs')
  await mkdir(join(blobs, ID), { recursive: true })
  await writeFile(join(blobs, ID, '1'), 'a film')
  await start()
  expect(await readdir(blobs)).toEqual([ID])
  expect(await readFile(join(blobs, ID, '1'), 'utf8')).toBe('a film')
  expect(lines).toContainEqual(expect.objectContaining({ level: 40, orphans: [ID] }))
})

test('the head of a request has a time limit, an upload has none', async () => {
  await start()
  expect(app?.server.headersTimeout).toBe(60_000)
  expect(app?.server.requestTimeout).toBe(0)
})

test('a stream that no service worker answers leads to the web seed', async () => {
  const origin = await start()
  const stream = async (path: string) => {
    const response = await fetch(`${origin}/stream/${path}`, { redirect: 'manual' })
    return response.headers.get('Location') ?? response.status
  }
  expect(await stream(`${ID}.1.abc/a%20%22b%22.webm`)).toBe(
    `/media/${ID}/a%20%22b%22.webm?revision=1`,
  )
  expect(await stream(`${ID}.0.abc/a.webm`)).toBe(404)
  expect(await stream(`${ID}.1/a.webm`)).toBe(404)
  expect(await stream('nonsense/a.webm')).toBe(404)
})
