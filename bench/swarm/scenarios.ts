// Who watches what, when, and from how thin an origin; and what is wished of ours.
import type { ClipRecipe } from '../../e2e/harness/clips.ts'

export interface Scenario {
  /** As on the command line. */
  readonly letter: string
  readonly subject: string
  readonly clip: ClipRecipe
  readonly viewers: number
  /** Between one viewer's start and the next one's. */
  readonly gapMs: number
  /** The origin's uplink in bitrates of the clip, or `null` for no cap. */
  readonly uplinkBitrates: number | null
  /** At most so many origin copies for ours, or `null` for no wish. */
  readonly copiesGoal: number | null
}

/**
 * @param quick a third of the clip and about two thirds of the viewers; the start weighs more in a
 *   short clip, so the goals are out of its reach
 */
export function scenarios(quick: boolean): readonly Scenario[] {
  const seconds = quick ? 30 : 90
  const clip = { seconds, format: 'mp4', mbps: 1.2 } as const
  const lighter = { seconds, format: 'mp4', mbps: 0.6, size: '426x240' } as const
  const viewers = quick ? 4 : 6
  const crowd = quick ? 6 : 10
  return [
    {
      letter: 'A',
      subject: `${viewers} viewers together`,
      clip,
      viewers,
      gapMs: 0,
      uplinkBitrates: null,
      copiesGoal: 1.25,
    },
    {
      letter: 'B',
      subject: `${viewers} viewers 4 s apart`,
      clip,
      viewers,
      gapMs: 4000,
      uplinkBitrates: null,
      copiesGoal: 1.1,
    },
    {
      letter: 'C',
      subject: `${crowd} viewers together, lighter clip`,
      clip: lighter,
      viewers: crowd,
      gapMs: 0,
      uplinkBitrates: null,
      copiesGoal: 1.25,
    },
    {
      letter: 'D',
      subject: `${viewers} viewers together, origin capped at ${viewers / 2} × the bitrate`,
      clip,
      viewers,
      gapMs: 0,
      uplinkBitrates: viewers / 2,
      copiesGoal: null,
    },
  ]
}
