// Subtitles: what publishers upload is checked and kept as text beside the title, and goes with it.
import { randomBytes } from 'node:crypto'
import type { MediaId } from '#protocol/ids.ts'
import { faultOfWebVtt, MAX_TRACKS, type TrackFacts } from '#protocol/tracks.ts'
import type { Database } from '../database/database.ts'
import { SlipstreamError } from '../http/errors.ts'

export type Tracks = ReturnType<typeof createTracks>

/** @param database owned by the caller */
export function createTracks(database: Database) {
  return {
    /**
     * @param bytes a WebVTT file
     * @throws SlipstreamError `unsupported_media` when it is none, `conflict` when there are too many
     */
    async add(mediaId: MediaId, facts: TrackFacts, bytes: Uint8Array): Promise<void> {
      const text = readWebVtt(bytes)
      await database.transaction().execute(async (transaction) => {
        const { count } = await transaction
          .selectFrom('track')
          .select(({ fn }) => fn.countAll<number>().as('count'))
          .where('media_id', '=', mediaId)
          .executeTakeFirstOrThrow()
        if (Number(count) >= MAX_TRACKS) {
          const message = `A title has at most ${MAX_TRACKS} subtitles. Remove one first.`
          throw new SlipstreamError('conflict', message)
        }
        await transaction
          .insertInto('track')
          .values({
            id: randomBytes(8).toString('hex'),
            media_id: mediaId,
            ...facts,
            text,
            created_at: Date.now(),
          })
          .execute()
      })
    },

    /** @returns the file's text, or `null` when the title has no such subtitles */
    async text(mediaId: MediaId, id: string): Promise<string | null> {
      const row = await database
        .selectFrom('track')
        .select('text')
        .where('media_id', '=', mediaId)
        .where('id', '=', id)
        .executeTakeFirst()
      return row?.text ?? null
    },

    /** @returns false when the title has no such subtitles */
    async remove(mediaId: MediaId, id: string): Promise<boolean> {
      const [result] = await database
        .deleteFrom('track')
        .where('media_id', '=', mediaId)
        .where('id', '=', id)
        .execute()
      return result !== undefined && result.numDeletedRows > 0n
    },
  }
}

function readWebVtt(bytes: Uint8Array): string {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    const message = 'The file is not text in UTF-8. Save it in that encoding and try again.'
    throw new SlipstreamError('unsupported_media', message, { cause: error })
  }
  const fault = faultOfWebVtt(text)
  if (fault === null) return text
  throw new SlipstreamError('unsupported_media', `The file is not WebVTT: it ${fault}.`)
}
