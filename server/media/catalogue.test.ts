import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { InfoHash, MediaId } from '#protocol/ids.ts'
import { type Database, openDatabase } from '../database/database.ts'
import {
  type Catalogue,
  createCatalogue,
  type NewMedia,
  toRecord,
  webSeedUrl,
} from './catalogue.ts'
import { exampleMedia } from './media-fixture.ts'

let database: Database
let catalogue: Catalogue

const title = (number: number, changes: Partial<NewMedia> = {}) =>
  exampleMedia({
    id: String(number).padStart(16, '0') as MediaId,
    title: `Title ${number}`,
    filename: `film ${number}.webm`,
    created_at: 1_000 + Math.floor(number / 2), // pairs share a time
    ...changes,
  })

beforeEach(async () => {
  database = await openDatabase(':memory:')
  catalogue = createCatalogue(database)
})
afterEach(() => database.destroy())

describe('the catalogue', () => {
  it('gives every title exactly once over its pages, newest first', async () => {
    for (let number = 0; number < 11; number += 1) await catalogue.add(title(number))
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await catalogue.page({ cursor, limit: 3 })
      seen.push(...page.items.map((media) => media.id))
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined)
    expect(seen).toEqual(Array.from({ length: 11 }, (_, place) => title(10 - place).id))
  })

  it.each(['', 'x', '12', '9.short', "1.0123456789abcdef' or 1"])(
    'refuses cursor %j',
    async (cursor) => {
      await expect(catalogue.page({ cursor, limit: 3 })).rejects.toMatchObject({
        code: 'bad_request',
      })
    },
  )

  it('finds titles by all words, in any letter case, in any alphabet, signs taken literally', async () => {
    await catalogue.add(title(1, { title: 'Ärger im Büro', description: '100% gut' }))
    await catalogue.add(title(2, { title: 'Воскресение', filename: 'a_b.webm' }))
    const find = async (query: string) =>
      (await catalogue.page({ query, limit: 9 })).items.map((media) => Number(media.id))
    expect(await find('BÜRO ärger')).toEqual([1])
    expect(await find('воскрес')).toEqual([2])
    expect(await find('100%')).toEqual([1])
    expect(await find('a_b')).toEqual([2])
    expect(await find('a%b')).toEqual([])
    expect(await find('büro nichts')).toEqual([])
    expect(await find("' or '1'='1")).toEqual([])
  })

  it('edits and removes', async () => {
    await catalogue.add(title(1))
    expect(await catalogue.edit(title(1).id, { title: 'New', description: undefined })).toBe(true)
    expect(await catalogue.get(title(1).id)).toMatchObject({ title: 'New', description: '' })
    expect(await catalogue.edit(title(2).id, { title: 'New' })).toBe(false)
    expect(await catalogue.remove(title(1).id)).toBe(true)
    expect(await catalogue.remove(title(1).id)).toBe(false)
    expect(await catalogue.get(title(1).id)).toBeNull()
  })

  it('says what a file turned out to be, unless it is another by now', async () => {
    const { id } = title(1)
    const facts = { type: 'audio/mpeg', duration: 7, width: null, height: null, fastStart: false }
    await catalogue.add(title(1))
    expect(await catalogue.describe(id, 2, facts)).toBe(false)
    expect(await catalogue.describe(id, 1, facts)).toBe(true)
    expect(await catalogue.get(id)).toMatchObject({
      type: 'audio/mpeg',
      duration_s: 7,
      width: null,
      height: null,
      fast_start: 0,
    })
  })

  it('has sharing switched on and without a gate until it is edited, each by itself', async () => {
    const { id } = title(1)
    const p2p = async () => {
      const media = await catalogue.get(id)
      return media && toRecord(media, 'http://h').p2p
    }
    await catalogue.add(title(1))
    expect(await p2p()).toEqual({ enabled: true, minViewers: 1 })
    await catalogue.edit(id, { p2p: { minViewers: 5 } })
    expect(await p2p()).toEqual({ enabled: true, minViewers: 5 })
    await catalogue.edit(id, { p2p: { enabled: false } })
    expect(await p2p()).toEqual({ enabled: false, minViewers: 5 })
    await catalogue.edit(id, { p2p: {} })
    expect(await p2p()).toEqual({ enabled: false, minViewers: 5 })
  })

  it('allows a swarm what one of its titles allows', async () => {
    const infoHash = 'a'.repeat(40) as InfoHash
    expect(await catalogue.swarmRules(infoHash)).toBeNull()
    for (const number of [1, 2]) {
      await catalogue.add(title(number))
      await database
        .insertInto('torrent')
        .values({
          media_id: title(number).id,
          revision: 1,
          info_hash: infoHash,
          info: Buffer.from('de'),
          created_at: 1,
        })
        .execute()
    }
    await catalogue.edit(title(1).id, { p2p: { enabled: false } })
    await catalogue.edit(title(2).id, { p2p: { minViewers: 5 } })
    expect(await catalogue.swarmRules(infoHash)).toEqual({ enabled: true, minViewers: 5 })
    await catalogue.edit(title(2).id, { p2p: { enabled: false } })
    expect(await catalogue.swarmRules(infoHash)).toMatchObject({ enabled: false })
  })

  it('remembers what it removed until the bytes are gone too', async () => {
    await catalogue.add(title(1))
    await catalogue.remove(title(1).id)
    await catalogue.remove(title(2).id) // never was there
    expect(await catalogue.removed()).toEqual([title(1).id])
    await catalogue.add(title(1)) // an upload whose outcome was lost is finished again
    expect(await catalogue.removed()).toEqual([])
    await catalogue.remove(title(1).id)
    expect(await catalogue.removed()).toEqual([title(1).id])
    await catalogue.bytesRemoved(title(1).id)
    expect(await catalogue.removed()).toEqual([])
  })

  it('makes web seed URLs of any file name', async () => {
    await catalogue.add(title(1, { filename: 'a "b"#?% 🎬.webm' }))
    const media = await catalogue.get(title(1).id)
    expect(media && webSeedUrl('http://h', media)).toBe(
      `http://h/media/${title(1).id}/a%20%22b%22%23%3F%25%20%F0%9F%8E%AC.webm?revision=1`,
    )
    expect(media && toRecord(media, 'http://h')).toMatchObject({ state: 'stored', fastStart: true })
  })
  it('lists web seeds in the order in which a page can use them', async () => {
    await catalogue.add(title(1))
    const source = {
      media_id: title(1).id,
      url: 'http://cdn.example/film.webm',
      mirrors: JSON.stringify(['https://mirror.example/film.webm']),
      ranges: 1,
      cors: 1,
      wanted_at: 1,
      checked_at: 1,
    }
    await database.insertInto('media_source').values(source).execute()
    const seeds = async (origin: string) => {
      const media = await catalogue.get(title(1).id)
      return media && toRecord(media, origin).webSeeds.map((url) => new URL(url).origin)
    }
    const warning = async () => {
      const media = await catalogue.get(title(1).id)
      return media && toRecord(media, 'http://h').source?.warning
    }
    expect(await warning()).toContain('neither by a strong ETag nor by Last-Modified')
    await database.updateTable('media_source').set({ etag: '"one"' }).execute()
    expect(await warning()).toBeNull()
    const [cdn, mirror] = ['http://cdn.example', 'https://mirror.example']
    expect(await seeds('http://h')).toEqual([cdn, mirror, 'http://h'])
    // A page over https may not fetch from http.
    expect(await seeds('https://h')).toEqual([mirror, 'https://h', cdn])
    // Browsers cannot read the source, or would take each answer for one of another file.
    for (const fault of [{ ranges: 0 }, { cors: 0 }, { varies: 1 }]) {
      const all = { ranges: 1, cors: 1, varies: 0, ...fault }
      await database.updateTable('media_source').set(all).execute()
      expect(await seeds('http://h')).toEqual([mirror, 'http://h'])
      expect(await warning()).toContain('viewers read from the mirrors first')
    }
    await database.updateTable('media_source').set({ mirrors: '[]' }).execute()
    expect(await seeds('http://h')).toEqual(['http://h'])
    expect(await warning()).not.toContain('mirrors')
  })
})
