import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Database, openDatabase } from '../database/database.ts'
import { HttpSourceClient, type HttpSourceClientOptions } from './http-source-client.ts'
import { type KnownSource, SourceChanged } from './source-client.ts'
import type { Lookup } from './source-connection.ts'
import { createSourcePolicy } from './source-policy.ts'
import { exampleBytes, film, startSource, type TestSource } from './web-server-fixture.ts'

const SIZE = 100_000
const KNOWN: KnownSource = { size: SIZE, etag: '"one"', lastModified: null, ranges: true }
const ETAG = { ETag: '"one"' }
/** Head of an answer with the whole file as a range. */
const WHOLE = { ...ETAG, 'Content-Range': 'bytes 0-99999/100000', 'Content-Length': SIZE }
/** Sources that stall are given up within a test's patience. */
const patience = { connect: 1_000, head: 300, silence: 300, inspection: 2_000 }

let database: Database
let source: TestSource
/** Whatever comes here should not have. */
let forbidden: TestSource
let clients: HttpSourceClient[]

beforeEach(async () => {
  database = await openDatabase(':memory:')
  source = await startSource()
  forbidden = await startSource()
  clients = []
})
afterEach(async () => {
  expect(forbidden.requests, 'requests at a forbidden address').toEqual([])
  expect(forbidden.connections, 'connections to a forbidden address').toBe(0)
  await Promise.all(clients.map((client) => client.close()))
  await Promise.all([source.close(), forbidden.close(), database.destroy()])
})

function clientFor(
  origins: readonly string[],
  { allowPrivate = true, ...options }: Partial<HttpSourceClientOptions> = {},
): HttpSourceClient {
  const policy = createSourcePolicy({
    database,
    sources: { origins, keep: 'never', allowPrivate },
    now: Date.now,
  })
  const client = new HttpSourceClient({
    policy,
    allowPrivate,
    maxBytes: 64 * 1024 ** 3,
    pageOrigin: 'https://media.example.org',
    patience,
    ...options,
  })
  clients.push(client)
  return client
}

const { signal } = new AbortController()
const ours = () => clientFor([`${source.url}/`])
const url = (path = '/film.mp4') => new URL(path, source.url)
const inspect = (client = ours(), path?: string) => client.inspect(url(path), signal)
const read = async (start = 0, end = SIZE, known: KnownSource = KNOWN, client = ours()) =>
  buffer(await client.read(url(), { start, end, known, signal }))
const withCode = (code: string) => expect.objectContaining({ code })

test('one HEAD tells everything of a good source, without cookies or credentials', async () => {
  source.answer(
    film({
      headers: {
        'Last-Modified': 'Fri, 01 May 2026 10:00:00 GMT',
        'Content-Disposition': "attachment; filename*=UTF-8''Ein%20Film.mp4",
        'Content-Type': 'Video/MP4; codecs="avc1"',
      },
    }),
  )
  expect(await inspect()).toEqual({
    size: SIZE,
    type: 'video/mp4',
    etag: '"one"',
    lastModified: 'Fri, 01 May 2026 10:00:00 GMT',
    ranges: true,
    cors: true,
    filename: 'Ein Film.mp4',
  })
  expect(source.requests).toEqual(['HEAD /film.mp4'])
  expect(source.lastHeaders).toMatchObject({
    'user-agent': 'Slipstream',
    'accept-encoding': 'identity',
    origin: 'https://media.example.org',
  })
  expect(Object.keys(source.lastHeaders)).not.toContain('cookie')
  expect(Object.keys(source.lastHeaders)).not.toContain('authorization')
})

test.each([403, 404, 405, 500, 501])(
  'a source that answers HEAD with %i is asked for one byte',
  async (head) => {
    source.answer(film({ head }))
    expect(await inspect()).toMatchObject({ size: SIZE, ranges: true, cors: true, etag: '"one"' })
    expect(source.requests).toEqual(['HEAD /film.mp4', 'GET /film.mp4 bytes=0-0'])
  },
)

test('a source that does not say whether it has ranges is asked for one byte', async () => {
  const silent = film({ ranges: false })
  source.answer(silent)
  expect(await inspect()).toMatchObject({ size: SIZE, ranges: false })
  source.answer((request, response) => {
    if (request.method === 'HEAD') silent(request, response)
    else film()(request, response)
  })
  expect(await inspect()).toMatchObject({ size: SIZE, ranges: true })
})

test('a thorough inspection finds out what a source lies about', async () => {
  const truth = film({ ranges: false, bytes: exampleBytes(7_000) })
  source.answer((request, response) => {
    if (request.method === 'HEAD') film()(request, response)
    else truth(request, response)
  })
  expect(await inspect()).toMatchObject({ size: SIZE, ranges: true })
  const told = await ours().inspect(url(), signal, true)
  expect(told).toMatchObject({ size: 7_000, ranges: false })
})

test.each([
  ['*', true],
  ['https://media.example.org', true],
  ['https://www.example.org', false],
  ['null', false],
  ['', false],
])('a source that allows %j to read is open: %s', async (allowed, expected) => {
  source.answer(film({ headers: { 'Access-Control-Allow-Origin': allowed } }))
  expect(await inspect()).toMatchObject({ cors: expected })
})

test('weak validators and dates that are none are not kept', async () => {
  source.answer(film({ headers: { ETag: 'W/"one"', 'Last-Modified': 'yesterday' } }))
  expect(await inspect()).toMatchObject({ etag: null, lastModified: null })
})

test.each([
  ['text/html', '/film.mp4'],
  ['image/png', '/film.mp4'],
  ['application/octet-stream', '/setup.exe'],
  ['application/vnd.apple.mpegurl', '/film.m3u8'],
])('%s at %s is no media', async (type, path) => {
  source.answer(film({ headers: { 'Content-Type': type } }))
  await expect(inspect(ours(), path)).rejects.toThrow(withCode('source_unsuitable'))
})

test('a type that says nothing is judged by the name', async () => {
  source.answer(film({ headers: { 'Content-Type': 'application/octet-stream' } }))
  expect(await inspect(ours(), '/films/film.webm?x=y.exe')).toMatchObject({ size: SIZE })
})

test.each([
  ['10 TB', String(10e12)],
  ['more bytes than numbers can count', '9999999999999999'],
  ['nothing', '0'],
  ['less than nothing', '-5'],
])('a file of %s is refused', async (_what, length) => {
  source.answer((_request, response) => {
    const socket = response.socket
    socket?.end(
      `HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nAccept-Ranges: bytes\r\nContent-Length: ${length}\r\n\r\n`,
    )
  })
  await expect(inspect()).rejects.toThrow(withCode('source_unsuitable'))
})

test('a file whose length nobody tells is refused', async () => {
  source.answer((_request, response) => {
    response.writeHead(200, { 'Content-Type': 'video/mp4', 'Transfer-Encoding': 'chunked' })
    response.end()
  })
  await expect(inspect()).rejects.toThrow(/length/)
  expect(source.requests).toEqual(['HEAD /film.mp4', 'GET /film.mp4 bytes=0-0'])
})

test('an empty file is refused where a range of it cannot be had', async () => {
  source.answer((request, response) => {
    if (request.method === 'HEAD') response.writeHead(405).end()
    else response.writeHead(416, { 'Content-Range': 'bytes */0' }).end()
  })
  await expect(inspect()).rejects.toThrow(withCode('source_unsuitable'))
})

test.each([
  [404, 'not_found'],
  [410, 'not_found'],
  [400, 'source_unsuitable'],
  [401, 'source_unsuitable'],
  [403, 'source_unsuitable'],
  [418, 'source_unsuitable'],
  [204, 'source_unsuitable'],
  [429, 'source_unreachable'],
  [500, 'source_unreachable'],
  [503, 'source_unreachable'],
])('a source that answers %i: %s', async (status, code) => {
  source.answer((_request, response) => response.writeHead(status, { 'Retry-After': '7' }).end())
  const headers = code === 'source_unreachable' ? { 'Retry-After': '7' } : {}
  const refusal = expect.objectContaining({ code, headers })
  await expect(inspect()).rejects.toThrow(refusal)
  await expect(read()).rejects.toThrow(refusal)
})

test('a source that asks for years of patience gets an hour', async () => {
  source.answer((_request, response) =>
    response.writeHead(503, { 'Retry-After': '99999999' }).end(),
  )
  await expect(inspect()).rejects.toThrow(
    expect.objectContaining({ headers: { 'Retry-After': '3600' } }),
  )
})

test('a span comes byte for byte, by one range with the validator', async () => {
  expect(await read(1_000, 5_000)).toEqual(exampleBytes().subarray(1_000, 5_000))
  expect(source.requests).toEqual(['GET /film.mp4 bytes=1000-4999'])
  expect(source.lastHeaders['if-range']).toBe('"one"')
})

test('a source without ranges is read as a whole', async () => {
  source.answer(film({ ranges: false }))
  const known = { ...KNOWN, ranges: false }
  expect(await read(0, SIZE, known)).toEqual(exampleBytes())
  expect(source.lastHeaders.range).toBeUndefined()
  await expect(read(1, SIZE, known)).rejects.toThrow(RangeError)
})

test('a source whose validator changed between two ranges is another file', async () => {
  expect(await read(0, 10)).toHaveLength(10)
  source.answer(film({ headers: { ETag: '"two"' } }))
  await expect(read(10, 20)).rejects.toThrow(SourceChanged)
})

test('a source whose length changed between two ranges is another file', async () => {
  source.answer(film({ bytes: exampleBytes(SIZE + 1) }))
  await expect(read(10, 20)).rejects.toThrow(SourceChanged)
})

test.each([412, 416])('an answer of %i to a range is another file', async (status) => {
  source.answer((_request, response) => response.writeHead(status).end())
  await expect(read(10, 20)).rejects.toThrow(SourceChanged)
})

test('a source whose date changed is another file where it has no validator', async () => {
  const date = 'Fri, 01 May 2026 10:00:00 GMT'
  const later = 'Fri, 01 May 2026 10:00:01 GMT'
  const partial = (modified: string) => film({ headers: { ETag: '', 'Last-Modified': modified } })
  const known = { ...KNOWN, etag: null, lastModified: date }
  source.answer((request, response) => {
    expect(request.headers['if-range']).toBe(date)
    delete request.headers['if-range']
    partial(later)(request, response)
  })
  await expect(read(10, 20, known)).rejects.toThrow(SourceChanged)
})

test('parts without a name are refused where the file has one: a change would not be seen', async () => {
  const unnamed = (headers: Record<string, string>) =>
    source.answer((_request, response) => {
      const range = { 'Content-Range': `bytes 10-19/${SIZE}`, 'Content-Length': 10 }
      response.writeHead(206, { ...range, ...headers }).end('0123456789')
    })
  unnamed({})
  await expect(read(10, 20)).rejects.toMatchObject({
    code: 'source_unsuitable',
    message: expect.stringContaining('parts of it without one'),
  })
  expect(await read(10, 20, { ...KNOWN, etag: null })).toHaveLength(10)
  unnamed({ 'Last-Modified': 'Fri, 01 May 2026 10:00:00 GMT' })
  expect(await read(10, 20)).toHaveLength(10)
})

test('a source that ignores ranges though it said otherwise is found out', async () => {
  source.answer(film({ ranges: false }))
  await expect(read(10, 20)).rejects.toThrow(SourceChanged)
  expect(await read(0, SIZE)).toHaveLength(SIZE) // the whole file was wanted anyway
})

test.each([
  ['another place', 'bytes 11-20/100000', 10],
  ['more than was asked for', 'bytes 10-29/100000', 20],
  ['no place', '', 10],
  ['nonsense', 'bytes 10-19', 10],
  ['a place with another length of the body', 'bytes 10-19/100000', 11],
])('a range of %s is refused', async (_what, contentRange, length) => {
  source.answer((_request, response) => {
    response.writeHead(206, {
      ...ETAG,
      'Content-Length': length,
      ...(contentRange && { 'Content-Range': contentRange }),
    })
    response.end(Buffer.alloc(length))
  })
  await expect(read(10, 20)).rejects.toThrow(withCode('source_unsuitable'))
})

test('several ranges in one body are refused', async () => {
  source.answer((_request, response) => {
    response.writeHead(206, { 'Content-Type': 'multipart/byteranges; boundary=x' }).end('--x--')
  })
  await expect(read(10, 20)).rejects.toThrow(withCode('source_unsuitable'))
})

test('compressed bytes are refused, in a range and as a whole', async () => {
  source.answer(film({ headers: { 'Content-Encoding': 'gzip' } }))
  await expect(read(10, 20)).rejects.toThrow(/compresses/)
  await expect(read(0, SIZE)).rejects.toThrow(/compresses/)
  await expect(inspect()).rejects.toThrow(/compresses/)
})

test('not one byte more passes than was asked for, though the source goes on and on', async () => {
  source.answer((_request, response) => {
    response.writeHead(206, { ...ETAG, 'Content-Range': 'bytes 10-19/100000' }) // chunked
    const more = () => response.write(Buffer.alloc(64 * 1024), () => !response.destroyed && more())
    more()
  })
  const received: Uint8Array[] = []
  const reading = async () => {
    const span = { start: 10, end: 20, known: KNOWN, signal }
    for await (const chunk of await ours().read(url(), span)) received.push(chunk)
  }
  await expect(reading()).rejects.toThrow(/more bytes than/)
  expect(received).toEqual([])
})

test('a body that breaks off is an error after the bytes that came', async () => {
  source.answer((_request, response) => {
    response.writeHead(206, WHOLE)
    response.write(Buffer.alloc(10), () => response.destroy())
  })
  await expect(read()).rejects.toThrow(withCode('source_unreachable'))
  source.answer((_request, response) => {
    response.writeHead(206, { ...ETAG, 'Content-Range': 'bytes 0-99999/100000' }) // chunked, and ends well
    response.end(Buffer.alloc(10))
  })
  await expect(read()).rejects.toThrow(withCode('source_unreachable'))
})

test('a body that falls silent is given up', async () => {
  source.answer((_request, response) => {
    response.writeHead(206, WHOLE)
    response.write(Buffer.alloc(10))
  })
  await expect(read()).rejects.toThrow(/in time/)
})

test('a body that drips is given up', async () => {
  const timers: NodeJS.Timeout[] = []
  source.answer((_request, response) => {
    response.writeHead(206, WHOLE)
    timers.push(setInterval(() => response.write('x'), 20))
  })
  await expect(read()).rejects.toThrow(/too slowly/)
  for (const timer of timers) clearInterval(timer)
})

test('a reader that takes its time is no slow source', async () => {
  const client = ours()
  let received = 0
  for await (const chunk of await client.read(url(), {
    start: 0,
    end: SIZE,
    known: KNOWN,
    signal,
  })) {
    if (received === 0) await new Promise((resolve) => setTimeout(resolve, 3 * patience.silence))
    received += chunk.length
  }
  expect(received).toBe(SIZE)
})

test('a source that takes the request and never answers is given up', async () => {
  source.answer(() => {})
  await expect(inspect()).rejects.toThrow(/in time/)
  await expect(read()).rejects.toThrow(/in time/)
})

test('a source whose head drips is given up', async () => {
  const timers: NodeJS.Timeout[] = []
  source.answer((_request, response) => {
    response.socket?.write('HTTP/1.1 200 OK\r\n')
    timers.push(setInterval(() => response.socket?.write('X-A: b\r\n'), 50))
  })
  await expect(inspect()).rejects.toThrow(/in time/)
  for (const timer of timers) clearInterval(timer)
})

test('a head without end is refused', async () => {
  source.answer((_request, response) => {
    response.socket?.write(`HTTP/1.1 200 OK\r\n${`X-A: ${'b'.repeat(1000)}\r\n`.repeat(100)}`)
  })
  await expect(inspect()).rejects.toThrow(withCode('source_unreachable'))
})

test.each([
  '220 smtp.example.org ready\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n',
])('a source that speaks no HTTP is refused for good: %j', async (head) => {
  source.answer((_request, response) => response.socket?.end(head))
  for (const ask of [inspect, read]) {
    await expect(ask()).rejects.toMatchObject({
      code: 'source_unsuitable',
      message: expect.stringContaining('not proper HTTP'),
    })
  }
})

test('a source that breaks off in its head, or speaks to nobody, is unreachable', async () => {
  source.answer((_request, response) => response.socket?.end('HTTP/1.1 200 OK\r\nContent-Ty'))
  await expect(inspect()).rejects.toThrow(withCode('source_unreachable'))
  await source.close()
  await expect(inspect()).rejects.toThrow(/refuses connections/)
  source = await startSource()
})

test('who does not want the bytes any more gets no more of them', async () => {
  const aborting = new AbortController()
  let isCut = false
  source.answer((_request, response) => {
    response.writeHead(206, WHOLE)
    response.write(Buffer.alloc(10))
    response.on('close', () => {
      isCut = true
    })
  })
  const span = { start: 0, end: SIZE, known: KNOWN, signal: aborting.signal }
  const reading = async () => {
    for await (const _ of await ours().read(url(), span)) aborting.abort(new Error('not wanted'))
  }
  await expect(reading()).rejects.toThrow('not wanted')
  await vi.waitFor(() => expect(isCut).toBe(true))
})

test('a connection that was kept open and closed by the source meanwhile is no failure', async () => {
  const client = ours()
  await inspect(client)
  let isFirst = true
  source.answer((request, response) => {
    if (isFirst) response.socket?.destroy()
    else film()(request, response)
    isFirst = false
  })
  expect(await inspect(client)).toMatchObject({ size: SIZE })
})

test('redirects among allowed origins are followed', async () => {
  const other = await startSource(film({ bytes: exampleBytes(5_000) }))
  source.answer((_request, response) => {
    response.writeHead(302, {
      Location: `${other.url}/b/film.mp4`,
      'Access-Control-Allow-Origin': '*',
    })
    response.end()
  })
  const client = clientFor([`${source.url}/`, `${other.url}/b/`])
  expect(await inspect(client)).toMatchObject({ size: 5_000, cors: true })
  expect(other.lastHeaders.origin).toBe('null')
  source.answer((_request, response) => {
    response.writeHead(302, { Location: `${other.url}/b/film.mp4` }).end()
  })
  expect(await inspect(client)).toMatchObject({ size: 5_000, cors: false }) // browsers stop there
  await other.close()
})

test('a redirect to a server that is not allowed makes no request there', async () => {
  for (const location of [
    `${forbidden.url}/film.mp4`,
    `//127.0.0.1:${forbidden.port}/film.mp4`,
    `http://2130706433:${forbidden.port}/film.mp4`,
    'http://169.254.169.254/latest/meta-data',
    'file:///etc/passwd',
  ]) {
    source.answer((_request, response) => response.writeHead(302, { Location: location }).end())
    await expect(inspect()).rejects.toThrow(withCode('source_not_allowed'))
    await expect(read()).rejects.toThrow(withCode('source_not_allowed'))
  }
})

test('a redirect out of the allowed folder is not followed', async () => {
  source.answer((_request, response) =>
    response.writeHead(302, { Location: '../secret.mp4' }).end(),
  )
  const client = clientFor([`${source.url}/films/`])
  await expect(inspect(client, '/films/film.mp4')).rejects.toThrow(withCode('source_not_allowed'))
  expect(source.requests).toEqual(['HEAD /films/film.mp4'])
})

test.each(['http://user:secret@127.0.0.1/', 'https://', `/${'a'.repeat(3_000)}`, '/..%2fsecret'])(
  'a redirect to %j leads nowhere',
  async (location) => {
    source.answer((_request, response) => response.writeHead(307, { Location: location }).end())
    await expect(inspect()).rejects.toThrow(withCode('source_unsuitable'))
    expect(source.requests).toHaveLength(1)
  },
)

test('endless redirects end', async () => {
  source.answer(({ url: path }, response) => {
    response.writeHead(301, { Location: `${path}x` }).end()
  })
  await expect(inspect()).rejects.toThrow(/redirects more than 5 times/)
  expect(source.requests).toHaveLength(6)
})

test('without a word of the operator, no private address is reached in any spelling', async () => {
  const { port } = forbidden
  const spellings = [
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '017700000001',
    '①②⑦.⓪.⓪.①',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::127.0.0.1]',
    '[0:0:0:0:0:0:0:1]',
    '0.0.0.0',
    '0',
    'localhost',
    'LOCALHOST',
  ]
  const urls = spellings.map((host) => new URL(`http://${host}:${port}/film.mp4`))
  const origins = urls.map(({ origin }) => `${origin}/`)
  const client = clientFor(origins, { allowPrivate: false })
  for (const one of urls) {
    await expect(client.inspect(one, signal), one.href).rejects.toThrow(
      withCode('source_not_allowed'),
    )
  }
})

test.each([
  ['a private address', ['127.0.0.1']],
  ['a private address of IPv6', ['::1']],
  ['a private address beside a public one', ['93.184.215.14', '127.0.0.1']],
  ['an IPv4 address in IPv6', ['::ffff:127.0.0.1']],
])('a name that resolves to %s is not reached', async (_what, addresses) => {
  const lookup = dns(addresses)
  const client = clientFor([`http://cdn.example.org:${forbidden.port}/`], {
    allowPrivate: false,
    lookup,
  })
  const film = new URL(`http://cdn.example.org:${forbidden.port}/film.mp4`)
  await expect(client.inspect(film, signal)).rejects.toThrow(withCode('source_not_allowed'))
})

test('where private addresses are allowed, others that are not public stay forbidden', async () => {
  // On Linux 0.0.0.0 is this machine.
  for (const addresses of [['0.0.0.0'], ['127.0.0.1', '0.0.0.0'], ['::ffff:127.0.0.1']]) {
    const lookup = dns(addresses)
    const client = clientFor([`http://cdn.example.org:${forbidden.port}/`], { lookup })
    const film = new URL(`http://cdn.example.org:${forbidden.port}/film.mp4`)
    await expect(client.inspect(film, signal)).rejects.toThrow(withCode('source_not_allowed'))
  }
})

test('a name that resolves anew is checked anew, and asked once for each connection', async () => {
  let answers = [['127.0.0.1'], ['0.0.0.0'], ['127.0.0.1']]
  let asked = 0
  const lookup: Lookup = async () => {
    asked += 1
    const [next = [], ...rest] = answers
    answers = rest
    return next.map((address) => ({ address, family: 4 }))
  }
  source.answer(film({ headers: { Connection: 'close' } }))
  const client = clientFor([`http://cdn.example.org:${source.port}/`], { lookup })
  const there = new URL(`http://cdn.example.org:${source.port}/film.mp4`)
  expect(await client.inspect(there, signal)).toMatchObject({ size: SIZE })
  expect(asked).toBe(1) // what was checked is what was connected to
  await expect(client.inspect(there, signal)).rejects.toThrow(withCode('source_not_allowed'))
  expect(source.requests).toHaveLength(1)
  expect(await client.inspect(there, signal)).toMatchObject({ size: SIZE })
  expect(asked).toBe(3)
})

test('a name that nobody knows is unreachable', async () => {
  const lookup: Lookup = async () => {
    throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })
  }
  const client = clientFor(['http://cdn.example.org/'], { lookup })
  const there = new URL('http://cdn.example.org/film.mp4')
  await expect(client.inspect(there, signal)).rejects.toThrow(/is not known/)
  const silent = clientFor(['http://cdn.example.org/'], { lookup: dns([]) })
  await expect(silent.inspect(there, signal)).rejects.toThrow(withCode('source_unreachable'))
  const never = clientFor(['http://cdn.example.org/'], { lookup: () => new Promise(() => {}) })
  await expect(never.inspect(there, signal)).rejects.toThrow(/in time/)
})

function dns(addresses: readonly string[]): Lookup {
  return async () =>
    addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
}
