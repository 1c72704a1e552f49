// The database's shape over time. A migration that was released is never changed; add another.
// Statements are kept to what SQLite and PostgreSQL 15 both know.
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Schema } from './schema.ts'

/** All migrations by name, applied in the order of their names. */
export const migrations: Record<string, Migration> = {
  '001-first': {
    async up(db: Kysely<never>) {
      await db.schema
        .createTable('account')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('email', 'text', (column) => column.notNull().unique())
        .addColumn('password_hash', 'text', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .execute()
      await db.schema
        .createTable('session')
        .addColumn('token_hash', 'text', (column) => column.primaryKey())
        .addColumn('account_id', 'text', (column) =>
          column.notNull().references('account.id').onDelete('cascade'),
        )
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addColumn('expires_at', 'bigint', (column) => column.notNull())
        .execute()
      await db.schema
        .createTable('setup_link')
        .addColumn('token_hash', 'text', (column) => column.primaryKey())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .execute()
      await db.schema
        .createTable('media')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('revision', 'integer', (column) => column.notNull())
        .addColumn('title', 'text', (column) => column.notNull())
        .addColumn('description', 'text', (column) => column.notNull())
        .addColumn('filename', 'text', (column) => column.notNull())
        .addColumn('size', 'bigint', (column) => column.notNull())
        .addColumn('type', 'text', (column) => column.notNull())
        .addColumn('duration_s', 'double precision')
        .addColumn('width', 'integer')
        .addColumn('height', 'integer')
        .addColumn('fast_start', 'integer', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .execute()
      await db.schema
        .createIndex('media_newest')
        .on('media')
        .columns(['created_at desc', 'id desc'])
        .execute()
      await db.schema
        .createTable('torrent')
        .addColumn('media_id', 'text', (column) =>
          column.notNull().references('media.id').onDelete('cascade'),
        )
        .addColumn('revision', 'integer', (column) => column.notNull())
        .addColumn('info_hash', 'text', (column) => column.notNull())
        .addColumn('info', 'blob', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint('torrent_key', ['media_id', 'revision'])
        .execute()
      // Not unique: two uploads of the same file under the same name are one swarm.
      await db.schema.createIndex('torrent_info_hash').on('torrent').column('info_hash').execute()
      await db.schema
        .createTable('job')
        .addColumn('media_id', 'text', (column) =>
          column.notNull().references('media.id').onDelete('cascade'),
        )
        .addColumn('revision', 'integer', (column) => column.notNull())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('run_at', 'bigint', (column) => column.notNull())
        .addColumn('attempts', 'integer', (column) => column.notNull())
        .addColumn('lease_owner', 'text')
        .addColumn('lease_until', 'bigint')
        .addColumn('pieces_done', 'integer', (column) => column.notNull())
        .addColumn('checkpoint', 'blob')
        .addColumn('reason', 'text')
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint('job_key', ['media_id', 'revision'])
        .execute()
      await db.schema.createIndex('job_due').on('job').columns(['state', 'run_at']).execute()
    },
  },
  '002-removed-media': {
    async up(db: Kysely<never>) {
      await db.schema
        .createTable('removed_media')
        .addColumn('media_id', 'text', (column) => column.primaryKey())
        .execute()
    },
  },
  '003-sharing': {
    async up(db: Kysely<never>) {
      await db.schema
        .alterTable('media')
        .addColumn('p2p_enabled', 'integer', (column) => column.notNull().defaultTo(1))
        .execute()
      await db.schema
        .alterTable('media')
        .addColumn('p2p_min_viewers', 'integer', (column) => column.notNull().defaultTo(1))
        .execute()
    },
  },
  '004-tracks': {
    async up(db: Kysely<never>) {
      await db.schema
        .createTable('track')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('media_id', 'text', (column) =>
          column.notNull().references('media.id').onDelete('cascade'),
        )
        .addColumn('language', 'text', (column) => column.notNull())
        .addColumn('label', 'text', (column) => column.notNull())
        .addColumn('text', 'text', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .execute()
      await db.schema
        .createIndex('track_of')
        .on('track')
        .columns(['media_id', 'created_at'])
        .execute()
    },
  },
  '005-sources': {
    async up(db: Kysely<never>) {
      await db.schema
        .createTable('source_origin')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('url', 'text', (column) => column.notNull().unique())
        .addColumn('keep', 'text', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .execute()
      await db.schema
        .createTable('media_source')
        .addColumn('media_id', 'text', (column) =>
          column.primaryKey().references('media.id').onDelete('cascade'),
        )
        .addColumn('url', 'text', (column) => column.notNull().unique())
        .addColumn('mirrors', 'text', (column) => column.notNull())
        .addColumn('etag', 'text')
        .addColumn('last_modified', 'text')
        .addColumn('ranges', 'integer', (column) => column.notNull())
        .addColumn('cors', 'integer', (column) => column.notNull())
        .addColumn('kept_revision', 'integer')
        .addColumn('wanted_at', 'bigint', (column) => column.notNull())
        .addColumn('checked_at', 'bigint', (column) => column.notNull())
        .execute()
      await db.schema
        .createTable('setting')
        .addColumn('name', 'text', (column) => column.primaryKey())
        .addColumn('value', 'text', (column) => column.notNull())
        .execute()
      await db.schema.alterTable('media').addColumn('embed_sites', 'text').execute()
      await db.schema
        .alterTable('job')
        .addColumn('lane', 'text', (column) => column.notNull().defaultTo('local'))
        .execute()
      await db.schema
        .alterTable('job')
        .addColumn('asked', 'integer', (column) => column.notNull().defaultTo(1))
        .execute()
      await db.schema.dropIndex('job_due').execute()
      await db.schema
        .createIndex('job_due')
        .on('job')
        .columns(['lane', 'state', 'run_at'])
        .execute()
    },
  },
  '006-claims': {
    async up(db: Kysely<Schema>) {
      await db.schema
        .alterTable('job')
        .addColumn('origin', 'text', (column) => column.notNull().defaultTo(''))
        .execute()
      const remote = await db
        .selectFrom('job')
        .innerJoin('media_source', 'media_source.media_id', 'job.media_id')
        .select(['job.media_id', 'media_source.url'])
        .distinct()
        .execute()
      for (const { media_id, url } of remote) {
        const { origin } = new URL(url)
        await db.updateTable('job').set({ origin }).where('media_id', '=', media_id).execute()
      }
      await db.schema.dropIndex('job_due').execute()
      await db.schema
        .createIndex('job_wanted')
        .on('job')
        .columns(['lane', 'state', 'origin', 'asked desc', 'created_at'])
        .execute()
    },
  },
  '007-varying-sources': {
    async up(db: Kysely<Schema>) {
      await db.schema
        .alterTable('media_source')
        .addColumn('varies', 'integer', (column) => column.notNull().defaultTo(0))
        .execute()
    },
  },
}
