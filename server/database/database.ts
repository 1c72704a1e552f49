// Opens the embedded database: SQLite (`node:sqlite`) in WAL mode through Kysely, migrated to the
// newest shape. Whoever opened it destroys it.
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { Kysely, type SqliteDatabase, SqliteDialect } from 'kysely'
import { Migrator } from 'kysely/migration'
import { migrations } from './migrations.ts'
import type { Schema } from './schema.ts'

export type Database = Kysely<Schema>

/**
 * @param path of the database file; made when it is missing. `:memory:` for tests
 * @throws Error when the file is not a database, is locked for longer than 5 s, or a migration fails
 */
export async function openDatabase(path: string): Promise<Database> {
  const sqlite = new DatabaseSync(path, { timeout: 5_000 })
  try {
    sqlite.exec('PRAGMA journal_mode = WAL')
    sqlite.exec('PRAGMA synchronous = FULL')
    sqlite.exec('PRAGMA foreign_keys = ON')
    // SQLite's own `lower` knows ASCII only; PostgreSQL's knows Unicode.
    sqlite.function('lower', { deterministic: true }, (text) => String(text).toLowerCase())
  } catch (cause) {
    sqlite.close()
    throw new Error(`${path} cannot be opened as a database`, { cause })
  }
  const database = new Kysely<Schema>({ dialect: new SqliteDialect({ database: adapt(sqlite) }) })
  const migrator = new Migrator({
    db: database,
    provider: { getMigrations: async () => migrations },
  })
  const { error } = await migrator.migrateToLatest()
  if (error) {
    await database.destroy()
    throw new Error(`${path} could not be brought to the newest shape`, { cause: error })
  }
  return database
}

/** `node:sqlite` as Kysely's SQLite dialect wants it. */
function adapt(sqlite: DatabaseSync): SqliteDatabase {
  const prepare = (sql: string): ReturnType<SqliteDatabase['prepare']> => {
    const statement = sqlite.prepare(sql)
    return {
      reader: statement.columns().length > 0,
      all: (parameters) => statement.all(...(parameters as SQLInputValue[])),
      run: (parameters) => statement.run(...(parameters as SQLInputValue[])),
      iterate: (parameters) => statement.iterate(...(parameters as SQLInputValue[])),
    }
  }
  return { close: () => sqlite.close(), prepare }
}
