// For tests: a web seed with one title, whose file is random bytes on the disk.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import type { MediaId } from '#protocol/ids.ts'
import { sendError } from '../http/send-error.ts'
import type { Media } from '../media/catalogue.ts'
import { WebSeed } from './web-seed.ts'

export const ID = '0123456789abcdef' as MediaId
export const SIZE = 3 * 1024 * 1024 + 123
export const bytes = randomBytes(SIZE)
export const media = {
  id: ID,
  revision: 1,
  filename: 'ein Film "🎬".webm',
  size: SIZE,
  duration_s: 30,
  type: 'video/webm',
  created_at: Date.parse('2026-05-01T10:00:00Z'),
  source: null,
} as unknown as Media

type Options = ConstructorParameters<typeof WebSeed>[0]

/** The caller closes it. */
export async function startWebSeed(options: Pick<Options, 'accel' | 'holdMs' | 'onSent'>) {
  const folder = await mkdtemp(join(tmpdir(), 'slipstream-web-seed-'))
  const path = join(folder, 'blob')
  await writeFile(path, bytes)
  const webSeed = new WebSeed({
    catalogue: { get: async (id) => (id === ID ? media : null) },
    blobs: { path: () => path },
    passingOn: { send: () => Promise.reject(new Error('the file is here')) },
    clientOf: () => 'a viewer',
    onWanted: () => {},
    ...options,
  })
  const log = pino({ level: 'silent' })
  const server = createServer((incoming, response) => {
    webSeed
      .handle(incoming, response, new URL(incoming.url ?? '/', 'http://localhost'))
      .catch((error) => sendError(incoming, response, error, log))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    webSeed,
    server,
    path,
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      webSeed.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
