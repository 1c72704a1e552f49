import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { InfoHash, MediaId } from '#protocol/ids.ts'
import { type Database, openDatabase } from '../database/database.ts'
import { type Catalogue, createCatalogue } from '../media/catalogue.ts'
import { exampleMedia } from '../media/media-fixture.ts'
import { HttpSourceClient } from './http-source-client.ts'
import { InspectionTurns } from './inspection-turns.ts'
import { createSourcePolicy, type SourcePolicy } from './source-policy.ts'
import { createSourceRecords } from './source-records.ts'
import { SourceTitles } from './source-titles.ts'
import { exampleBytes, film, startSource, type TestSource } from './web-server-fixture.ts'

const OWN = 'https://media.example.org'
const withCode = (code: string) => expect.objectContaining({ code })

let folder: string
let source: TestSource
let now: number
let changes: MediaId[]
let opened: Process[]

/** As much of this server as one process has, on the database that they all share. */
interface Process {
  readonly titles: SourceTitles
  readonly catalogue: Catalogue
  readonly policy: SourcePolicy
  readonly database: Database
  close(): Promise<void>
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'titles-'))
  source = await startSource()
  now = 1_000_000
  changes = []
  opened = []
})
afterEach(async () => {
  for (const process of opened) await process.close()
  await source.close()
  await rm(folder, { recursive: true })
})

async function open(origins = [`${source.url}/`]): Promise<Process> {
  const database = await openDatabase(join(folder, 'test.db'))
  const catalogue = createCatalogue(database)
  const clock = () => now
  const policy = createSourcePolicy({
    database,
    sources: { origins, keep: 'never', allowPrivate: true },
    now: clock,
  })
  const client = new HttpSourceClient({
    policy,
    allowPrivate: true,
    maxBytes: 1e9,
    pageOrigin: OWN,
  })
  const titles = new SourceTitles({
    catalogue,
    records: createSourceRecords(database),
    policy,
    client,
    turns: new InspectionTurns(),
    onChange: (id) => changes.push(id),
    now: clock,
    log: pino({ level: 'silent' }),
  })
  const process: Process = {
    titles,
    catalogue,
    policy,
    database,
    async close() {
      await titles.close()
      await client.close()
      await database.destroy()
    },
  }
  opened.push(process)
  return process
}

const urlOf = (path: string) => source.url + path

test('an unknown URL becomes a title by one request, and is known from then on', async () => {
  const { titles } = await open()
  const media = await titles.resolve(urlOf('/films/My_first%20film.MP4?v=1#t=5'), OWN)
  expect(media).toMatchObject({
    revision: 1,
    title: 'My_first film',
    filename: 'My_first film.mp4',
    size: 100_000,
    type: 'video/mp4',
    duration_s: null,
    width: null,
    height: null,
    fast_start: 1,
    info_hash: null,
    source: {
      url: urlOf('/films/My_first%20film.MP4?v=1'),
      mirrors: [],
      etag: '"one"',
      ranges: 1,
      cors: 1,
      kept_revision: null,
      checked_at: now,
    },
  })
  const again = await titles.resolve(urlOf('/films/My_first%20film.MP4?v=1'), OWN)
  expect(again.id).toBe(media.id)
  expect(source.requests).toHaveLength(1)
})

test('the name that the source gives its file counts more than that of the URL', async () => {
  const disposition = 'attachment; filename="../../etc/The film.exe"'
  source.answer(film({ headers: { 'Content-Disposition': disposition } }))
  const { titles } = await open()
  const media = await titles.resolve(urlOf('/download?id=5'), OWN)
  expect(media).toMatchObject({ filename: 'The film.mp4', title: 'The film' })
})

test('a hundred who ask at once for an unknown URL cost one request and get one title', async () => {
  const { titles, database } = await open()
  const asked = Array.from({ length: 100 }, () => titles.resolve(urlOf('/film.mp4'), OWN))
  const ids = new Set((await Promise.all(asked)).map(({ id }) => id))
  expect(ids.size).toBe(1)
  expect(source.requests).toEqual(['HEAD /film.mp4'])
  expect(await database.selectFrom('media').select('id').execute()).toHaveLength(1)
})

test('two processes that meet a URL at once make one title', async () => {
  const processes = [await open(), await open()]
  const waiting: (() => void)[] = []
  source.answer((request, response) => {
    waiting.push(() => film()(request, response))
    if (waiting.length === 2) for (const answer of waiting) answer()
  })
  const resolved = await Promise.all(
    processes.map(({ titles }) => titles.resolve(urlOf('/film.mp4'), OWN)),
  )
  expect(source.requests).toHaveLength(2)
  expect(resolved[0]?.id).toBe(resolved[1]?.id)
  const rows = await processes[0]?.database.selectFrom('media').select('id').execute()
  expect(rows).toHaveLength(1)
})

test('a URL that is not allowed makes no request and no title, and one that is no more is refused', async () => {
  const { titles, policy } = await open([`${source.url}/films/`])
  const refused = expect.objectContaining({ code: 'source_not_allowed' })
  for (const path of [
    '/secret.mp4',
    '/films/../secret.mp4',
    '/films/%2e%2e/secret.mp4',
    '/filmsx/a.mp4',
  ]) {
    await expect(titles.resolve(urlOf(path), OWN)).rejects.toThrow(refused)
  }
  expect(source.requests).toEqual([])
  const added = await policy.add(`${source.url}/clips/`, 'never')
  await titles.resolve(urlOf('/clips/a.mp4'), OWN)
  await policy.remove(added.id)
  await expect(titles.resolve(urlOf('/clips/a.mp4'), OWN)).rejects.toThrow(refused)
})

test('a source that fails is left alone for some seconds', async () => {
  source.answer((_request, response) => response.writeHead(404).end())
  const { titles } = await open()
  const ask = () => titles.resolve(urlOf('/film.mp4'), OWN)
  await expect(ask()).rejects.toThrow(withCode('not_found'))
  source.answer(film())
  await expect(ask()).rejects.toThrow(withCode('not_found'))
  expect(source.requests).toEqual(['HEAD /film.mp4', 'GET /film.mp4 bytes=0-0'])
  now += 6_000
  expect(await ask()).toMatchObject({ size: 100_000 })
})

test('URLs of this server lead to its own titles', async () => {
  const { titles, catalogue } = await open()
  const media = exampleMedia()
  await catalogue.add(media)
  for (const path of [`/media/${media.id}/film.webm`, `/watch/${media.id}`, `/embed/${media.id}`]) {
    expect((await titles.resolve(OWN + path, OWN)).id).toBe(media.id)
    const below = `${OWN}/video`
    expect((await titles.resolve(below + path, below)).id).toBe(media.id)
  }
  for (const path of ['/', '/watch/zyxwvtsrqpnmkjhg', '/watch/nonsense', '/films/a.mp4']) {
    await expect(titles.resolve(OWN + path, OWN)).rejects.toThrow(withCode('not_found'))
  }
})

test('a known URL is answered at once, and its source asked again after a minute', async () => {
  const { titles, catalogue } = await open()
  const { id } = await titles.resolve(urlOf('/film.mp4'), OWN)
  now += 59_000
  await titles.resolve(urlOf('/film.mp4'), OWN)
  now += 2_000
  source.answer(() => {}) // does not answer, and nobody waits for it
  await Promise.all(Array.from({ length: 20 }, () => titles.resolve(urlOf('/film.mp4'), OWN)))
  await vi.waitFor(() => expect(source.requests).toHaveLength(2))
  expect((await catalogue.get(id))?.revision).toBe(1)
})

test('what has not changed is confirmed, and what the source can do now is told', async () => {
  source.answer(film({ headers: { 'Access-Control-Allow-Origin': '' } }))
  const { titles } = await open()
  const { id, source: before } = await titles.resolve(urlOf('/film.mp4'), OWN)
  expect(before?.cors).toBe(0)
  source.answer(film())
  now += 100_000
  const media = await titles.renew(id)
  expect(media).toMatchObject({ revision: 1, source: { cors: 1, checked_at: now } })
  expect(changes).toEqual([id])
  await titles.renew(id)
  expect(changes).toEqual([id])
})

test('a file that has changed is the next revision; torrents of the old one stay, its builds do not', async () => {
  const { titles, catalogue, database } = await open()
  const { id } = await titles.resolve(urlOf('/film.mp4'), OWN)
  const infoHash = 'a'.repeat(40) as InfoHash
  await database
    .insertInto('torrent')
    .values({
      media_id: id,
      revision: 1,
      info_hash: infoHash,
      info: new Uint8Array(1),
      created_at: 1,
    })
    .execute()
  await database
    .insertInto('job')
    .values({
      media_id: id,
      revision: 1,
      state: 'queued',
      run_at: 1,
      attempts: 0,
      pieces_done: 0,
      created_at: 1,
    })
    .execute()
  await catalogue.edit(id, { title: 'As the publisher calls it' })
  await database
    .updateTable('media')
    .set({ duration_s: 5, width: 1, height: 1, fast_start: 0 })
    .execute()
  const headers = { ETag: '"two"', 'Content-Type': 'video/webm' }
  source.answer(film({ bytes: exampleBytes(120_000), headers }))
  const [renewed, shared] = await Promise.all([titles.renew(id), titles.renew(id)])
  expect(renewed).toMatchObject({
    revision: 2,
    title: 'As the publisher calls it',
    filename: 'film.webm',
    type: 'video/webm',
    size: 120_000,
    duration_s: null,
    width: null,
    height: null,
    fast_start: 1,
    info_hash: null,
    job_state: null,
    source: { etag: '"two"' },
  })
  expect(shared).toEqual(renewed)
  expect(changes).toEqual([id])
  expect(await catalogue.swarmRules(infoHash)).not.toBeNull()
  expect(await database.selectFrom('job').select('revision').execute()).toEqual([])
})

test('two processes that see the same change make one revision of it', async () => {
  const [one, other] = [await open(), await open()]
  const { id } = await one.titles.resolve(urlOf('/film.mp4'), OWN)
  source.answer(film({ headers: { ETag: '"two"' } }))
  const renewed = await Promise.all([one.titles.renew(id), other.titles.renew(id)])
  expect(renewed.map((media) => media?.revision)).toEqual([2, 2])
})

test('a source that fails when it is asked again changes nothing', async () => {
  const { titles, catalogue } = await open()
  const { id } = await titles.resolve(urlOf('/film.mp4'), OWN)
  now += 100_000
  source.answer((_request, response) => response.writeHead(500).end())
  await expect(titles.renew(id)).rejects.toThrow(withCode('source_unreachable'))
  expect(await catalogue.get(id)).toMatchObject({ revision: 1, source: { checked_at: now } })
  expect(await titles.renew('zyxwvtsrqpnmkjhg' as MediaId)).toBeNull()
})

test('mirrors have the same file at allowed origins, where browsers can read it', async () => {
  const { titles, catalogue } = await open()
  const media = await titles.resolve(urlOf('/film.mp4'), OWN)
  const [one, two] = [urlOf('/one/film.mp4'), urlOf('/two/film.mp4')]
  await titles.setMirrors(media, [one, urlOf('/film.mp4'), two, one])
  expect((await catalogue.get(media.id))?.source?.mirrors).toEqual([one, two])
  const refusals: [string, string, Parameters<typeof film>[0]][] = [
    ['https://elsewhere.example/film.mp4', 'source_not_allowed', {}],
    ['film.mp4', 'bad_request', {}],
    [one, 'source_unsuitable', { bytes: exampleBytes(99_999) }],
    [one, 'source_unsuitable', { ranges: false }],
    [one, 'source_unsuitable', { headers: { 'Access-Control-Allow-Origin': '' } }],
  ]
  for (const [url, code, changed] of refusals) {
    source.answer(film(changed))
    await expect(titles.setMirrors(media, [url])).rejects.toThrow(withCode(code))
  }
  expect((await catalogue.get(media.id))?.source?.mirrors).toEqual([one, two])
  await titles.setMirrors(media, [])
  expect((await catalogue.get(media.id))?.source?.mirrors).toEqual([])
})

test('an upload has no mirrors', async () => {
  const { titles, catalogue } = await open()
  await catalogue.add(exampleMedia())
  const media = await catalogue.get(exampleMedia().id)
  if (media === null) throw new Error('not added')
  await expect(titles.setMirrors(media, [urlOf('/film.mp4')])).rejects.toThrow(
    withCode('bad_request'),
  )
})

test('a mirror that still has the old file is dropped with the new revision', async () => {
  const { titles } = await open()
  const media = await titles.resolve(urlOf('/film.mp4'), OWN)
  await titles.setMirrors(media, [urlOf('/same.mp4'), urlOf('/old.mp4')])
  const next = film({ bytes: exampleBytes(7_000), headers: { ETag: '"two"' } })
  source.answer((request, response) => {
    if (request.url === '/old.mp4') film()(request, response)
    else next(request, response)
  })
  expect(await titles.renew(media.id)).toMatchObject({
    revision: 2,
    source: { mirrors: [urlOf('/same.mp4')] },
  })
})

test('a deleted title is made anew when somebody asks for its URL', async () => {
  const { titles, catalogue } = await open()
  const first = await titles.resolve(urlOf('/film.mp4'), OWN)
  await catalogue.remove(first.id)
  const second = await titles.resolve(urlOf('/film.mp4'), OWN)
  expect(second.id).not.toBe(first.id)
})

test('closing gives up what a source does not answer', async () => {
  const { titles } = await open()
  source.answer(() => {})
  const asking = titles.resolve(urlOf('/film.mp4'), OWN)
  asking.catch(() => {})
  await vi.waitFor(() => expect(source.requests).toHaveLength(1))
  await titles.close()
  await expect(asking).rejects.toThrow('the server is stopping')
})

test('a source that said it had ranges and has none is found out when its title is renewed', async () => {
  const { titles } = await open()
  const truth = film({ ranges: false })
  source.answer((request, response) => {
    if (request.method === 'HEAD') film()(request, response)
    else truth(request, response)
  })
  const { id, source: before } = await titles.resolve(urlOf('/film.mp4'), OWN)
  expect(before?.ranges).toBe(1)
  expect(await titles.renew(id)).toMatchObject({ revision: 1, source: { ranges: 0 } })
  expect(changes).toEqual([id])
})

describe('a source that names the same file differently', () => {
  let answers = 0
  /** Answers with these validators in turn. */
  const inTurn = (...headers: Record<string, string>[]) => {
    answers = 0
    source.answer((request, response) => {
      film({ headers: headers[answers % headers.length] as Record<string, string> })(
        request,
        response,
      )
      answers += 1
    })
  }

  test('each time makes no new revision; its ETag is no longer gone by', async () => {
    source.answer((request, response) => {
      answers += 1
      film({ headers: { ETag: `"${answers}"` } })(request, response)
    })
    const { titles, catalogue } = await open()
    const { id } = await titles.resolve(urlOf('/film.mp4'), OWN)
    const varying = { revision: 1, source: { etag: null, varies: 1 } }
    for (let look = 0; look < 3; look += 1) expect(await titles.renew(id)).toMatchObject(varying)
    expect(changes).toEqual([id])
    now += 100_000
    await titles.resolve(urlOf('/film.mp4'), OWN)
    await vi.waitFor(async () => expect((await catalogue.get(id))?.source?.checked_at).toBe(now))
    expect(await catalogue.get(id)).toMatchObject(varying)
  })

  test('by turns, one of two servers behind a balancer, is found out from either of them', async () => {
    const { titles, catalogue, database } = await open()
    const { id } = await titles.resolve(urlOf('/film.mp4'), OWN)
    const one = { ETag: '"one"', 'Last-Modified': 'Mon, 02 Nov 2026 10:00:00 GMT' }
    const two = { ETag: '"two"', 'Last-Modified': 'Mon, 02 Nov 2026 10:00:07 GMT' }
    for (const order of [
      [one, two],
      [two, one],
    ]) {
      await database.updateTable('media_source').set({ etag: '"one"', varies: 0 }).execute()
      inTurn(...order)
      expect(await titles.renew(id)).toMatchObject({
        revision: 1,
        source: { etag: null, last_modified: null, varies: 1 },
      })
    }
    source.answer(film({ bytes: exampleBytes(7_000), headers: one }))
    await titles.renew(id) // another length is another file all the same
    expect(await catalogue.get(id)).toMatchObject({ revision: 2, source: { etag: null } })
  })

  test('is asked as if it were new when an administrator wants the next revision', async () => {
    const { titles } = await open()
    const media = await titles.resolve(urlOf('/film.mp4'), OWN)
    inTurn({ ETag: '"two"' }, { ETag: '"three"' })
    await titles.renew(media.id)
    expect(await titles.remake(media)).toMatchObject({ revision: 2, source: { varies: 1 } })
    expect(await titles.remake(media)).toMatchObject({ revision: 2 }) // it has been made
    source.answer(film())
    expect(await titles.remake({ ...media, revision: 2 })).toMatchObject({
      revision: 3,
      source: { etag: '"one"', varies: 0 },
    })
  })

  test('is gone by what its answers have in common', async () => {
    const date = (day: number) => ({ 'Last-Modified': `Mon, 0${day} Nov 2026 10:00:00 GMT` })
    source.answer(film({ headers: date(2) }))
    const { titles } = await open()
    const { id } = await titles.resolve(urlOf('/film.mp4'), OWN)
    inTurn({ ETag: '"two"', ...date(2) }, { ETag: '"three"', ...date(2) })
    expect(await titles.renew(id)).toMatchObject({
      revision: 1,
      source: { etag: null, last_modified: date(2)['Last-Modified'], varies: 1 },
    })
    inTurn({ ETag: '"four"', ...date(3) }, { ETag: '"five"', ...date(3) })
    expect(await titles.renew(id)).toMatchObject({ revision: 2, source: { etag: null, varies: 1 } })
  })
})
