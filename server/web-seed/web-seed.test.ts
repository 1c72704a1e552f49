import { truncate, unlink } from 'node:fs/promises'
import { request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { WebSeed } from './web-seed.ts'
import { bytes, ID, media, SIZE, startWebSeed } from './web-seed-fixture.ts'

let seed: Awaited<ReturnType<typeof startWebSeed>>
let path: string
let server: Server
let webSeed: WebSeed
let base: string
let url: string
let sent: number
let proxy: string | undefined

beforeEach(async () => {
  sent = 0
  proxy = undefined
  seed = await startWebSeed({
    accel: { prefix: '/slipstream-blobs/', isTrustedProxy: (address) => address === proxy },
    onSent: (count) => {
      sent += count
    },
  })
  ;({ path, server, webSeed, origin: base } = seed)
  url = `${base}/media/${ID}/${encodeURIComponent(media.filename)}?revision=1`
})
afterEach(() => seed.close())

const get = (headers: Record<string, string> = {}, method = 'GET') =>
  fetch(url, { method, headers })
const bodyOf = async (response: Response) => Buffer.from(await response.arrayBuffer())

describe('behind nginx, the web seed', () => {
  beforeEach(() => {
    proxy = '127.0.0.1'
  })

  it.each([{}, { Range: 'bytes=1000-1999' }, { Range: 'bytes=-1' }])(
    'leaves %j to nginx, with headers alone',
    async (headers) => {
      const response = await get(headers)
      expect(response.status).toBe(200)
      expect(response.headers.get('x-accel-redirect')).toBe(`/slipstream-blobs/${ID}/1`)
      expect(response.headers.get('etag')).toBe(`"${ID}-1"`)
      expect(response.headers.get('last-modified')).toBe('Fri, 01 May 2026 10:00:00 GMT')
      expect(response.headers.get('content-type')).toBe('video/webm')
      expect(response.headers.get('cache-control')).toContain('immutable')
      expect(await bodyOf(response)).toHaveLength(0)
      expect(sent).toBe(0)
    },
  )

  it.each([
    { Range: 'bytes=0-1,5-6' },
    { Range: 'bytes=0-1', 'If-Range': '"other"' },
    { 'If-Match': `"${ID}-1"` },
    { 'If-None-Match': '"other"' },
    { 'If-Unmodified-Since': 'Fri, 01 May 2026 10:00:00 GMT' },
    { 'If-Modified-Since': 'Fri, 01 May 2020 10:00:00 GMT' },
  ])('sends the bytes for %j itself, which nginx would judge otherwise', async (headers) => {
    const response = await get(headers as Record<string, string>)
    expect(response.status).toBe(200)
    expect((await bodyOf(response)).equals(bytes)).toBe(true)
  })

  it('refuses by itself', async () => {
    expect((await get({ Range: `bytes=${SIZE}-` })).status).toBe(416)
    expect((await get({ 'If-None-Match': `"${ID}-1"` })).status).toBe(304)
    expect((await get({}, 'HEAD')).headers.get('content-length')).toBe(String(SIZE))
    await unlink(path)
    webSeed.forget(ID, 1)
    expect((await get()).status).toBe(500)
  })

  it('names the file to nginx that asks, whatever else the request says, and no byte is sent', async () => {
    const asking = { 'X-Slipstream-Ask': 'file', Range: 'bytes=0-99', 'If-None-Match': '"other"' }
    const answer = await get(asking)
    expect(answer.status).toBe(204)
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'x-accel-redirect': `/slipstream-blobs/${ID}/1`,
      'content-type': 'video/webm',
      etag: `"${ID}-1"`,
      'last-modified': 'Fri, 01 May 2026 10:00:00 GMT',
      'cache-control': expect.stringContaining('immutable'),
    })
    expect(sent).toBe(0)
  })

  it('refuses to name what nginx may not send: strange addresses, streams, files that are gone', async () => {
    const ask = async (address: string) => {
      const answer = await fetch(address, { headers: { 'X-Slipstream-Ask': 'file' } })
      expect(answer.headers.get('x-accel-redirect')).toBeNull()
      expect(await bodyOf(answer)).toHaveLength(0)
      return answer.status
    }
    expect(await ask(`${base}/media/${ID}/another.webm`)).toBe(403)
    expect(await ask(url.replace('revision=1', 'revision=2'))).toBe(403)
    const name = encodeURIComponent(media.filename)
    expect(await ask(`${base}/media/${ID}/stream/1.0123456789abcdef/${name}`)).toBe(403)
    await unlink(path)
    webSeed.forget(ID, 1)
    expect(await ask(url)).toBe(403)
    expect(sent).toBe(0)
  })

  it('does not name it to who is no trusted proxy', async () => {
    proxy = '192.0.2.1'
    const answer = await get({ 'X-Slipstream-Ask': 'file', Range: 'bytes=0-99' })
    expect(answer.status).toBe(403)
    expect(answer.headers.get('x-accel-redirect')).toBeNull()
    expect(await bodyOf(answer)).toHaveLength(0)
  })

  it('sends the bytes to who is no trusted proxy', async () => {
    proxy = '192.0.2.1'
    const response = await get({ Range: 'bytes=0-99' })
    expect(response.headers.get('x-accel-redirect')).toBeNull()
    expect((await bodyOf(response)).equals(bytes.subarray(0, 100))).toBe(true)
  })
})

describe('the web seed', () => {
  it('sends the whole file, counted to the byte', async () => {
    const response = await get()
    expect(response.status).toBe(200)
    expect((await bodyOf(response)).equals(bytes)).toBe(true)
    expect(sent).toBe(SIZE)
    expect(response.headers.get('content-type')).toBe('video/webm')
    expect(response.headers.get('accept-ranges')).toBe('bytes')
    expect(response.headers.get('cache-control')).toContain('immutable')
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
  })

  it.each([
    ['bytes=0-0', 0, 1],
    ['bytes=1000-1048576', 1000, 1_048_577],
    ['bytes=-100', SIZE - 100, SIZE],
    [`bytes=${SIZE - 1}-${SIZE + 50}`, SIZE - 1, SIZE],
    ['bytes=262143-2883584', 262_143, 2_883_585],
  ])('answers %s with just those bytes', async (range, start, end) => {
    const response = await get({ Range: range })
    expect(response.status).toBe(206)
    expect(response.headers.get('content-range')).toBe(`bytes ${start}-${end - 1}/${SIZE}`)
    expect((await bodyOf(response)).equals(bytes.subarray(start, end))).toBe(true)
  })

  it('refuses a range beyond the end and says how long the file is', async () => {
    const response = await get({ Range: `bytes=${SIZE}-` })
    expect(response.status).toBe(416)
    expect(response.headers.get('content-range')).toBe(`bytes */${SIZE}`)
    expect(await response.json()).toMatchObject({ error: { code: 'range_not_satisfiable' } })
  })

  it('honours validators', async () => {
    const etag = (await get({}, 'HEAD')).headers.get('etag') ?? ''
    expect((await get({ 'If-None-Match': etag })).status).toBe(304)
    expect((await get({ 'If-Match': '"other"' })).status).toBe(412)
    expect((await get({ Range: 'bytes=0-9', 'If-Range': etag })).status).toBe(206)
    expect((await get({ Range: 'bytes=0-9', 'If-Range': '"other"' })).status).toBe(200)
  })

  it('answers HEAD without a body, and a preflight for ranges', async () => {
    const head = await get({}, 'HEAD')
    expect(head.headers.get('content-length')).toBe(String(SIZE))
    expect(await bodyOf(head)).toHaveLength(0)
    const preflight = await get(
      { Origin: 'https://elsewhere.example', 'Access-Control-Request-Headers': 'range' },
      'OPTIONS',
    )
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-headers')).toMatch(/\brange\b/i)
    expect((await get({}, 'DELETE')).status).toBe(405)
  })

  it.each([
    ['another title', `/media/fedcba9876543210/x.webm`],
    ['a wrong name', `/media/${ID}/other.webm`],
    ['a wrong revision', `/media/${ID}/${encodeURIComponent(media.filename)}?revision=2`],
    ['a climbing path', `/media/${ID}/..%2f..%2fetc%2fpasswd`],
    ['a broken escape', `/media/${ID}/%E0%A4%A`],
    ['no name', `/media/${ID}`],
    ['too many parts', `/media/${ID}/a/b`],
  ])('knows nothing of %s', async (_, target) => {
    const response = await new Promise<{ status: number | undefined }>((resolve, reject) => {
      const outgoing = request(`${base}${target}`, (incoming) => {
        incoming.resume()
        resolve({ status: incoming.statusCode })
      })
      outgoing.on('error', reject).end()
    })
    expect(response.status).toBe(404)
  })

  it('finishes for who is reading when the title is deleted, and not for who comes later', async () => {
    const response = await get()
    await unlink(path)
    webSeed.forget(ID, 1)
    expect((await bodyOf(response)).equals(bytes)).toBe(true)
    expect((await get()).status).toBe(500)
  })

  it('cuts the connection when the file is shorter than its record says', async () => {
    await truncate(path, 1024 * 1024)
    await expect(get().then(bodyOf)).rejects.toThrow()
    expect((await get({ Range: 'bytes=0-99' })).status).toBe(206)
  })

  it('survives clients that leave in the middle, and serves the next', async () => {
    const { port } = server.address() as AddressInfo
    for (let round = 0; round < 30; round += 1) {
      await new Promise<void>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => {
          socket.write(`GET ${new URL(url).pathname} HTTP/1.1\r\nHost: x\r\n\r\n`)
        })
        socket.once('data', () => socket.destroy())
        socket.once('close', () => resolve())
      })
    }
    expect((await bodyOf(await get())).equals(bytes)).toBe(true)
  })

  it('sends right bytes to who stays while others hang up in the middle of reads', async () => {
    const leave = (afterBytes: number) =>
      new Promise<void>((resolve) => {
        const leaving = request(url, { agent: false })
        leaving.on('error', () => {}).on('close', () => resolve())
        leaving.on('response', (response) => {
          let got = 0
          response
            .on('error', () => {})
            .on('data', (chunk: Buffer) => {
              got += chunk.length
              if (got >= afterBytes) leaving.destroy()
            })
          if (afterBytes === 0) leaving.destroy()
        })
        leaving.end()
      })
    const stay = async () => Buffer.from(await (await fetch(url)).arrayBuffer()).equals(bytes)
    const stayed: boolean[] = []
    for (let round = 0; round < 8; round += 1) {
      const leavers = [0, 1, 70_000, 300_000, 1_100_000].map(leave)
      stayed.push(...(await Promise.all([stay(), stay()])))
      await Promise.all(leavers)
    }
    expect(stayed).toEqual(Array(16).fill(true))
  })
})
