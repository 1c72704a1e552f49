// Ways to bring a title that was never hashed before a viewer's eyes.
import type { MediaRecord } from '#protocol/media.ts'

/** Starts of a title, all in milliseconds to its first frame; each wants a fresh title. */
export interface StartContender {
  readonly name: string
  /** A viewer's first visit: empty cache, no service worker. */
  cold(media: MediaRecord): Promise<number>
  /** A later visit, to another title. */
  warm(media: MediaRecord): Promise<number>
  /** A click on a page that is open already. */
  inPage(media: MediaRecord): Promise<number>
  close(): Promise<void>
}

/** What comes between the end of a title's upload and its first frame. */
export interface PublishContender {
  readonly name: string
  /**
   * Makes ready what does not belong to the measured time.
   * @returns what to call at the end of the upload; it resolves to milliseconds since 1970 at the
   *   first frame
   */
  prepare(): Promise<(media: MediaRecord) => Promise<number>>
  close(): Promise<void>
}
