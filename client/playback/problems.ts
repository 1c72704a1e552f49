// What a viewer is told when playback cannot go on, or not for the moment.
import type { MediaRecord } from '#protocol/media.ts'
import type { OriginTrouble } from './origin.ts'
import type { PlaybackProblem } from './playback.ts'

export const DELETED: PlaybackProblem = {
  code: 'deleted',
  message: 'It is no longer on the server.',
  retryable: false,
  playsOn: false,
}

/** The same, while what is held, or what peers have, still plays. */
export const DELETED_MEANWHILE: PlaybackProblem = {
  ...DELETED,
  message: 'What has been loaded plays on.',
  playsOn: true,
}

const NETWORK: PlaybackProblem = {
  code: 'network',
  message: 'The connection to the server is interrupted. Playback goes on as soon as it is back.',
  retryable: true,
  playsOn: true,
}

const DAMAGED: PlaybackProblem = {
  code: 'internal',
  message: 'The browser could not decode what it got of this title. Its data may be damaged.',
  retryable: true,
  playsOn: false,
}

/** @returns the sentence for a trouble with the origin, or `null` when it is over. */
export function problemOfOrigin(trouble: OriginTrouble | null): PlaybackProblem | null {
  if (trouble === null) return null
  return trouble.kind === 'deleted' ? DELETED : NETWORK
}

/**
 * Says why a `<video>` gave up. Its own error code 4 covers both "cannot play that" and "got
 * nothing", so the web seed is asked for its first byte.
 *
 * @param url web seed of the title
 */
export async function problemOfVideo(
  video: HTMLVideoElement,
  media: MediaRecord,
  url: string,
): Promise<PlaybackProblem> {
  try {
    const { status, body } = await fetch(url, {
      headers: { range: 'bytes=0-0' },
      cache: 'no-store',
    })
    await body?.cancel()
    if (status === 404 || status === 410) return DELETED
    if (status !== 206 && status !== 200) return NETWORK
  } catch {
    return NETWORK
  }
  if (video.error?.code === MediaError.MEDIA_ERR_NETWORK) return NETWORK
  if (video.error?.code === MediaError.MEDIA_ERR_DECODE) return DAMAGED
  return {
    code: 'unsupported',
    message: `This browser cannot play the title: its type is ${media.type}.`,
    retryable: false,
    playsOn: false,
  }
}
