// What a viewer is told when playback cannot go on, or not for the moment.
import type { MediaRecord } from '#protocol/media.ts'
import type { OriginTrouble } from './origin.ts'
import type { PlaybackProblem } from './playback.ts'
import { askForRange } from './range-answer.ts'

export const DELETED: PlaybackProblem = {
  code: 'deleted',
  message: 'It is no longer on the server.',
  retryable: false,
  playsOn: false,
}

/** The same, while what is held, or what peers have, still plays. */
const DELETED_MEANWHILE: PlaybackProblem = {
  ...DELETED,
  message: 'What has been loaded plays on.',
  playsOn: true,
}

/** Reloading gives the title's next revision. */
const CHANGED: PlaybackProblem = {
  code: 'changed',
  message: 'The file changed at its source. Reload to watch the new version.',
  retryable: true,
  playsOn: false,
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

const OF_ORIGIN: Record<OriginTrouble['kind'], PlaybackProblem> = {
  deleted: DELETED,
  changed: CHANGED,
  network: NETWORK,
}

/** @returns the sentence for a trouble with the origin, or `null` when it is over. */
export function problemOfOrigin(trouble: OriginTrouble | null): PlaybackProblem | null {
  return trouble && OF_ORIGIN[trouble.kind]
}

export interface Trouble {
  /** What ended playback, or will. */
  readonly ending: PlaybackProblem | null
  /** With the web seeds. */
  readonly origin: PlaybackProblem | null
  /** What the browser lacks. */
  readonly codec: PlaybackProblem | null
  /** Enough is held, or nobody waits for more. */
  readonly isCarriedOver: boolean
  /** Peers may bring what no web seed has. */
  readonly hasPeers: boolean
  /** The `<video>` has what it needs to go on for now. */
  readonly playsOn: boolean
}

/** @returns the one of the problems that a viewer is told */
export function presentedProblem(trouble: Trouble): PlaybackProblem | null {
  const { ending, codec, isCarriedOver, hasPeers, playsOn } = trouble
  const origin = trouble.origin !== DELETED && isCarriedOver ? null : trouble.origin
  const problem = ending ?? origin ?? codec
  if (problem === DELETED && playsOn) return DELETED_MEANWHILE
  return problem === CHANGED && hasPeers ? { ...CHANGED, playsOn: true } : problem
}

/**
 * Says why a `<video>` gave up. Its own error code 4 covers both "cannot play that" and "got
 * nothing", so the web seeds are asked for their first byte.
 *
 * @param urls web seeds of the title
 */
export async function problemOfVideo(
  video: HTMLVideoElement,
  media: MediaRecord,
  urls: readonly string[],
): Promise<PlaybackProblem> {
  const answer = await firstAnswer(urls)
  if (answer !== 'has it') return OF_ORIGIN[answer]
  if (video.error?.code === MediaError.MEDIA_ERR_NETWORK) return NETWORK
  if (video.error?.code === MediaError.MEDIA_ERR_DECODE) return DAMAGED
  return {
    code: 'unsupported',
    message: `This browser cannot play the title: its type is ${media.type}.`,
    retryable: false,
    playsOn: false,
  }
}

/** @returns what the first web seed that has the file says, or else the last one */
async function firstAnswer(urls: readonly string[]): Promise<'has it' | OriginTrouble['kind']> {
  let answer: OriginTrouble['kind'] = 'network'
  for (const url of urls) {
    try {
      const { status, body } = await askForRange(url, 'bytes=0-0', new AbortController().signal)
      await body?.cancel()
      if (status === 206 || status === 200) return 'has it'
      answer = status === 404 ? 'deleted' : status === 410 ? 'changed' : 'network'
    } catch {
      answer = 'network'
    }
  }
  return answer
}
