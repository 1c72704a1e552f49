import { once } from 'node:events'
import { createServer, get, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type CountingProxy, startCountingProxy } from './counting-proxy.ts'

const FILE = Buffer.alloc(300_000, 'media ')

let origin: Server
let proxy: CountingProxy

/** Knows a file, a page and an upgrade to an echo. */
beforeEach(async () => {
  origin = createServer((request, response) => {
    const range = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '')
    if (request.url !== '/media/file') response.end(`page for ${request.headers.host}`)
    else if (range === null) response.end(FILE)
    else {
      const part = FILE.subarray(Number(range[1]), Number(range[2]) + 1)
      response.writeHead(206, { 'Content-Length': part.length }).end(part)
    }
  })
  origin.on('upgrade', (_request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
    socket.pipe(socket)
  })
  await once(origin.listen(0, '127.0.0.1'), 'listening')
})

afterEach(async () => {
  await proxy.close()
  origin.closeAllConnections()
  origin.close()
})

async function startProxy(uplink: number | null): Promise<void> {
  const target = `http://127.0.0.1:${(origin.address() as AddressInfo).port}`
  proxy = await startCountingProxy({ target, uplink })
}

test('media are counted, pages are not, and both arrive unchanged', async () => {
  await startProxy(null)
  const page = await fetch(`${proxy.url}/page`)
  expect(await page.text()).toBe(`page for ${new URL(proxy.url).host}`)
  expect(proxy.mediaBytes()).toBe(0)
  const whole = await fetch(`${proxy.url}/media/file`)
  expect(FILE.equals(Buffer.from(await whole.arrayBuffer()))).toBe(true)
  const part = await fetch(`${proxy.url}/media/file`, { headers: { Range: 'bytes=10-19' } })
  expect(part.status).toBe(206)
  expect(await part.text()).toBe(FILE.subarray(10, 20).toString())
  expect(proxy.mediaBytes()).toBe(FILE.length + 10)
})

test('a capped uplink is shared by all connections', async () => {
  await startProxy(1_000_000)
  const startedAt = performance.now()
  await Promise.all([0, 1].map(async () => (await fetch(`${proxy.url}/media/file`)).arrayBuffer()))
  const seconds = (performance.now() - startedAt) / 1000
  expect(seconds).toBeGreaterThan(0.5)
  expect(proxy.mediaBytes()).toBe(2 * FILE.length)
})

test('what a viewer who left did not get is not counted', async () => {
  await startProxy(100_000)
  const answer = await new Promise<IncomingMessage>((resolve) => {
    get(`${proxy.url}/media/file`, resolve)
  })
  await once(answer, 'data')
  answer.destroy()
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect(proxy.mediaBytes()).toBeGreaterThan(0)
  expect(proxy.mediaBytes()).toBeLessThan(FILE.length / 2)
})

test('an upgraded connection goes both ways until the proxy is closed', async () => {
  await startProxy(null)
  const socket = connect(Number(new URL(proxy.url).port), '127.0.0.1')
  socket.write('GET /echo HTTP/1.1\r\nHost: proxy\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
  expect(String(await once(socket, 'data'))).toContain('101')
  socket.write('hello')
  expect(String(await once(socket, 'data'))).toBe('hello')
  const closed = once(socket, 'close')
  await proxy.close()
  await closed
  await startProxy(null)
})

test('an origin that is gone is a 502', async () => {
  await startProxy(null)
  origin.closeAllConnections()
  origin.close()
  expect((await fetch(`${proxy.url}/media/file`)).status).toBe(502)
})
