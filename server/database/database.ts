// Opens the embedded database: SQLite (`node:sqlite`) in WAL mode through Kysely, migrated to the
// newest shape. Whoever opened it destroys it.
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { Kysely, type SqliteDatabase, SqliteDialect, sql } from 'kysely'
import { Migrator } from 'kysely/migration'
import { migrations } from './migrations.ts'
import type { Schema } from './schema.ts'

export type Database = Kysely<Schema>

/**
 * Pages of the log, 4 KiB each, that are gathered before they are moved into the database file. That
 * waits for the disk, on the main thread: seldom.
 */
const CHECKPOINT_PAGES = 10_000
/** Statements that stay prepared; the longest used are dropped first. */
const MOST_STATEMENTS = 200

/**
 * @param path of the database file; made when it is missing. `:memory:` for tests
 * @throws Error when the file is not a database, is locked for longer than 5 s, or a migration fails
 */
export async function openDatabase(path: string): Promise<Database> {
  const sqlite = new DatabaseSync(path, { timeout: 5_000 })
  try {
    sqlite.exec('PRAGMA journal_mode = WAL')
    sqlite.exec('PRAGMA synchronous = FULL')
    sqlite.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
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

/**
 * Does not wait for the disk: a power cut may undo what was written last, one transaction after the
 * other, but a crash of the process undoes nothing. For what is made again when it is missing
 * (docs/decisions/0022).
 * @param work uses the given connection only
 */
export function withoutSync<T>(
  database: Database,
  work: (connection: Database) => Promise<T>,
): Promise<T> {
  return database.connection().execute(async (connection) => {
    await sql`PRAGMA synchronous = NORMAL`.execute(connection)
    try {
      return await work(connection)
    } finally {
      await sql`PRAGMA synchronous = FULL`.execute(connection)
    }
  })
}

type Prepared = ReturnType<SqliteDatabase['prepare']>

/** `node:sqlite` as Kysely's SQLite dialect wants it; a statement is prepared once. */
function adapt(sqlite: DatabaseSync): SqliteDatabase {
  const known = new Map<string, Prepared>()
  const prepare = (sql: string): Prepared => {
    const statement = sqlite.prepare(sql)
    return {
      reader: statement.columns().length > 0,
      all: (parameters) => statement.all(...(parameters as SQLInputValue[])),
      run: (parameters) => statement.run(...(parameters as SQLInputValue[])),
      iterate: (parameters) => sqlite.prepare(sql).iterate(...(parameters as SQLInputValue[])),
    }
  }
  const prepareOnce = (sql: string): Prepared => {
    if (/^pragma /i.test(sql)) return prepare(sql) // acts when it is prepared
    const statement = known.get(sql) ?? prepare(sql)
    known.delete(sql) // to the end of the map
    known.set(sql, statement)
    if (known.size > MOST_STATEMENTS) known.delete(known.keys().next().value as string)
    return statement
  }
  return { close: () => sqlite.close(), prepare: prepareOnce }
}
