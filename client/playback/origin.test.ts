// @vitest-environment node
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { type PieceIndex, pieceIndex, pieceLayout } from '#protocol/pieces.ts'
import { OriginFetcher, type OriginTrouble } from './origin.ts'

const layout = pieceLayout(4 * 256 * 1024 + 1000)
const file = Uint8Array.from({ length: layout.size }, (_, i) => (i * 31 + (i >> 12)) & 255)
const piece = (index: number): PieceIndex => pieceIndex(layout, index)

type Handler = (request: IncomingMessage, response: ServerResponse, attempt: number) => void

const cleanups: (() => void)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
})

/** A web seed; the handler may misbehave and falls back to `serve`. */
async function webSeed(handler: Handler): Promise<{ url: string; ranges: string[] }> {
  const ranges: string[] = []
  const server = createServer((request, response) => {
    ranges.push(request.headers.range ?? '')
    handler(request, response, ranges.length)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/media/clip`, ranges }
}

function rangeOf(request: IncomingMessage): { start: number; end: number } {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
  return { start: Number(first), end: Number(last) + 1 }
}

const serve: Handler = (request, response) => {
  const { start, end } = rangeOf(request)
  response.writeHead(206, {
    'content-range': `bytes ${start}-${end - 1}/${layout.size}`,
    'content-length': end - start,
  })
  response.end(file.subarray(start, end))
}

interface Run {
  readonly fetcher: OriginFetcher
  readonly pieces: Map<PieceIndex, Uint8Array>
  readonly troubles: (OriginTrouble | null)[]
  bytes: number
  wasted: number
}

function run(urls: string[], { silenceMs = 5000, headEnd = 0 } = {}): Run {
  const pieces = new Map<PieceIndex, Uint8Array>()
  const state = { pieces, troubles: [] as (OriginTrouble | null)[], bytes: 0, wasted: 0 }
  const fetcher = new OriginFetcher({
    urls,
    layout,
    headEnd,
    silenceMs,
    isHeld: (index) => pieces.has(index),
    onBytes: (count) => {
      state.bytes += count
    },
    onWasted: (count) => {
      state.wasted += count
    },
    onPiece: (index, bytes) => void pieces.set(index, bytes),
    onTrouble: (trouble) => void state.troubles.push(trouble),
  })
  cleanups.push(() => fetcher.close())
  return Object.assign(state, { fetcher })
}

const until = (done: () => boolean) => expect.poll(done, { timeout: 8000, interval: 10 }).toBe(true)

function expectWholeFile({ pieces, bytes }: Run): void {
  expect(bytes).toBe(layout.size)
  const whole = Buffer.concat([...pieces].sort(([a], [b]) => a - b).map(([, part]) => part))
  expect(whole.equals(file)).toBe(true)
}

test('a span arrives as whole pieces, the short last one included, with one request', async () => {
  const seed = await webSeed(serve)
  const state = run([seed.url])
  state.fetcher.start(piece(0), piece(4))
  await until(() => state.pieces.size === 5)
  expectWholeFile(state)
  expect(seed.ranges).toEqual([`bytes=0-${layout.size - 1}`])
  expect(state.troubles).toEqual([])
})

test('of a piece that the head ends in, the rest alone is asked for, before or after it', async () => {
  const end = layout.pieceLength / 2
  for (const comesFirst of [true, false]) {
    const seed = await webSeed(serve)
    const state = run([seed.url], { headEnd: end })
    const take = () => state.fetcher.take('head', Uint8Array.from(file.subarray(0, end)))
    expect(state.fetcher.awaited).toBe(0)
    if (comesFirst) {
      take()
      expect(state.fetcher.beginning).toMatchObject({ index: 0 })
      expect(state.fetcher.bytesAt(10, 4)).toEqual(Uint8Array.from(file.subarray(10, 14)))
    }
    state.fetcher.start(piece(0), piece(4))
    await until(() => state.pieces.size === (comesFirst ? 5 : 4))
    if (!comesFirst) {
      expect(state.fetcher.isFetching(piece(0))).toBe(true)
      expect(state.fetcher.bytesAt(end, 4)).toEqual(Uint8Array.from(file.subarray(end, end + 4)))
      take()
    }
    expectWholeFile(state)
    expect(seed.ranges).toEqual([`bytes=${end}-${layout.size - 1}`])
    expect(state.wasted).toBe(0)
    expect(state.fetcher.isFetching(piece(0))).toBe(false)
  }
})

test('what a lost head had is fetched like everything else', async () => {
  const seed = await webSeed(serve)
  const state = run([seed.url], { headEnd: layout.pieceLength / 2 })
  state.fetcher.loseHead()
  state.fetcher.start(piece(0), piece(4))
  await until(() => state.pieces.size === 5)
  expectWholeFile(state)
})

test('of a head that is lost while the rest is under way, the rest can still be read', async () => {
  const end = layout.pieceLength / 2
  const seed = await webSeed(serve)
  const state = run([seed.url], { headEnd: end })
  state.fetcher.start(piece(0), piece(1))
  state.fetcher.loseHead()
  await until(() => state.pieces.size === 1)
  expect([state.wasted, state.troubles]).toEqual([0, []])
  expect(state.fetcher.bytesAt(end, 4)).toEqual(Uint8Array.from(file.subarray(end, end + 4)))
  await until(() => state.fetcher.spans.length === 0)
  state.fetcher.start(piece(0), piece(0))
  await until(() => state.pieces.size === 2)
  expect(seed.ranges).toHaveLength(2)
})

test('a piece that peers spoiled comes anew, with the part that the head had', async () => {
  const seed = await webSeed(serve)
  const end = layout.pieceLength / 2
  const state = run([seed.url], { headEnd: end })
  state.fetcher.take('head', Uint8Array.from(file.subarray(0, end)))
  state.fetcher.spoiled(piece(1)) // none of the head's
  expect(state.wasted).toBe(0)
  state.fetcher.spoiled(piece(0))
  state.fetcher.spoiled(piece(0)) // once is enough
  expect(state.wasted).toBe(end)
  state.fetcher.start(piece(0), piece(4))
  await until(() => state.pieces.size === 5)
  expect(state.bytes - state.wasted).toBe(layout.size)
  expect(state.pieces.get(piece(0))).toEqual(Uint8Array.from(file.subarray(0, layout.pieceLength)))
})

test('what the head had is no loss when peers spoil the piece whose rest is under way', async () => {
  const seed = await webSeed(serve)
  const end = layout.pieceLength / 2
  const state = run([seed.url], { headEnd: end })
  state.fetcher.take('head', Uint8Array.from(file.subarray(0, end)))
  state.fetcher.start(piece(0), piece(4))
  state.fetcher.spoiled(piece(0))
  await until(() => state.pieces.size === 5)
  expectWholeFile(state)
  expect(state.wasted).toBe(0)
})

test('a request that would bring the part of a head again ends before it', async () => {
  const seed = await webSeed(serve)
  const end = layout.pieceLength * 1.5
  const state = run([seed.url], { headEnd: end })
  state.fetcher.take('head', Uint8Array.from(file.subarray(0, end)))
  state.pieces.delete(piece(0)) // the store has dropped it
  state.fetcher.start(piece(0), piece(3))
  await until(() => state.pieces.size === 1)
  expect(seed.ranges).toEqual([`bytes=0-${layout.pieceLength - 1}`])
})

test('bytes can be read before their piece is whole', async () => {
  let finish = (): void => {}
  const seed = await webSeed((request, response) => {
    const { start, end } = rangeOf(request)
    response.writeHead(206, { 'content-range': `bytes ${start}-${end - 1}/${layout.size}` })
    response.write(file.subarray(start, start + 5000))
    finish = () => response.end(file.subarray(start + 5000, end))
  })
  const state = run([seed.url])
  state.fetcher.start(piece(1), piece(1))
  await until(() => state.bytes === 5000)
  const start = layout.pieceLength
  expect(state.fetcher.bytesAt(start + 10, 20)).toEqual(file.slice(start + 10, start + 30))
  expect(state.fetcher.bytesAt(start + 4990, 100)?.length).toBe(10)
  expect(state.fetcher.bytesAt(start + 5000, 100)).toBeNull()
  expect(state.fetcher.bytesAt(0, 100)).toBeNull()
  expect(state.pieces.size).toBe(0)
  finish()
  await until(() => state.pieces.size === 1)
})

test('a connection that breaks off is taken up at the byte where it broke', async () => {
  const seed = await webSeed((request, response, attempt) => {
    if (attempt > 1) return serve(request, response, attempt)
    response.writeHead(206, {
      'content-range': `bytes 0-${layout.size - 1}/${layout.size}`,
      'content-length': layout.size,
    })
    response.write(file.subarray(0, 300_000), () => setTimeout(() => response.destroy(), 50))
  })
  const state = run([seed.url])
  state.fetcher.start(piece(0), piece(4))
  await until(() => state.pieces.size === 5)
  expectWholeFile(state)
  expect(seed.ranges).toEqual([`bytes=0-${layout.size - 1}`, `bytes=300000-${layout.size - 1}`])
  expect(state.troubles).toEqual([])
})

test.each<[string, Handler]>([
  ['the whole file instead of the range', (_request, response) => response.end(file)],
  [
    'another range than the one asked for',
    (_request, response) => {
      response.writeHead(206, { 'content-range': `bytes 0-9/${layout.size}` })
      response.end(file.subarray(0, 10))
    },
  ],
  [
    'the right range of a file of another size',
    (request, response) => {
      const { start, end } = rangeOf(request)
      response.writeHead(206, { 'content-range': `bytes ${start}-${end - 1}/${layout.size + 1}` })
      response.end(file.subarray(start, end))
    },
  ],
  [
    'the right range with a body of another length',
    (request, response) => {
      const { start, end } = rangeOf(request)
      const headers = { 'content-range': `bytes ${start}-${end - 1}/${layout.size}` }
      response.writeHead(206, { ...headers, 'content-length': 10 }).end(file.subarray(0, 10))
    },
  ],
  [
    'a 206 that names no range',
    (request, response) => {
      const { start, end } = rangeOf(request)
      response.writeHead(206)
      response.end(file.subarray(start, end))
    },
  ],
  [
    'the right range, compressed',
    (request, response) => {
      const { start, end } = rangeOf(request)
      response.writeHead(206, {
        'content-range': `bytes ${start}-${end - 1}/${layout.size}`,
        'content-encoding': 'gzip',
      })
      response.end(gzipSync(file.subarray(start, end)))
    },
  ],
  ['an error', (_request, response) => response.writeHead(500).end('no')],
  ['that it may not be asked', (_request, response) => response.writeHead(403).end('no')],
  ['nothing and hangs up', (request) => request.socket.destroy()],
])('a web seed that sends %s is not believed and the next one is asked', async (_what, handler) => {
  const bad = await webSeed(handler)
  const good = await webSeed(serve)
  const state = run([bad.url, good.url])
  state.fetcher.start(piece(1), piece(1))
  await until(() => state.pieces.size === 1)
  expect(state.bytes).toBe(layout.pieceLength)
  expect(state.pieces.get(piece(1))).toEqual(file.slice(layout.pieceLength, 2 * layout.pieceLength))
  expect(bad.ranges.length).toBe(1)
  expect(state.troubles).toEqual([])
  expect([...state.fetcher.bytesFrom]).toEqual([[good.url, layout.pieceLength]])
  state.fetcher.start(piece(2), piece(2)) // nor is it asked again so soon
  await until(() => state.pieces.size === 2)
  expect(bad.ranges.length).toBe(1)
})

test('a 200 is taken when the whole file was asked for', async () => {
  const seed = await webSeed((_request, response) => response.end(file))
  const state = run([seed.url])
  state.fetcher.start(piece(0), piece(4))
  await until(() => state.pieces.size === 5)
  expectWholeFile(state)
})

test('a body that is longer than announced is cut off and not read twice', async () => {
  const seed = await webSeed((request, response, attempt) => {
    if (attempt > 1) return serve(request, response, attempt)
    const { start, end } = rangeOf(request)
    response.writeHead(206, { 'content-range': `bytes ${start}-${end - 1}/${layout.size}` })
    response.end(file.subarray(start, end + 100_000))
  })
  const state = run([seed.url])
  state.fetcher.start(piece(0), piece(0))
  await until(() => state.pieces.size === 1)
  expect(state.bytes).toBe(layout.pieceLength)
  expect(state.pieces.get(piece(0))).toEqual(file.slice(0, layout.pieceLength))
})

test('Retry-After is honoured', async () => {
  const times: number[] = []
  const seed = await webSeed((request, response, attempt) => {
    times.push(performance.now())
    if (attempt > 1) return serve(request, response, attempt)
    response.writeHead(503, { 'retry-after': '1' }).end()
  })
  const state = run([seed.url])
  state.fetcher.start(piece(0), piece(0))
  await until(() => state.pieces.size === 1)
  expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(990)
})

test('who has to wait for a server knows it, and another web seed is asked meanwhile', async () => {
  const busy: Handler = (request, response, attempt) => {
    if (attempt > 1) return serve(request, response, attempt)
    response.writeHead(503, { 'retry-after': '60' }).end()
  }
  const [first, second] = [await webSeed(busy), await webSeed(serve)]
  const pair = run([first.url, second.url])
  pair.fetcher.start(piece(0), piece(0))
  await until(() => pair.pieces.size === 1)
  expect(pair.troubles).toEqual([])
  const now = performance.now.bind(performance)
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + 30_000)
  onTestFinished(() => clock.mockRestore())
  pair.fetcher.start(piece(1), piece(1)) // one that merely failed would be tried again by now
  await until(() => pair.pieces.size === 2)
  expect(first.ranges.length).toBe(1)

  const alone = run([(await webSeed(busy)).url])
  alone.fetcher.start(piece(0), piece(0))
  await until(() => alone.fetcher.isDown)
  expect(alone.troubles.map((trouble) => trouble?.kind)).toEqual(['network'])
  expect(alone.fetcher.isFetching(piece(0))).toBe(false) // peers may bring it
})

test('a server that falls silent is given up and asked again', async () => {
  const seed = await webSeed((request, response, attempt) => {
    if (attempt > 1) serve(request, response, attempt)
  })
  const state = run([seed.url], { silenceMs: 200 })
  state.fetcher.start(piece(0), piece(0))
  await until(() => state.pieces.size === 1)
  expect(seed.ranges.length).toBe(2)
  expect(state.troubles.map((trouble) => trouble?.kind)).toEqual(['network', undefined])
})

test('a server that is slow to answer is given more time with each attempt', async () => {
  const seed = await webSeed((request, response, attempt) => {
    const timer = setTimeout(() => serve(request, response, attempt), 500)
    response.on('close', () => clearTimeout(timer))
  })
  const state = run([seed.url], { silenceMs: 200 })
  state.fetcher.start(piece(0), piece(0))
  await until(() => state.pieces.size === 1)
  expect(seed.ranges.length).toBe(3) // 200, 400 and 800 ms
})

test('a long outage is told, others may bring the pieces, and recovery is told', async () => {
  let down = true
  const seed = await webSeed((request, response, attempt) => {
    if (down) request.socket.destroy()
    else serve(request, response, attempt)
  })
  const state = run([seed.url])
  state.fetcher.start(piece(0), piece(2))
  expect(state.fetcher.isFetching(piece(1))).toBe(true)
  await until(() => state.fetcher.isDown)
  expect(state.troubles.at(-1)?.kind).toBe('network')
  expect(state.fetcher.isFetching(piece(1))).toBe(false)
  expect(state.fetcher.start(piece(1), piece(1))).toBe(false)
  state.pieces.set(piece(0), file.slice(0, layout.pieceLength)) // a peer brought it
  down = false
  await until(() => state.pieces.size === 3)
  expect(state.bytes).toBe(2 * layout.pieceLength)
  expect(state.troubles.at(-1)).toBeNull()
  expect(state.fetcher.isDown).toBe(false)
})

test('pieces that others brought in the middle of a stuck span are not fetched', async () => {
  let down = true
  const seed = await webSeed((request, response, attempt) => {
    if (!down) serve(request, response, attempt)
    else if (attempt > 1) request.socket.destroy()
    else {
      response.writeHead(206, { 'content-range': `bytes 0-${layout.size - 1}/${layout.size}` })
      response.write(file.subarray(0, 1000), () => setTimeout(() => response.destroy(), 20))
    }
  })
  const state = run([seed.url])
  const bring = (index: number) => {
    const start = index * layout.pieceLength
    state.pieces.set(piece(index), file.slice(start, start + layout.pieceLength))
  }
  state.fetcher.start(piece(0), piece(4))
  await until(() => state.fetcher.isDown)
  for (const index of [0, 2, 3]) bring(index) // 1,000 bytes of piece 0 had come from the origin
  down = false
  const before = seed.ranges.length
  await until(() => state.pieces.size === 5)
  const whole = Buffer.concat([...state.pieces].sort(([a], [b]) => a - b).map(([, part]) => part))
  expect(whole.equals(file)).toBe(true)
  const { pieceLength, size } = layout
  expect(seed.ranges.slice(before)).toEqual([
    `bytes=${pieceLength}-${2 * pieceLength - 1}`,
    `bytes=${4 * pieceLength}-${size - 1}`,
  ])
  expect([state.bytes, state.wasted]).toEqual([1000 + pieceLength + (size - 4 * pieceLength), 1000])
})

test('a deleted file is told at once and not asked for again', async () => {
  const seed = await webSeed((_request, response) => response.writeHead(404).end())
  const state = run([seed.url])
  state.fetcher.start(piece(0), piece(0))
  await until(() => state.troubles.length > 0)
  expect(state.troubles).toEqual([{ kind: 'deleted', message: expect.any(String) }])
  expect(state.fetcher.start(piece(1), piece(1))).toBe(false)
  expect(seed.ranges.length).toBe(1)
})

/** Serves what the file has become: as long as before, or longer. */
const serveOther =
  (headers: (attempt: number) => Record<string, string>, longer = 0): Handler =>
  (request, response, attempt) => {
    const { start, end } = rangeOf(request)
    const total = layout.size + (attempt > 1 ? longer : 0)
    const range = { 'content-range': `bytes ${start}-${end - 1}/${total}` }
    response.writeHead(206, { ...range, 'content-length': end - start, ...headers(attempt) })
    response.end(attempt > 1 ? new Uint8Array(end - start).fill(7) : file.subarray(start, end))
  }

test.each<[string, Handler]>([
  ['entity tag', serveOther((attempt) => ({ etag: `"v${attempt}"` }))],
  ['date', serveOther((n) => ({ 'last-modified': new Date(n * 1e6).toUTCString() }))],
  ['length', serveOther(() => ({}), 1000)],
])('a file whose %s has changed is not mixed with what it was', async (_what, handler) => {
  const source = await webSeed(handler)
  const own = await webSeed(serve)
  const state = run([source.url, own.url])
  for (const index of [0, 1, 2]) {
    state.fetcher.start(piece(index), piece(index))
    await until(() => state.pieces.size === index + 1)
  }
  for (const [index, bytes] of state.pieces) {
    const start = index * layout.pieceLength
    expect(bytes).toEqual(file.slice(start, start + layout.pieceLength))
  }
  expect([source.ranges.length, own.ranges.length]).toEqual([2, 2])
  expect(state.troubles).toEqual([])
})

test('an entity tag that is weak, or of another web seed, says nothing', async () => {
  const named = (etag: (attempt: number) => string): Handler =>
    serveOther((attempt) => ({ etag: etag(attempt) }))
  const source = await webSeed(named((attempt) => `W/"${attempt}"`))
  const state = run([source.url])
  for (const index of [0, 1]) {
    state.fetcher.start(piece(index), piece(index))
    await until(() => state.pieces.size === index + 1)
  }
  const first = await webSeed((request, response, attempt) => {
    if (attempt > 1) return request.socket.destroy()
    named(() => '"a"')(request, response, 1)
  })
  const second = await webSeed((request, response) => named(() => '"b"')(request, response, 1))
  const pair = run([first.url, second.url])
  for (const index of [0, 1]) {
    pair.fetcher.start(piece(index), piece(index))
    await until(() => pair.pieces.size === index + 1)
  }
  expect(pair.troubles).toEqual([])
})

test('that no web seed has this revision any more is told once, and nobody is asked again', async () => {
  const source = await webSeed(serveOther(() => ({ etag: '"v1"' }), 1000))
  const own = await webSeed((_request, response) => response.writeHead(410).end())
  const state = run([source.url, own.url])
  state.fetcher.start(piece(0), piece(0))
  await until(() => state.pieces.size === 1)
  state.fetcher.start(piece(1), piece(1))
  await until(() => state.fetcher.isDown)
  expect(state.troubles).toEqual([{ kind: 'changed', message: expect.stringContaining('410') }])
  expect(state.fetcher.start(piece(2), piece(2))).toBe(false)
  expect([source.ranges.length, own.ranges.length]).toEqual([2, 1])
})

test('a source that breaks off is carried on by the next web seed at the byte where it broke', async () => {
  const source = await webSeed((_request, response) => {
    response.writeHead(206, { 'content-range': `bytes 0-${layout.size - 1}/${layout.size}` })
    response.write(file.subarray(0, 300_000), () => setTimeout(() => response.destroy(), 50))
  })
  const own = await webSeed(serve)
  const state = run([source.url, own.url])
  state.fetcher.start(piece(0), piece(4))
  await until(() => state.pieces.size === 5)
  expectWholeFile(state)
  expect(own.ranges).toEqual([`bytes=300000-${layout.size - 1}`])
  expect(state.troubles).toEqual([])
})

test('a body that ends early as if it were whole is no answer, and the next web seed carries on', async () => {
  const short = await webSeed((request, response) => {
    const { start, end } = rangeOf(request)
    const headers = { 'content-range': `bytes ${start}-${end - 1}/${layout.size}` }
    response.writeHead(206, headers).end(file.subarray(start, start + 1000)) // its length not named
  })
  const good = await webSeed(serve)
  const state = run([short.url, good.url])
  state.fetcher.start(piece(0), piece(0))
  await until(() => state.pieces.size === 1)
  expect(state.pieces.get(piece(0))).toEqual(file.slice(0, layout.pieceLength))
  expect(short.ranges.length).toBe(1)
  expect(good.ranges).toEqual([`bytes=1000-${layout.pieceLength - 1}`])
})

test('a source that falls silent is given up sooner when there is another, and nobody is told', async () => {
  const source = await webSeed(() => {})
  const own = await webSeed(serve)
  const state = run([source.url, own.url], { silenceMs: 1000 })
  const startedAt = performance.now()
  state.fetcher.start(piece(0), piece(0))
  await until(() => state.pieces.size === 1)
  expect(performance.now() - startedAt).toBeLessThan(950)
  expect(state.troubles).toEqual([])
})

test('an outage of all web seeds is told, and over with the first that answers', async () => {
  let down = true
  const handler: Handler = (request, response, attempt) => {
    if (down) request.socket.destroy()
    else serve(request, response, attempt)
  }
  const state = run([(await webSeed(handler)).url, (await webSeed(handler)).url])
  state.fetcher.start(piece(0), piece(0))
  await until(() => state.fetcher.isDown)
  expect(state.troubles.at(-1)?.kind).toBe('network')
  down = false
  await until(() => state.pieces.size === 1)
  expect(state.troubles.at(-1)).toBeNull()
})

test('spans double while they are fast', async () => {
  const seed = await webSeed(serve)
  const state = run([seed.url])
  expect(state.fetcher.spanPieces).toBe(1)
  state.fetcher.start(piece(0), piece(0))
  await until(() => state.fetcher.spans.length === 0)
  expect(state.fetcher.spanPieces).toBe(2)
  expect(state.fetcher.rate).toBeGreaterThan(0)
})

test('whole pieces that came by another request are taken like its own', () => {
  const state = run(['https://a.example/film'])
  state.fetcher.take('https://a.example/stream', file.slice(0, 2 * layout.pieceLength))
  expect([...state.pieces.keys()]).toEqual([0, 1])
  expect(state.pieces.get(piece(1))).toEqual(file.slice(layout.pieceLength, 2 * layout.pieceLength))
  expect([state.bytes, state.wasted]).toEqual([2 * layout.pieceLength, 0])
  state.fetcher.take('https://a.example/stream', file.slice(0, layout.pieceLength))
  expect(state.wasted).toBe(layout.pieceLength) // it was here
  expect([...state.fetcher.bytesFrom]).toEqual([
    ['https://a.example/stream', 3 * layout.pieceLength],
  ])
})

test('closing aborts what is under way', async () => {
  let closed = false
  const seed = await webSeed((_request, response) => {
    response.on('close', () => {
      closed = true
    })
    response.writeHead(206, { 'content-range': `bytes 0-262143/${layout.size}` })
    response.write(file.subarray(0, 1000))
  })
  const state = run([seed.url])
  state.fetcher.start(piece(0), piece(0))
  await until(() => state.bytes > 0)
  state.fetcher.close()
  await until(() => closed)
  expect(state.troubles).toEqual([])
})
