import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { headEndOf } from '#protocol/early-request.ts'
import type { MediaId } from '#protocol/ids.ts'
import { streamPath } from '#protocol/stream.ts'
import { bytes, ID, media, SIZE, startWebSeed } from './web-seed-fixture.ts'

const HEAD = headEndOf({ size: SIZE, duration: 30 }, 0)

let seed: Awaited<ReturnType<typeof startWebSeed>>
let origin: string

beforeEach(async () => {
  seed = await startWebSeed({
    holdMs: 500,
    accel: { prefix: '/slipstream-blobs/', isTrustedProxy: () => true },
    onSent: () => {},
  })
  origin = seed.origin
})
afterEach(() => seed.close())

const address = (session = '1.abc') => origin + streamPath(ID, session, media.filename)
const release = (session = '1.abc') => fetch(address(session), { method: 'POST' })

interface Answer {
  readonly response: IncomingMessage
  readonly received: () => Buffer
  readonly isWhole: () => boolean
}

async function ask(url: string, range: string): Promise<Answer> {
  const outgoing = get(url, { headers: { range } })
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  let isWhole = false
  response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', () => {})
  response.on('end', () => {
    isWhole = true
  })
  return { response, received: () => Buffer.concat(chunks), isWhole: () => isWhole }
}

async function until(holds: () => boolean): Promise<void> {
  const latest = performance.now() + 5000
  while (!holds()) {
    if (performance.now() > latest) throw new Error('it did not come to that')
    await pause(5)
  }
}

describe('the head of a stream', () => {
  test('is an answer of its own, whose end comes when the page says so', async () => {
    const { response, received, isWhole } = await ask(`${address()}?head`, 'bytes=0-')
    expect(response.statusCode).toBe(206)
    expect(response.headers).toMatchObject({
      'content-range': `bytes 0-${HEAD - 1}/${SIZE}`,
      'content-length': String(HEAD),
      etag: `"${ID}-1"`,
      'cache-control': 'private, max-age=3600',
    })
    expect(response.headers['last-modified']).toBeUndefined()
    await until(() => received().length > HEAD - 10_000)
    expect((await release('1.other')).status).toBe(204)
    await pause(100)
    expect(isWhole()).toBe(false)
    const releasedAt = performance.now()
    expect((await release()).status).toBe(204)
    await until(isWhole)
    expect(performance.now() - releasedAt).toBeLessThan(300)
    expect(received().equals(bytes.subarray(0, HEAD))).toBe(true)
  })

  test('ends by itself for a page that says nothing', async () => {
    const { received, isWhole } = await ask(`${address()}?head`, 'bytes=0-')
    await until(isWhole)
    expect(received().length).toBe(HEAD)
  })

  test('begins where it is asked for, and ends with the file', async () => {
    const from = SIZE - 1000
    const { response, isWhole } = await ask(`${address()}?head`, `bytes=${from}-`)
    expect(response.headers['content-range']).toBe(`bytes ${from}-${SIZE - 1}/${SIZE}`)
    await until(isWhole)
    const short = await ask(`${address()}?head`, 'bytes=10-19')
    expect(short.response.headers['content-length']).toBe('10')
  })

  test('is given up with its client, and the next one is served', async () => {
    for (let round = 0; round < 20; round += 1) {
      const { response } = await ask(`${address()}?head`, 'bytes=0-')
      response.destroy()
    }
    const { received, isWhole } = await ask(`${address()}?head`, 'bytes=0-')
    await until(() => received().length > 0)
    await release()
    await until(isWhole)
    expect(received().equals(bytes.subarray(0, HEAD))).toBe(true)
  })

  test('is not sent to who asks for what a cache has of it', async () => {
    const headers = { range: `bytes=0-${HEAD - 1}`, 'cache-control': 'only-if-cached' }
    const answer = await fetch(`${address()}?head`, { headers })
    expect([answer.status, await answer.text()]).toEqual([504, ''])
    const rest = { ...headers, range: `bytes=1000-${HEAD - 1}` } // it has the first thousand
    const answerOfRest = await fetch(`${address()}?head`, { headers: rest })
    expect((await answerOfRest.arrayBuffer()).byteLength).toBe(HEAD - 1000)
  })
})

test('without that wish a stream is answered like the file, from the disk by nginx as well', async () => {
  const answer = await fetch(address(), { headers: { range: 'bytes=0-' } })
  expect(answer.headers.get('x-accel-redirect')).toBe(`/slipstream-blobs/${ID}/1`)
  const head = await fetch(`${address()}?head`, { headers: { range: 'bytes=5-9' } })
  expect(head.headers.get('x-accel-redirect')).toBeNull()
})

test('a stream of another title, revision or name is not found', async () => {
  for (const path of [
    streamPath(ID, '2.abc', media.filename),
    streamPath(ID, '1.abc', 'another.webm'),
    streamPath('fedcba9876543210' as MediaId, '1.abc', media.filename),
    `/media/${ID}/stream/nonsense/${encodeURIComponent(media.filename)}`,
  ]) {
    expect((await fetch(`${origin}${path}?head`)).status, path).toBe(404)
  }
  const wrong = await fetch(`${origin}/media/${ID}/${encodeURIComponent(media.filename)}`, {
    method: 'POST',
  })
  expect(wrong.status).toBe(405)
})
