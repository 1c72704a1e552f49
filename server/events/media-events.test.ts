import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import express, { type RequestHandler } from 'express'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { InfoHash, MediaId } from '#protocol/ids.ts'
import { type Database, openDatabase } from '../database/database.ts'
import { type Catalogue, createCatalogue } from '../media/catalogue.ts'
import { exampleMedia } from '../media/media-fixture.ts'
import { MediaEvents } from './media-events.ts'

const ID = '0123456789abcdef' as MediaId
const INFO_HASH = 'a'.repeat(40) as InfoHash

let database: Database
let events: MediaEvents
let server: Server
let url: string
/** How often the tables were asked. */
let looked: number
/** Called when they have answered, before the answer is used. */
let beforeAnswer: () => void | Promise<void>
/** To the last request. */
let answering: ServerResponse

beforeEach(async () => {
  database = await openDatabase(':memory:')
  const catalogue = createCatalogue(database)
  await catalogue.add(exampleMedia({ id: ID, size: 10 * 256 * 1024 }))
  looked = 0
  beforeAnswer = () => {}
  const watched: Pick<Catalogue, 'get'> = {
    async get(id) {
      looked += 1
      const media = await catalogue.get(id)
      await beforeAnswer()
      return media
    },
  }
  events = new MediaEvents(watched, pino({ level: 'silent' }))
  const note: RequestHandler = (_request, response, next) => {
    answering = response
    next()
  }
  server = createServer(express().get('/:id', note, events.handle))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${ID}`
})
afterEach(async () => {
  events.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await database.destroy()
})

/** Writes down what the build job is at, and says so. */
async function job(state: 'queued' | 'failed', piecesDone = 0, reason: string | null = null) {
  await database.deleteFrom('job').execute()
  await database
    .insertInto('job')
    .values({
      media_id: ID,
      revision: 1,
      state,
      run_at: 1,
      attempts: 0,
      lease_owner: null,
      lease_until: null,
      pieces_done: piecesDone,
      checkpoint: null,
      reason,
      created_at: 1,
    })
    .execute()
  events.changed(ID)
}

async function torrent() {
  await database.deleteFrom('job').execute()
  await database
    .insertInto('torrent')
    .values({
      media_id: ID,
      revision: 1,
      info_hash: INFO_HASH,
      info: Buffer.from('de'),
      created_at: 1,
    })
    .execute()
  events.changed(ID)
}

interface Received {
  id: string
  name: string
  data: unknown
}

/** A subscriber as a browser is one; `gone` hangs up. */
async function subscribe(lastEventId?: string) {
  const hangUp = new AbortController()
  const headers = lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId }
  const response = await fetch(url, { headers, signal: hangUp.signal })
  const received: Received[] = []
  const reading = (async () => {
    let text = ''
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk
      const blocks = text.split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) {
        const field = (name: string) => new RegExp(`^${name}: ?(.*)$`, 'm').exec(block)?.[1]
        const [id, name, data] = [field('id'), field('event'), field('data')]
        if (id && name && data) received.push({ id, name, data: JSON.parse(data) })
      }
    }
  })().catch(() => {})
  return {
    received,
    /** Of the events that tell of the torrent. */
    names: () => received.map(({ name }) => name).filter((name) => name !== 'p2p'),
    p2p: () => received.filter(({ name }) => name === 'p2p').map(({ data }) => data),
    gone() {
      hangUp.abort()
      return reading
    },
    over: () => reading,
  }
}

test('a subscriber hears every change, and the state at once', async () => {
  await job('queued', 2)
  const viewer = await subscribe()
  await expect.poll(viewer.names).toEqual(['progress'])
  expect(viewer.received[0]?.data).toEqual({ progress: 0.2 })
  await job('queued', 5)
  await expect.poll(viewer.names).toEqual(['progress', 'progress'])
  await torrent()
  await expect.poll(viewer.names).toEqual(['progress', 'progress', 'torrent'])
  expect(viewer.received.at(-1)?.data).toEqual({ kind: 'real', infoHash: INFO_HASH })
  events.changed(ID) // nothing changed: nothing is said
  await viewer.gone()
  expect(viewer.names()).toHaveLength(3)
})

test('a build that fails, is restarted and fails again is told each time', async () => {
  await job('failed', 0, 'one')
  const viewer = await subscribe()
  await expect.poll(viewer.names).toEqual(['failed'])
  await job('queued')
  await expect.poll(viewer.names).toEqual(['failed', 'progress'])
  await job('failed', 0, 'two')
  await expect.poll(viewer.names).toEqual(['failed', 'progress', 'failed'])
  expect(viewer.received.at(-1)?.data).toEqual({ reason: 'two' })
  await viewer.gone()
})

test('whoever comes back hears what he missed, and nothing twice', async () => {
  await job('failed', 0, 'one')
  const first = await subscribe()
  await expect.poll(first.names).toEqual(['failed'])
  await first.gone()
  const lastId = first.received[0]?.id as string

  const same = await subscribe(lastId)
  await job('queued') // restarted while he listens
  await expect.poll(same.names).toEqual(['progress'])
  await same.gone()

  await job('failed', 0, 'two') // again, while he is away
  const again = await subscribe(same.received[0]?.id)
  await expect.poll(again.names).toEqual(['failed'])
  expect(again.received[0]?.data).toEqual({ reason: 'two' })
  await again.gone()

  const late = await subscribe(lastId) // missed the restart, and that it failed for another reason
  await expect.poll(late.names).toEqual(['failed'])
  expect(late.received[0]?.data).toEqual({ reason: 'two' })
  await late.gone()

  await torrent()
  const end = await subscribe(lastId)
  await expect.poll(end.names).toEqual(['torrent'])
  await end.gone()
})

test('a change that another process makes is seen without a hint', async () => {
  await job('queued')
  const viewer = await subscribe()
  await expect.poll(viewer.names).toEqual(['progress'])
  await database.updateTable('job').set({ pieces_done: 3 }).execute()
  await expect.poll(viewer.names, { timeout: 5_000 }).toEqual(['progress', 'progress'])
  await viewer.gone()
})

test.each([
  [
    'while the title is looked up',
    async () => {
      answering.destroy()
      await once(answering, 'close')
    },
  ],
  [
    'while the stream begins',
    async () => {
      await setImmediate() // the stream begins after the next one, and `close` comes before that
      answering.destroy()
    },
  ],
])('a subscriber who leaves %s is forgotten', async (_, leave) => {
  beforeAnswer = () => {
    beforeAnswer = () => {}
    return leave()
  }
  await expect(fetch(url)).rejects.toThrow()
  await new Promise((resolve) => setTimeout(resolve, 300))
  const before = looked
  await new Promise((resolve) => setTimeout(resolve, 2500)) // the tables are looked at every second
  expect(looked).toBe(before)
})

test('the stream of a title that is deleted says so and ends', async () => {
  const viewer = await subscribe()
  await expect.poll(viewer.names).toEqual(['progress'])
  await createCatalogue(database).remove(ID)
  events.changed(ID)
  await viewer.over()
  expect(viewer.names()).toEqual(['progress', 'deleted'])
})

test('what the publisher says of sharing is told at once, with every change, and not twice', async () => {
  const catalogue = createCatalogue(database)
  const edit = async (p2p: { enabled?: boolean; minViewers?: number }) => {
    await catalogue.edit(ID, { p2p })
    events.changed(ID)
  }
  const viewer = await subscribe()
  const on = { enabled: true, minViewers: 1 }
  const off = { enabled: false, minViewers: 1 }
  await expect.poll(viewer.p2p).toEqual([on])
  await edit({ enabled: false })
  await expect.poll(viewer.p2p).toEqual([on, off])
  await torrent()
  await expect.poll(viewer.names).toContain('torrent')
  await viewer.gone()
  const lastId = viewer.received.at(-1)?.id as string

  const same = await subscribe(lastId)
  await edit({ minViewers: 3 })
  await expect.poll(same.p2p).toEqual([{ enabled: false, minViewers: 3 }])
  expect(same.names()).toEqual([])
  await same.gone()
  await edit({ minViewers: 1 }) // while nobody listens
  const back = await subscribe(same.received.at(-1)?.id)
  await expect.poll(back.p2p).toEqual([off])
  expect(back.names()).toEqual([])
  await back.gone()

  const before = await subscribe(lastId.split('/')[0]) // an id from before sharing was told of
  await expect.poll(before.p2p).toEqual([off])
  expect(before.names()).toEqual([])
  await before.gone()
})
