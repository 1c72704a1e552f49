import type { ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SlipstreamError } from '../http/errors.ts'
import { PersistentReader, type RemoteFile, SourceExhausted } from './persistent-reader.ts'
import { Pace } from './politeness.ts'
import { OwnTrouble, SourceChanged, type SourceClient } from './source-client.ts'
import {
  breakOff,
  refuse,
  send,
  stall,
  startTestSource,
  type TestSource,
} from './source-fixture.ts'

const SIZE = 20 * 1024 ** 2 + 5

/** Asks with `fetch` and checks nothing, so that the reader's own checks show. */
const plainClient: SourceClient = {
  async inspect(url, signal) {
    const response = await asking(url, { method: 'HEAD', signal })
    return {
      size: Number(response.headers.get('Content-Length')),
      type: response.headers.get('Content-Type'),
      etag: response.headers.get('ETag'),
      lastModified: null,
      ranges: response.headers.get('Accept-Ranges') === 'bytes',
      cors: false,
      filename: null,
    }
  },

  async read(url, { start, end, known, signal }) {
    const headers: Record<string, string> = known.ranges
      ? { Range: `bytes=${start}-${end - 1}`, ...(known.etag && { 'If-Range': known.etag }) }
      : {}
    const response = await asking(url, { headers, signal })
    const etag = response.headers.get('ETag')
    const isAnother = known.etag !== null && etag !== known.etag
    if (isAnother || (known.ranges && response.status !== 206)) {
      await response.body?.cancel()
      throw new SourceChanged('the file is another now')
    }
    return body(response, signal)
  },
}

async function* body(response: Response, signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
  try {
    if (response.body) yield* response.body
  } catch (cause) {
    signal.throwIfAborted()
    throw new SlipstreamError('source_unreachable', 'The source broke off.', { cause })
  }
}

async function asking(url: URL, init: RequestInit): Promise<Response> {
  const response = await fetch(url, init).catch((cause) => {
    init.signal?.throwIfAborted()
    throw new SlipstreamError('source_unreachable', 'The source does not answer.', { cause })
  })
  if (response.ok) return response
  await response.body?.cancel()
  const retryAfter = response.headers.get('Retry-After')
  const headers: Record<string, string> = retryAfter === null ? {} : { 'Retry-After': retryAfter }
  if (response.status === 404 || response.status === 410) {
    throw new SlipstreamError('not_found', 'The source has no such file.')
  }
  const message = `The source answers with ${response.status}.`
  throw new SlipstreamError('source_unreachable', message, { headers })
}

let source: TestSource
const others: TestSource[] = []

beforeEach(async () => {
  source = await startTestSource(SIZE)
})
afterEach(async () => {
  await Promise.all([source, ...others.splice(0)].map((each) => each.close()))
})

function reader(file: Partial<RemoteFile> = {}, silenceMs = 5_000) {
  const pace = new Pace(1e12, Date.now)
  const ports = { client: plainClient, pace, now: Date.now, silenceMs, haste: 100 }
  const { signal } = new AbortController()
  return new PersistentReader(ports, {
    url: source.url,
    mirrors: [],
    known: source.known(),
    signal,
    ...file,
  })
}

async function mirrorWith(bytes: Buffer): Promise<TestSource> {
  const mirror = await startTestSource(bytes)
  mirror.etag = '"of the mirror"'
  others.push(mirror)
  return mirror
}

describe('PersistentReader', () => {
  it('reads in spans, every byte once', async () => {
    expect((await buffer(reader().bytes(100, SIZE))).equals(source.bytes.subarray(100))).toBe(true)
    expect(source.sent).toBe(SIZE - 100)
    expect(source.asked).toHaveLength(3)
  })

  it('goes on at the missing byte when the connection breaks', async () => {
    source.mischief.push(breakOff(source, 3_000_000), breakOff(source, 70_000), refuse(500))
    expect((await buffer(reader().bytes(0, SIZE))).equals(source.bytes)).toBe(true)
    expect(source.asked[1]).toMatch(/^bytes=[1-9]/)
    expect(source.sent).toBeLessThan(SIZE + 500_000) // what was in the socket when it broke
  })

  it('waits as long as the source asks', async () => {
    source.mischief.push(refuse(503, { 'Retry-After': '30' }))
    const startedAt = performance.now()
    await buffer(reader().bytes(0, 1_000))
    expect(performance.now() - startedAt).toBeGreaterThan(290) // 30 s at a hundredth
  })

  it('gives up what brings no progress, and what asks for an hour', async () => {
    source.mischief.push(...Array.from({ length: 50 }, () => refuse(500)))
    await expect(buffer(reader().bytes(0, SIZE))).rejects.toThrow('The source answers with 500.')
    expect(source.asked).toHaveLength(6)
    source.mischief.splice(0, 50, refuse(429, { 'Retry-After': '36000' }))
    const outcome = await buffer(reader().bytes(0, SIZE)).catch((error: unknown) => error)
    expect(outcome).toBeInstanceOf(SourceExhausted)
    expect(outcome).toMatchObject({ retryAfterMs: 36_000_000 })
  })

  it('counts failures anew after progress', async () => {
    source.mischief.push(...Array.from({ length: 12 }, () => breakOff(source, 600_000)))
    expect((await buffer(reader().bytes(0, SIZE))).equals(source.bytes)).toBe(true)
  })

  it('does not wait for a source that is silent, or nearly', async () => {
    source.mischief.push(stall, (_request, response) => {
      response.writeHead(206, { ETag: source.etag, 'Content-Range': `bytes 0-9/${SIZE}` })
      const drip = setInterval(() => response.write('x'), 20)
      response.on('close', () => clearInterval(drip))
      return true
    })
    const startedAt = performance.now()
    const read = reader({}, 300)
    await expect(
      (async () => {
        for await (const _ of read.bytes(0, SIZE)) if (source.mischief.length === 0) continue
      })(),
    ).resolves.toBeUndefined()
    expect(performance.now() - startedAt).toBeGreaterThan(550)
    expect(performance.now() - startedAt).toBeLessThan(5_000)
  })

  it('does not ask a source again for trouble of our own', async () => {
    let asked = 0
    const client = {
      ...plainClient,
      read() {
        asked += 1
        return Promise.reject(new OwnTrouble('the thread ended'))
      },
    }
    const ports = { client, pace: new Pace(1e12, Date.now), now: Date.now, haste: 100 }
    const { signal } = new AbortController()
    const file = { url: source.url, mirrors: [source.url], known: source.known(), signal }
    const read = buffer(new PersistentReader(ports, file).bytes(0, SIZE))
    await expect(read).rejects.toThrow('the thread ended')
    expect(asked).toBe(1)
  })

  it('gives up a source that has fewer bytes than it says', async () => {
    source.mischief.push(
      ...Array.from({ length: 20 }, () => (_request: unknown, response: ServerResponse) => {
        response.writeHead(206, { ETag: source.etag, 'Content-Range': `bytes 0-99/${SIZE}` })
        response.end(source.bytes.subarray(0, 100))
        return true
      }),
    )
    await expect(buffer(reader().bytes(0, SIZE))).rejects.toBeInstanceOf(SourceExhausted)
    expect(source.asked).toHaveLength(6)
  })

  it('does not wait for the common rate, or a turn at the host, while somebody watches', async () => {
    const pace = new Pace(10_000, Date.now)
    const { signal } = new AbortController()
    await Promise.all([
      pace.connect(new URL(source.url).host, signal),
      pace.connect(new URL(source.url).host, signal),
    ])
    const watched = new PersistentReader(
      { client: plainClient, pace, now: Date.now },
      {
        url: source.url,
        mirrors: [],
        known: source.known(),
        signal,
        takesNoTurn: true,
        isWatched: () => true,
      },
    )
    expect((await buffer(watched.bytes(0, 1_000_000))).equals(source.bytes.subarray(0, 1e6))).toBe(
      true,
    )
  })

  it('says that the file changed between two ranges', async () => {
    source.mischief.push(
      () => false,
      () => {
        source.etag = '"two"'
        return false
      },
    )
    await expect(buffer(reader().bytes(0, SIZE))).rejects.toBeInstanceOf(SourceChanged)
  })

  it('reads a source without ranges from its beginning, and gives what is wanted of it', async () => {
    source.ranges = false
    source.mischief.push(breakOff(source, 5_000_000))
    const read = await buffer(reader({ known: source.known() }).bytes(1_000, SIZE - 10))
    expect(read.equals(source.bytes.subarray(1_000, SIZE - 10))).toBe(true)
    expect(source.asked).toEqual(['-', '-'])
  })

  it('takes the mirror when the source has no such file, and says so when that has none', async () => {
    const mirror = await mirrorWith(source.bytes)
    source.mischief.push(refuse(404))
    const mirrors = [mirror.url]
    expect((await buffer(reader({ mirrors }).bytes(0, SIZE))).equals(source.bytes)).toBe(true)
    expect(source.sent).toBe(0)
    source.mischief.push(refuse(404))
    mirror.mischief.push(refuse(410))
    const both = reader({ mirrors })
    const reads = await Promise.allSettled([buffer(both.bytes(0, 9)), buffer(both.bytes(9, 99))])
    expect(reads.map(({ status }) => status)).toContain('rejected')
    source.mischief.splice(0, 9, refuse(404))
    mirror.mischief.splice(0, 9, refuse(410))
    await expect(buffer(reader({ mirrors }).bytes(0, SIZE))).rejects.toMatchObject({
      code: 'not_found',
    })
  })

  it('takes the mirror while the source is in trouble, if it has what came so far', async () => {
    const mirror = await mirrorWith(source.bytes)
    const strange = await mirrorWith(Buffer.alloc(SIZE, 7))
    const short = await mirrorWith(source.bytes.subarray(1))
    source.mischief.push(
      breakOff(source, 2_000_000),
      ...Array.from({ length: 5 }, () => refuse(503)),
    )
    const read = reader({
      mirrors: [short.url, strange.url, mirror.url],
      agrees: async (few) => (await buffer(few(0, 1_000))).equals(source.bytes.subarray(0, 1_000)),
    })
    expect((await buffer(read.bytes(0, SIZE))).equals(source.bytes)).toBe(true)
    expect(short.sent).toBe(0)
    expect(strange.sent).toBeLessThan(70_000)
    expect(mirror.sent).toBeGreaterThan(SIZE - 3_000_000)
  })

  it('ends at once when it is to stop', async () => {
    source.rate = 1_000_000
    const stop = new AbortController()
    const reading = buffer(reader({ signal: stop.signal }).bytes(0, SIZE))
    setTimeout(() => stop.abort(new Error('enough')), 100)
    await expect(reading).rejects.toThrow('enough')
    await expect.poll(() => source.open).toBe(0)
  })

  it('takes no more of a source than it asked for', async () => {
    source.mischief.push((_request, response) => {
      response.writeHead(206, { ETag: source.etag })
      void send(source, response, source.bytes).then(() => response.end())
      return true
    })
    const read = await buffer(reader().bytes(0, 1_000_000))
    expect(read.equals(source.bytes.subarray(0, 1_000_000))).toBe(true)
  })
})
