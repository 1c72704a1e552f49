// A company's web server, a process of its own: has one file under every name, answers after the
// time that a server further away takes, and keeps account of that time. Started by resolve.ts.
import { open } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** From a request to its answer, as from a CDN in another city; milliseconds. */
const DISTANCE_MS = 20

const path = process.argv[2] ?? ''
const file = await open(path)
const { size } = await file.stat()
/** Milliseconds from a `HEAD` to its answer, by path. */
const ownTimes: Record<string, number> = {}

const server = createServer((request, response) => {
  const startedAt = performance.now()
  const { method, url = '/', headers } = request
  if (url === '/own-times') return response.end(JSON.stringify(ownTimes))
  setTimeout(() => {
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? []
    const start = Number(first ?? 0)
    const end = Math.min(Number(last ?? size - 1), size - 1)
    response.writeHead(first === undefined ? 200 : 206, {
      'Content-Type': 'video/webm',
      'Content-Length': end - start + 1,
      ...(first !== undefined && { 'Content-Range': `bytes ${start}-${end}/${size}` }),
      'Accept-Ranges': 'bytes',
      ETag: '"one"',
      'Access-Control-Allow-Origin': '*',
    })
    if (method === 'HEAD') {
      response.end(() => {
        ownTimes[url] = performance.now() - startedAt
      })
      return
    }
    file
      .read(Buffer.allocUnsafe(end - start + 1), 0, end - start + 1, start)
      .then(({ buffer }) => response.end(buffer))
      .catch(() => response.destroy())
  }, DISTANCE_MS)
})
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(String((server.address() as AddressInfo).port))
})
