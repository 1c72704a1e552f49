import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sql } from 'kysely'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { InfoHash, MediaId } from '#protocol/ids.ts'
import { BuildQueue } from '../jobs/build-queue.ts'
import { createCatalogue } from '../media/catalogue.ts'
import { exampleMedia } from '../media/media-fixture.ts'
import { createSourceRecords } from '../sources/source-records.ts'
import { type Database, openDatabase, withoutSync } from './database.ts'

const FULL = 2
const NORMAL = 1

let database: Database
beforeEach(async () => {
  database = await openDatabase(':memory:')
})
afterEach(async () => {
  vi.restoreAllMocks()
  await database.destroy()
})

async function mode(connection: Database): Promise<number | undefined> {
  const answer = await sql<{ synchronous: number }>`PRAGMA synchronous`.execute(connection)
  return answer.rows[0]?.synchronous
}

test('commits wait for the disk, except where they need not', async () => {
  for (let round = 0; round < 2; round += 1) {
    expect(await mode(database)).toBe(FULL)
    expect(await withoutSync(database, mode)).toBe(NORMAL)
    const failing = withoutSync(database, async () => Promise.reject(new Error('no')))
    await expect(failing).rejects.toThrow('no')
  }
  expect(await mode(database)).toBe(FULL)
})

test('what comes meanwhile waits for the disk as ever', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const lax = withoutSync(database, () => promise)
  const meanwhile = mode(database)
  resolve()
  await lax
  expect(await meanwhile).toBe(FULL)
})

test('a title elsewhere and its build wait for no disk, an upload does', async () => {
  const waited = new Map<string, boolean>()
  let waits = true
  const prepare = DatabaseSync.prototype.prepare
  vi.spyOn(DatabaseSync.prototype, 'prepare').mockImplementation(function (
    this: DatabaseSync,
    text,
  ) {
    const pragma = /^PRAGMA synchronous = (\w+)/.exec(text)?.[1]
    if (pragma) waits = pragma === 'FULL'
    const write = /^(?:insert into|update|delete from) "(\w+)"/.exec(text)
    if (write) waited.set(write[0].replaceAll('"', ''), waits)
    return prepare.call(this, text)
  })
  const id = '0123456789abcdef' as MediaId
  const source = { size: 1, type: null, etag: null, lastModified: null, ranges: true, cors: true }
  await createSourceRecords(database).add(
    exampleMedia({ id }),
    'https://cdn.example/film.webm',
    { ...source, filename: null },
    1,
  )
  const queue = new BuildQueue({
    database,
    build: async () => ({ infoHash: 'a'.repeat(40) as InfoHash, info: Buffer.from('de') }),
    onChange: () => {},
    now: Date.now,
    buildDelayMs: 0,
    log: pino({ level: 'silent' }),
  })
  await queue.request(id, 1)
  queue.start()
  const torrents = () => database.selectFrom('torrent').select('media_id').execute()
  await expect.poll(torrents, { timeout: 5_000 }).toHaveLength(1)
  await queue.close()
  expect(Object.fromEntries(waited)).toEqual({
    'insert into media': false,
    'insert into media_source': false,
    'insert into job': false,
    'update job': false,
    'delete from job': false,
    'insert into torrent': false,
  })
  await database.deleteFrom('media').execute()
  await createCatalogue(database).add(exampleMedia({ id, description: 'an upload' }))
  expect(waits).toBe(true)
})

test('a statement is prepared once, however often it runs', async () => {
  const prepare = vi.spyOn(DatabaseSync.prototype, 'prepare')
  const catalogue = createCatalogue(database)
  for (let round = 0; round < 10; round += 1) await catalogue.get('0123456789abcdef' as MediaId)
  expect(prepare).toHaveBeenCalledTimes(1)
})

test('jobs of an older database are told where their sources lie', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'database-'))
  const path = join(folder, 'test.db')
  await (await openDatabase(path)).destroy()
  const old = new DatabaseSync(path)
  old.exec(`
    delete from kysely_migration where name >= '006';
    alter table media_source drop column varies;
    drop index job_wanted;
    alter table job drop column origin;
    create index job_due on job (lane, state, run_at);
    pragma foreign_keys = off;
    insert into media_source
      (media_id, url, mirrors, ranges, cors, wanted_at, checked_at)
      values ('1', 'https://cdn.example:8443/films/one.webm', '[]', 1, 1, 1, 1);
    insert into job
      (media_id, revision, state, lane, run_at, attempts, pieces_done, created_at)
      values ('1', 1, 'queued', 'remote', 1, 0, 0, 1), ('2', 1, 'queued', 'local', 1, 0, 0, 1);
  `)
  old.close()
  const present = await openDatabase(path)
  const jobs = await present.selectFrom('job').select('origin').orderBy('media_id').execute()
  expect(jobs).toEqual([{ origin: 'https://cdn.example:8443' }, { origin: '' }])
  await present.destroy()
  await rm(folder, { recursive: true })
})
