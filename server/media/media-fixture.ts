// A title for tests, with whatever a test wants different.
import type { MediaId } from '#protocol/ids.ts'
import type { NewMedia } from './catalogue.ts'

/** @returns a WebM of 1,000,000 bytes */
export function exampleMedia(changes: Partial<NewMedia> = {}): NewMedia {
  return {
    id: '0123456789abcdef' as MediaId,
    revision: 1,
    title: 'A film',
    description: '',
    filename: 'film.webm',
    size: 1_000_000,
    type: 'video/webm',
    duration_s: 1,
    width: 1,
    height: 1,
    fast_start: 1,
    created_at: 1,
    ...changes,
  }
}
