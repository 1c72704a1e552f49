// The worker on a file system of which nothing is there but the calls that it makes, and which can
// be taken away from it. The real thing is in e2e/storage.e2e.ts.
import { expect, test, vi } from 'vitest'
import type { OpfsRequest, OpfsResponse } from './opfs-messages.ts'
import { CLEAR_CHANNEL } from './opfs-titles.ts'

const file = {
  createSyncAccessHandle: async () => ({
    read: () => 0,
    write: (bytes: Uint8Array) => bytes.length,
    getSize: () => 0,
    truncate: () => {},
    flush: () => {},
    close: () => {},
  }),
}
const folder = { getDirectoryHandle: async () => folder, getFileHandle: async () => file }
let isRevoked = false
const posted: OpfsResponse[] = []
let ended = 0
const scope = {
  onmessage: (_event: { data: OpfsRequest }) => {},
  postMessage: (response: OpfsResponse) => posted.push(response),
  close: () => {
    ended += 1
  },
}

test('storage that is taken away meanwhile is the page told of when it is cleared', async () => {
  const failures: unknown[] = []
  process.on('unhandledRejection', (error) => failures.push(error))
  vi.stubGlobal('self', scope)
  vi.stubGlobal('navigator', {
    storage: {
      getDirectory: async () => {
        if (isRevoked) throw new DOMException('Refused.', 'SecurityError')
        isRevoked = true // after it has been opened
        return folder
      },
    },
  })
  await import('./opfs-worker.ts')
  const title = { folder: 'title-1', pieceLength: 256 * 1024, count: 1, size: 1000 }
  scope.onmessage({ data: { id: 1, type: 'open', ...title } })
  await expect.poll(() => posted).toEqual([{ id: 1, ok: true, held: [] }])
  const page = new BroadcastChannel(CLEAR_CHANNEL)
  page.postMessage('clear')
  await expect.poll(() => posted.at(-1)).toEqual({ gone: true })
  page.close()
  expect([ended, failures]).toEqual([1, []])
})
