// What administrators set for the whole site, in the table `setting`. Every embed page depends on it,
// so it is remembered: a change that this process makes is seen at once, one of another process on the
// same database within `REMEMBER_MS`.
import * as v from 'valibot'
import { type Settings, settingsSchema } from '#protocol/settings.ts'
import type { Database } from '../database/database.ts'

const REMEMBER_MS = 5_000

/** Until an administrator says something else. */
const DEFAULTS: Settings = { embedSites: null }

export class SettingsStore {
  readonly #database: Database
  readonly #now: () => number
  #remembered: { readonly until: number; readonly settings: Promise<Settings> } | null = null

  /**
   * @param database owned by the caller
   * @param now milliseconds since 1970
   */
  constructor(database: Database, now: () => number) {
    this.#database = database
    this.#now = now
  }

  get(): Promise<Settings> {
    const now = this.#now()
    if (this.#remembered !== null && now < this.#remembered.until) return this.#remembered.settings
    const settings = this.#read()
    settings.catch(() => {
      this.#remembered = null
    })
    this.#remembered = { until: now + REMEMBER_MS, settings }
    return settings
  }

  async put(settings: Settings): Promise<void> {
    const rows = Object.entries(settings).map(([name, value]) => ({
      name,
      value: JSON.stringify(value),
    }))
    await this.#database
      .insertInto('setting')
      .values(rows)
      .onConflict((conflict) =>
        conflict.column('name').doUpdateSet({ value: (row) => row.ref('excluded.value') }),
      )
      .execute()
    this.#remembered = null
  }

  async #read(): Promise<Settings> {
    const rows = await this.#database.selectFrom('setting').selectAll().execute()
    const stored = Object.fromEntries(rows.map(({ name, value }) => [name, JSON.parse(value)]))
    return v.parse(settingsSchema, { ...DEFAULTS, ...stored })
  }
}
