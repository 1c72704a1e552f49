import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { runLoad } from './load.ts'

const FILE = Buffer.alloc(1024 * 1024, 'slipstream')
let server: Server

async function serve(listener: RequestListener): Promise<string> {
  server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`
}
afterEach(() => {
  server.close()
  server.closeAllConnections()
})

const sendRange: RequestListener = (request, response) => {
  const [, start, end] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? []
  const body = FILE.subarray(Number(start), Number(end) + 1)
  response.writeHead(206, {
    'Content-Length': body.length,
    'Content-Range': `bytes ${start}-${end}/${FILE.length}`,
  })
  response.end(body)
}
const load = { size: FILE.length, rangeBytes: 65_536, connections: 3, readBytes: 10_000 }

describe('runLoad', () => {
  it('counts the payload of whole ranges until enough bytes came', async () => {
    const url = await serve(sendRange)
    const result = await runLoad({ ...load, url, warmUpMs: 0, until: { bytes: 5e6 } })
    expect(result.bytes).toBeGreaterThanOrEqual(5e6)
    expect(result.requests).toBeGreaterThan(result.bytes / load.rangeBytes - load.connections - 1)
    expect(result.seconds).toBeGreaterThan(0)
  })

  it('stops when its time is over', async () => {
    const url = await serve(sendRange)
    const result = await runLoad({ ...load, url, warmUpMs: 20, until: { ms: 100 } })
    expect(result.seconds).toBeGreaterThanOrEqual(0.099)
    expect(result.requests).toBeGreaterThan(0)
  })

  it('refuses a server that answers a range with the whole file', async () => {
    const url = await serve((_request, response) => response.end(FILE))
    await expect(runLoad({ ...load, url, warmUpMs: 0, until: { ms: 100 } })).rejects.toThrow(
      /HTTP\/1\.1 200/,
    )
  })

  it('refuses a server that sends another range', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(206, {
        'Content-Length': 65_536,
        'Content-Range': 'bytes 1-65536/1048576',
      })
      response.end(FILE.subarray(1, 65_537))
    })
    await expect(runLoad({ ...load, url, warmUpMs: 0, until: { ms: 100 } })).rejects.toThrow(
      /bytes 1-65536/,
    )
  })

  it('says so when the server hangs up', async () => {
    const url = await serve((request) => request.socket.destroy())
    await expect(runLoad({ ...load, url, warmUpMs: 0, until: { ms: 100 } })).rejects.toThrow(
      /closed the connection|ECONNRESET/,
    )
  })
})
