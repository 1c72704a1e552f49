// The rows of titles that lie elsewhere. A title and its source become visible together; of two
// processes that make one for the same URL, or see the same change, one wins and both read its rows.
import type { MediaId } from '#protocol/ids.ts'
import { type Database, withoutSync } from '../database/database.ts'
import type { NewMedia } from '../media/catalogue.ts'
import type { SourceFacts } from './source-client.ts'
import type { SteadyFacts } from './steady-facts.ts'

/** What a source says of its file, for the row of the title. */
export type FileFacts = Pick<NewMedia, 'filename' | 'size' | 'type'>

/** Rolls a transaction back, and is caught here. */
class Lost extends Error {}

export type SourceRecords = ReturnType<typeof createSourceRecords>

/** @param database owned by the caller */
export function createSourceRecords(database: Database) {
  const known = (facts: SteadyFacts, checkedAt: number) => ({
    etag: facts.etag,
    last_modified: facts.lastModified,
    ranges: Number(facts.ranges),
    cors: Number(facts.cors),
    varies: Number(facts.varies),
    checked_at: checkedAt,
  })

  const find = async (url: string): Promise<MediaId | null> => {
    const row = await database
      .selectFrom('media_source')
      .select('media_id')
      .where('url', '=', url)
      .executeTakeFirst()
    return row?.media_id ?? null
  }

  return {
    /** @param url in its normal form */
    find,

    /** @returns the title of that URL: this one, or one that was there first */
    async add(media: NewMedia, url: string, facts: SourceFacts, at: number): Promise<MediaId> {
      try {
        await withoutSync(database, (connection) =>
          connection.transaction().execute(async (transaction) => {
            await transaction.insertInto('media').values(media).execute()
            const inserted = await transaction
              .insertInto('media_source')
              .values({
                media_id: media.id,
                url,
                mirrors: '[]',
                kept_revision: null,
                wanted_at: at,
                ...known({ ...facts, varies: false }, at),
              })
              .onConflict((conflict) => conflict.column('url').doNothing())
              .executeTakeFirst()
            if (inserted.numInsertedOrUpdatedRows === 0n) throw new Lost()
          }),
        )
        return media.id
      } catch (error) {
        const first = error instanceof Lost ? await find(url) : null
        if (first === null) throw error
        return first
      }
    },

    /** The source was asked; what is known of the file still holds. */
    async confirm(id: MediaId, facts: SteadyFacts, at: number): Promise<void> {
      await withoutSync(database, (connection) =>
        connection
          .updateTable('media_source')
          .set(known(facts, at))
          .where('media_id', '=', id)
          .execute(),
      )
    },

    /** The source was asked and did not tell. */
    async checked(id: MediaId, at: number): Promise<void> {
      await withoutSync(database, (connection) =>
        connection
          .updateTable('media_source')
          .set({ checked_at: at })
          .where('media_id', '=', id)
          .execute(),
      )
    },

    /**
     * The source has another file: the title's next revision. Builds of older ones are dropped, for
     * their bytes are gone; torrents that were built stay, for those who watch them.
     * @param revision that the title had
     * @returns false when it has another by now
     */
    renew(
      id: MediaId,
      revision: number,
      file: FileFacts,
      source: { readonly facts: SteadyFacts; readonly mirrors: readonly string[]; at: number },
    ): Promise<boolean> {
      return database.transaction().execute(async (transaction) => {
        const updated = await transaction
          .updateTable('media')
          .set({
            ...file,
            revision: revision + 1,
            duration_s: null,
            width: null,
            height: null,
            fast_start: 1,
          })
          .where('id', '=', id)
          .where('revision', '=', revision)
          .executeTakeFirst()
        if (updated.numUpdatedRows === 0n) return false
        await transaction
          .deleteFrom('job')
          .where('media_id', '=', id)
          .where('revision', '<=', revision)
          .execute()
        await transaction
          .updateTable('media_source')
          .set({
            ...known(source.facts, source.at),
            mirrors: JSON.stringify(source.mirrors),
            wanted_at: source.at, // the copy that is there stays a while for those who watch it
          })
          .where('media_id', '=', id)
          .execute()
        return true
      })
    },

    /** @param mirrors in their normal form, in order of preference */
    async setMirrors(id: MediaId, mirrors: readonly string[]): Promise<void> {
      await database
        .updateTable('media_source')
        .set({ mirrors: JSON.stringify(mirrors) })
        .where('media_id', '=', id)
        .execute()
    },
  }
}
