// The origin of the contenders that need no server of their own: a folder of media by
// `express.static` (ranges, ETag) and a few pages, behind the counting proxy. Page and media have one
// address, so that nobody needs a CORS preflight. Whoever started it closes it.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { startCountingProxy } from './counting-proxy.ts'

/** A script or another file of a package that a page loads: path in the URL, path on the disk. */
type PackageFiles = Readonly<Record<string, string>>

export interface FileOriginOptions {
  /** Folder whose files are the media. */
  readonly folder: string
  /** Bytes a second, or `null`. */
  readonly uplink: number | null
  readonly files?: PackageFiles
}

export interface FileOrigin {
  /** Of the proxy: what viewers and torrents name. */
  readonly url: string
  sentBytes(): number
  /** Puts a page or another made file at a path. */
  put(path: string, type: string, body: string | Uint8Array): void
  close(): Promise<void>
}

export async function startFileOrigin(options: FileOriginOptions): Promise<FileOrigin> {
  const app = express()
  app.use('/media', express.static(options.folder))
  for (const [path, file] of Object.entries(options.files ?? {})) {
    app.get(path, (_request, response) => response.sendFile(file))
  }
  const server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const target = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const proxy = await startCountingProxy({ target, uplink: options.uplink })
  return {
    url: proxy.url,
    sentBytes: () => proxy.mediaBytes(),
    put(path, type, body) {
      const bytes = Buffer.from(body)
      app.get(path, (_request, response) => response.type(type).send(bytes))
    },
    async close() {
      await proxy.close()
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
