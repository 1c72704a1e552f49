// Whether a `<video>` that has not begun is given what has come. On a line slower than the film it
// would play each piece as it comes and wait for the next one; better that it begins when there is
// enough to last. On a fast line nothing is held back, unless other viewers are waited
// for. Pure.

/** What a `<video>` that waits could be given. */
export interface Supply {
  /** Seconds of playback that are here in a row from where it waits. */
  readonly ahead: number
  /** True when nothing is missing from there to the end. */
  readonly isWhole: boolean
  /** Bytes per second that the origin sends when it is asked, 0 when it has sent too few to tell. */
  readonly pace: number
  /** What follows is left to other viewers, who bring it at a pace of their own. */
  readonly waitsForOthers: boolean
  /** Bytes of the file per second of playback. */
  readonly bytesPerSecond: number
  /** Since there was something to give: seconds. */
  readonly waited: number
}

/** With so much in hand, what is missing will come from somewhere. Seconds. */
export const ENOUGH_SECONDS = 4
/** What comes so much faster than it is played needs nothing in hand. */
const AMPLE = 1.5
/** What comes no faster needs all of it. */
const SCANT = 1
/** Something is better than nothing, then. Seconds. */
export const PATIENCE_SECONDS = 10

export function mayPlay(supply: Supply): boolean {
  const { ahead, isWhole, pace, waitsForOthers, bytesPerSecond, waited } = supply
  if (isWhole || ahead >= ENOUGH_SECONDS || waited >= PATIENCE_SECONDS) return true
  if (pace === 0 || waitsForOthers) return false
  const want = (AMPLE - pace / bytesPerSecond) / (AMPLE - SCANT)
  return ahead >= ENOUGH_SECONDS * Math.min(1, want)
}
