import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import parseTorrent from 'parse-torrent'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { MediaId } from '#protocol/ids.ts'
import { type Database, openDatabase } from '../database/database.ts'
import { sendError } from '../http/send-error.ts'
import { createCatalogue } from '../media/catalogue.ts'
import { exampleMedia } from '../media/media-fixture.ts'
import { torrentEndpoint } from './torrent-endpoint.ts'

const ID = '0123456789abcdef' as MediaId

let database: Database
let server: Server
let url: string
let requests: number

beforeEach(async () => {
  requests = 0
  database = await openDatabase(':memory:')
  const catalogue = createCatalogue(database)
  await catalogue.add(exampleMedia({ id: ID }))
  const request = async () => {
    requests += 1
  }
  const send = torrentEndpoint({
    recent: catalogue,
    catalogue,
    queue: { request, wanted: () => {} },
    originOf: () => 'http://media.example',
  })
  const log = pino({ level: 'silent' })
  server = createServer((incoming, response) => {
    send(incoming, response, new URL(incoming.url ?? '/', 'http://localhost')).catch((error) =>
      sendError(incoming, response, error, log),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/media/${ID}/torrent`
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await database.destroy()
})

test('a real torrent that is not built yet is asked for again in some seconds', async () => {
  const response = await fetch(`${url}?kind=real`)
  expect([response.status, response.headers.get('Retry-After')]).toEqual([503, '5'])
  expect(await response.text()).toContain('still being built')
  expect(requests).toBe(1)
})

test('a real torrent whose build gave up says why, and to come back much later', async () => {
  await database
    .insertInto('job')
    .values({
      media_id: ID,
      revision: 1,
      state: 'failed',
      run_at: 1,
      attempts: 5,
      lease_owner: null,
      lease_until: null,
      pieces_done: 0,
      checkpoint: null,
      reason: 'The disk is on fire.',
      created_at: 1,
    })
    .execute()
  const response = await fetch(`${url}?kind=real`)
  expect([response.status, response.headers.get('Retry-After')]).toEqual([503, '3600'])
  const { error } = (await response.json()) as { error: { code: string; message: string } }
  expect(error.code).toBe('torrent_not_ready')
  expect(error.message).toContain('could not be built: The disk is on fire.')
  expect(requests).toBe(0)
  const placeholder = await fetch(url)
  expect(placeholder.headers.get('Slipstream-Torrent')).toBe('placeholder')
  await placeholder.arrayBuffer()
})

test('the mirrors of a source that browsers cannot read are web seeds, it is not', async () => {
  const mirror = 'https://mirror.example/film.webm'
  await database
    .insertInto('media_source')
    .values({
      media_id: ID,
      url: 'https://cdn.example/film.webm',
      mirrors: JSON.stringify([mirror]),
      ranges: 1,
      cors: 0,
      wanted_at: 1,
      checked_at: 1,
    })
    .execute()
  const { urlList } = await parseTorrent(new Uint8Array(await (await fetch(url)).arrayBuffer()))
  expect(urlList).toEqual([mirror, expect.stringContaining('http://media.example/media/')])
})
