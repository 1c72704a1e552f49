import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Database, openDatabase } from '../database/database.ts'
import { SettingsStore } from './settings.ts'

let database: Database
let time: number
let store: SettingsStore

beforeEach(async () => {
  database = await openDatabase(':memory:')
  time = 0
  store = new SettingsStore(database, () => time)
})
afterEach(() => database.destroy())

describe('the settings of the site', () => {
  it('let every site embed titles until somebody says something else', async () => {
    expect(await store.get()).toEqual({ embedSites: null })
  })

  it('are seen at once when they change here, and outlive the process', async () => {
    for (const embedSites of [['https://www.example.org'], [], null]) {
      await store.get()
      await store.put({ embedSites })
      expect(await store.get()).toEqual({ embedSites })
      expect(await new SettingsStore(database, () => time).get()).toEqual({ embedSites })
    }
  })

  it('are not looked up for each request, and changes of another process are seen soon', async () => {
    await store.get()
    await new SettingsStore(database, () => time).put({ embedSites: [] })
    time = 4_999
    expect(await store.get()).toEqual({ embedSites: null })
    time = 5_000
    expect(await store.get()).toEqual({ embedSites: [] })
  })

  it('are looked up again after a look-up that failed', async () => {
    await database.updateTable('setting').set({ value: '' }).execute()
    await database.insertInto('setting').values({ name: 'embedSites', value: '{' }).execute()
    await expect(store.get()).rejects.toThrow()
    await store.put({ embedSites: null })
    expect(await store.get()).toEqual({ embedSites: null })
  })
})
