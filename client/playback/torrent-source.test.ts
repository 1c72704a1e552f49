import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { TorrentInquiry } from './torrent-source.ts'

const cleanups: (() => void)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
})

/** Asks a server whose answers are given one after the other, the last one over and over. */
async function inquire(...answers: ((response: ServerResponse) => void)[]) {
  const heard: string[] = []
  let requests = 0
  const server = createServer((_request, response) => {
    const answer = answers[Math.min(requests, answers.length - 1)]
    requests += 1
    answer?.(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const closing = new AbortController()
  cleanups.push(() => {
    closing.abort()
    server.closeAllConnections()
    server.close()
  })
  const inquiry = new TorrentInquiry({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/torrent`,
    signal: closing.signal,
    onReal: (metainfo) => {
      heard.push(`real ${metainfo.length}`)
      closing.abort()
    },
    onPlaceholder: () => heard.push('placeholder'),
    onDeleted: () => heard.push('deleted'),
  })
  return { inquiry, heard, closing, requests: () => requests }
}

const placeholder = (response: ServerResponse) =>
  response.writeHead(200, { 'Slipstream-Torrent': 'placeholder' }).end('d4:infodee')
const real = (response: ServerResponse) =>
  response.writeHead(200, { 'Slipstream-Torrent': 'real' }).end('d4:infod4:name1:aee')
const settled = (ms = 50) => new Promise((resolve) => setTimeout(resolve, ms))

test('the real torrent is handed over once', async () => {
  const { inquiry, heard, requests } = await inquire(real)
  inquiry.ask()
  await expect.poll(() => heard).toEqual(['real 19'])
  inquiry.ask()
  await settled()
  expect([heard, requests()]).toEqual([['real 19'], 1])
})

test('an event that comes while a placeholder is on its way is not lost', async () => {
  let finish = (): void => {}
  const slow = (response: ServerResponse) => {
    finish = () => placeholder(response)
  }
  const { inquiry, heard, requests } = await inquire(slow, real)
  inquiry.ask()
  await expect.poll(requests).toBe(1)
  inquiry.ask() // the torrent was built just now
  finish()
  await expect.poll(() => heard, { timeout: 2000 }).toEqual(['placeholder', 'real 19'])
})

test('a placeholder is asked about again only when somebody says so', async () => {
  const { inquiry, heard, requests } = await inquire(placeholder)
  inquiry.ask()
  await expect.poll(() => heard).toEqual(['placeholder'])
  await settled(500)
  expect(requests()).toBe(1)
})

test.each<[string, (response: ServerResponse) => void]>([
  ['hangs up', (response) => response.socket?.destroy()],
  ['answers 503', (response) => response.writeHead(503).end()],
  [
    'breaks off in the middle',
    (response) => {
      response.writeHead(200, { 'Slipstream-Torrent': 'real', 'Content-Length': 19 })
      response.write('d4:info', () => response.destroy())
    },
  ],
])('a server that %s is asked again soon', async (_what, fail) => {
  const { inquiry, heard, requests } = await inquire(fail, fail, real)
  inquiry.ask()
  await expect.poll(() => heard, { timeout: 4000 }).toEqual(['real 19'])
  expect(requests()).toBe(3)
})

test('a deleted title is told and not asked for again', async () => {
  const { inquiry, heard, requests } = await inquire((response) => response.writeHead(404).end())
  inquiry.ask()
  await expect.poll(() => heard).toEqual(['deleted'])
  await settled(400)
  expect(requests()).toBe(1)
})

test('closing ends the retries', async () => {
  const { inquiry, closing, requests } = await inquire((response) => response.writeHead(500).end())
  inquiry.ask()
  await expect.poll(requests).toBe(1)
  await settled(20)
  closing.abort()
  await settled(500)
  expect(requests()).toBe(1)
})
