// Programs nobody here wrote read our torrents and download by them: Transmission's and aria2's, and
// create-torrent agrees on the info hash.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from '@playwright/test'
import createTorrent from 'create-torrent'
import parseTorrent from 'parse-torrent'
import type { MediaRecord } from '#protocol/media.ts'
import { pieceLengthFor } from '#protocol/pieces.ts'
import { clip } from './harness/clips.ts'
import { startServer, type TestServer } from './harness/server.ts'

const run = promisify(execFile)
const path = clip({ seconds: 16, format: 'webm', mbps: 3 })
let server: TestServer
let media: MediaRecord
let folder: string
let placeholder: string
let real: string

const sha256 = async (file: string) =>
  createHash('sha256')
    .update(await readFile(file))
    .digest('hex')

async function save(name: string, query = ''): Promise<string> {
  const response = await fetch(`${server.url}/api/media/${media.id}/torrent${query}`)
  expect(response.status).toBe(200)
  const file = join(folder, name)
  await writeFile(file, new Uint8Array(await response.arrayBuffer()))
  return file
}

test.beforeAll(async () => {
  server = await startServer({ BUILD_DELAY_MS: '1000' })
  folder = await mkdtemp(join(tmpdir(), 'slipstream-interoperability-'))
  media = await server.upload(path, { filename: 'Ein Film “mit” Ümläuten 🎬.webm' })
  placeholder = await save('placeholder.torrent')
  media = await server.untilReady(media.id)
  real = await save('real.torrent', '?kind=real')
})
test.afterAll(async () => {
  await server.stop()
  await rm(folder, { recursive: true })
})

test('transmission-show reads the placeholder and the real torrent', async () => {
  const show = async (file: string) => (await run('transmission-show', [file])).stdout
  for (const text of [await show(placeholder), await show(real)]) {
    expect(text).toContain(`Name: ${media.filename}`)
    expect(text).toMatch(/Piece Size: 256\.0 KiB/)
    expect(text).toContain(`/media/${media.id}/`)
  }
  expect(await show(real)).toContain(media.state === 'ready' ? media.infoHash : 'ready')
  expect(await show(real)).toContain('/announce')
  expect(await show(placeholder)).not.toContain('/announce')
})

test('aria2c downloads the whole file through the web seed alone, and it is the same', async () => {
  const target = join(folder, 'aria2')
  await run('aria2c', [
    `--dir=${target}`,
    '--seed-time=0',
    '--enable-dht=false',
    '--bt-enable-lpd=false',
    '--enable-peer-exchange=false',
    '--bt-exclude-tracker=*',
    '--check-integrity=true',
    '--bt-stop-timeout=30',
    real,
  ])
  expect(await sha256(join(target, media.filename))).toBe(await sha256(path))
})

test("the info hash is create-torrent's for the same input", async () => {
  const theirs = await new Promise<Uint8Array>((resolve, reject) =>
    createTorrent(
      path,
      { name: media.filename, pieceLength: pieceLengthFor(media.size) },
      (error, torrent) => (error ? reject(error) : resolve(torrent as Uint8Array)),
    ),
  )
  expect(media).toMatchObject({ infoHash: (await parseTorrent(theirs)).infoHash })
})
