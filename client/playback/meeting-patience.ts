// A film that stands still before it has begun can wait a moment for the other viewers: what follows its
// head, which all of them lack, is then fetched by one and not by each. Only for a short film: of a long
// one a piece is next to nothing, and to begin soon is worth more. The engine owns and closes it.
import type { PieceLayout } from '#protocol/pieces.ts'
import { CalmClock } from './calm-clock.ts'
import type { TrackerReport } from './playback.ts'

/** Of calm time, until somebody must have brought something … Seconds. */
const PATIENCE_SECONDS = 2.5
/** … once the first is connected, who says within moments what it holds and whether it sends. */
const MET_PATIENCE_SECONDS = 3.5
/** One piece of so many is hardly a percent. */
const SHORT_PIECES = 128

/** What is known of the others. */
export interface Company {
  /** Peers are wanted, and there may be some. */
  readonly isSought: boolean
  readonly tracker: TrackerReport | null
  /** Viewers that were there when the page was sent. */
  readonly atStart: number
  /** Viewers that are connected or expected, strangers as well. */
  readonly others: number
  /** Connected. */
  readonly peers: number
  /** Page and worker have found each other: nobody else keeps the film from going on. */
  readonly canGoOn: boolean
}

export class MeetingPatience {
  readonly #isShort: boolean
  readonly #calm: Pick<CalmClock, 'ms' | 'close'>
  /** By that clock: until then it stood still anyway. */
  #waitsSince = 0

  constructor(
    { count }: Pick<PieceLayout, 'count'>,
    calm: Pick<CalmClock, 'ms' | 'close'> = new CalmClock(),
  ) {
    this.#isShort = count <= SHORT_PIECES
    this.#calm = calm
  }

  /** @returns for how long the others are still waited for: seconds */
  left({ isSought, tracker, atStart, others, peers, canGoOn }: Company): number {
    if (!canGoOn) this.#waitsSince = this.#calm.ms
    const isUnanswered = tracker === null || tracker.kind === 'connecting'
    const isHopeful = isUnanswered
      ? atStart > 0 || !canGoOn
      : tracker.kind === 'answers' && tracker.warning === null && others > 0
    if (!this.#isShort || !isSought || !isHopeful) return 0
    const patience = peers > 0 ? MET_PATIENCE_SECONDS : PATIENCE_SECONDS
    return Math.max(0, patience - (this.#calm.ms - this.#waitsSince) / 1000)
  }

  close(): void {
    this.#calm.close()
  }
}
