import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { exampleFile } from '../hashing/hashing-fixture.ts'
import { SlipstreamError } from '../http/errors.ts'
import { BuildThread } from './build-thread.ts'
import { OwnTrouble, SourceChanged } from './source-client.ts'
import {
  anySource,
  breakOff,
  refuse,
  send,
  stall,
  startTestSource,
  type TestSource,
} from './source-fixture.ts'
import type { ThreadBytes } from './thread-bytes.ts'

let thread: BuildThread

beforeEach(() => {
  thread = new BuildThread(anySource)
})
afterEach(() => thread.close())

describe('a stream of the build thread', () => {
  it('hashes every piece however the bytes are cut, the short last one too', async () => {
    const { bytes, layout, expected } = exampleFile(20 * 262_144 + 7)
    const reports: number[] = []
    const stream = thread.open(layout, { onProgress: (hashes) => reports.push(hashes.length / 20) })
    let step = 1
    for (let at = 0; at < bytes.length; at += step, step = (step * 7) % 300_007) {
      await stream.write(bytes.subarray(at, at + step))
    }
    expect(Buffer.from(await stream.end())).toEqual(expected)
    expect(reports.at(-1)).toBe(21)
    expect(reports).toEqual(reports.toSorted((a, b) => a - b))
    stream.close()
  })

  it('takes bytes over: who wrote them may overwrite them at once', async () => {
    const { bytes, layout, expected } = exampleFile(3 * 262_144)
    const stream = thread.open(layout)
    const scratch = Buffer.alloc(100_000)
    for (let at = 0; at < bytes.length; at += scratch.length) {
      const copied = bytes.copy(scratch, 0, at)
      await stream.write(scratch.subarray(0, copied))
    }
    scratch.fill(0)
    expect(Buffer.from(await stream.end())).toEqual(expected)
    stream.close()
  })

  it('goes on from hashes that an earlier run left', async () => {
    const { bytes, layout, expected } = exampleFile(9 * 262_144 + 1)
    const marked = Buffer.from(expected.subarray(0, 3 * 20))
    marked.fill(0xaa, 0, 20) // shows that the piece is taken over
    const stream = thread.open(layout, { done: marked })
    expect(stream.position).toBe(3 * 262_144)
    await stream.write(bytes.subarray(stream.position))
    const hashes = Buffer.from(await stream.end())
    expect(hashes.subarray(0, 60)).toEqual(marked)
    expect(hashes.subarray(60)).toEqual(expected.subarray(60))
    stream.close()
  })

  it('keeps several streams apart', async () => {
    const films = [exampleFile(6 * 262_144 + 3), exampleFile(5 * 262_144), exampleFile(100)]
    const open = films.map(({ layout }) => thread.open(layout))
    for (let at = 0; at < 7 * 262_144; at += 50_000) {
      await Promise.all(
        films.map(({ bytes }, place) => open[place]?.write(bytes.subarray(at, at + 50_000))),
      )
    }
    for (const [place, { expected }] of films.entries()) {
      expect(Buffer.from((await open[place]?.end()) ?? [])).toEqual(expected)
      open[place]?.close()
    }
  })

  it('says so when bytes are too many or too few', async () => {
    const { bytes, layout } = exampleFile(262_144)
    const stream = thread.open(layout)
    await stream.write(bytes.subarray(1))
    await expect(stream.end()).rejects.toThrow(/end at 262143 of 262144/)
    await expect(stream.write(bytes.subarray(0, 2))).rejects.toThrow(/more bytes/)
    stream.close()
  })

  it('fails when the thread is closed', async () => {
    const { bytes, layout } = exampleFile(64 * 262_144)
    const stream = thread.open(layout)
    const writing = stream.write(bytes)
    await thread.close()
    await expect(writing.then(() => stream.end())).rejects.toThrow(/ended/)
    expect(() => thread.open(layout)).toThrow(/closed/)
  })
})

describe('a request of the build thread', () => {
  const { bytes, layout, expected } = exampleFile(20 * 262_144 + 7)
  let source: TestSource
  let stop: AbortController

  beforeEach(async () => {
    source = await startTestSource(bytes)
    stop = new AbortController()
  })
  afterEach(() => source.close())

  const read = (start = 0, end = bytes.length, from = thread) =>
    from.read(new URL(source.url), { start, end, known: source.known(), signal: stop.signal })
  const failure = (work: Promise<unknown>) => work.then(() => null).catch((error: unknown) => error)
  async function lengthOf(body: AsyncIterable<ThreadBytes>): Promise<number> {
    let length = 0
    for await (const chunk of body) length += chunk.length
    return length
  }

  it('fails with all that is open when the thread dies, and the next one has another', async () => {
    const made: Worker[] = []
    const note = (message: unknown) => made.push((message as { worker: Worker }).worker)
    subscribe('worker_threads', note)
    try {
      const stream = thread.open(layout)
      await stream.write(bytes.subarray(0, 300_000))
      source.rate = 200_000
      const reading = failure(lengthOf(await read()))
      await made[0]?.terminate()
      expect(await reading).toBeInstanceOf(OwnTrouble)
      const writing = failure(stream.write(bytes.subarray(300_000)))
      expect(await writing).toBeInstanceOf(OwnTrouble)

      source.rate = null
      const next = thread.open(layout)
      await next.write(bytes)
      expect(Buffer.from(await next.end())).toEqual(expected)
      expect(await lengthOf(await read())).toBe(bytes.length)
      expect(made).toHaveLength(2)
      next.close()
    } finally {
      unsubscribe('worker_threads', note)
    }
  })

  it('is hashed where it arrives, span by span, after bytes of this side', async () => {
    const stream = thread.open(layout)
    await stream.write(bytes.subarray(0, 100_000))
    for (const [start, end] of [
      [100_000, 3_000_001],
      [3_000_001, bytes.length],
    ] as const) {
      for await (const chunk of await read(start, end)) await stream.write(chunk)
    }
    expect(Buffer.from(await stream.end())).toEqual(expected)
    expect(source.sent).toBe(bytes.length - 100_000)
    stream.close()
  })

  it('gives out parts of what came, as a reader that needs only some of it takes them', async () => {
    const stream = thread.open(layout)
    let position = 0
    for await (const chunk of await read()) {
      for (const [start, end] of [
        [0, 5],
        [5, 70_000],
        [70_000, 1e9],
      ] as const) {
        const part = chunk.subarray(start, end)
        expect(part.length).toBe(Math.max(0, Math.min(end, chunk.length) - start))
        await stream.write(part)
      }
      position += chunk.length
    }
    expect(position).toBe(bytes.length)
    expect(Buffer.from(await stream.end())).toEqual(expected)
    stream.close()
  })

  it('reads no further ahead than what it can hold', async () => {
    source.bytes = Buffer.alloc(64 * 1024 ** 2)
    const body = (await read(0, source.bytes.length))[Symbol.asyncIterator]()
    await body.next()
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(source.sent).toBeLessThan(32 * 1024 ** 2) // what sockets of this machine hold
    await body.return?.()
    await expect.poll(() => source.open).toBe(0)
  })

  it('gives what came before the connection broke, then says so', async () => {
    source.mischief.push(breakOff(source, 1_000_000))
    const body = await read()
    let length = 0
    const broken = (async () => {
      for await (const chunk of body) length += chunk.length
    })()
    await expect(broken).rejects.toMatchObject({ code: 'source_unreachable' })
    expect(length).toBeGreaterThan(0)
  })

  it('keeps the kinds of errors apart', async () => {
    source.mischief.push(refuse(404), refuse(503, { 'Retry-After': '7' }))
    expect(await failure(read())).toMatchObject({ name: 'SlipstreamError', code: 'not_found' })
    const busy = await failure(read())
    expect(busy).toBeInstanceOf(SlipstreamError)
    expect((busy as SlipstreamError).headers).toEqual({ 'Retry-After': '7' })
    const known = { ...source.known(), etag: '"another"' }
    const changed = thread.read(new URL(source.url), {
      ...{ start: 0, end: 9, known },
      signal: stop.signal,
    })
    expect(await failure(changed)).toBeInstanceOf(SourceChanged)
  })

  it('ends when its build is to stop, whatever it waits for', async () => {
    source.mischief.push(stall)
    const silent = failure(read())
    await expect.poll(() => source.open).toBe(1)
    stop.abort(new Error('enough'))
    expect(await silent).toMatchObject({ message: 'enough' })
    await expect.poll(() => source.open).toBe(0)
    stop = new AbortController()
    source.mischief.push((_request, response) => {
      response.writeHead(206, {
        ETag: source.etag,
        'Content-Range': `bytes 0-${bytes.length - 1}/${bytes.length}`,
      })
      void send(source, response, bytes.subarray(0, 1000))
      return true
    })
    const slow = failure(read().then(lengthOf))
    await expect.poll(() => source.open).toBe(1)
    stop.abort(new Error('enough'))
    expect(await slow).toMatchObject({ message: 'enough' })
    await expect.poll(() => source.open).toBe(0)
  })

  it('fails when the thread is closed', async () => {
    source.mischief.push(stall)
    const silent = failure(read())
    await expect.poll(() => source.open).toBe(1)
    await thread.close()
    expect(await silent).toMatchObject({ message: 'the build thread ended' })
  })

  it('goes nowhere but where the policy, asked each time, allows', async () => {
    const refused = new SlipstreamError('source_not_allowed', 'Not there.')
    const allowed: string[] = []
    const guarded = new BuildThread({
      ...anySource,
      policy: {
        async assertAllowed({ href }) {
          allowed.push(href)
          if (href.includes('elsewhere')) throw refused
        },
      },
    })
    source.mischief.push(refuse(302, { Location: '/elsewhere' }))
    expect(await failure(read(0, 9, guarded))).toMatchObject({ code: 'source_not_allowed' })
    expect(allowed).toEqual([source.url, `${source.origin}/elsewhere`])
    expect(source.asked).toHaveLength(1)
    await guarded.close()
  })

  it('does not connect to an address that a name must not lead to', async () => {
    const names: string[] = []
    const guarded = new BuildThread({
      ...anySource,
      allowPrivate: false,
      async lookup(name) {
        names.push(name)
        return [{ address: '127.0.0.1', family: 4 }]
      },
    })
    const url = new URL(source.url)
    url.hostname = 'films.example.org'
    const { signal } = stop
    const work = guarded.read(url, { start: 0, end: 9, known: source.known(), signal })
    expect(await failure(work)).toMatchObject({ code: 'source_not_allowed' })
    expect(names).toEqual(['films.example.org'])
    expect(source.asked).toEqual([])
    await guarded.close()
  })
})
