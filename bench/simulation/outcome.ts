// What came of a simulation, in the words that the project uses everywhere: origin copies, offload,
// stalls, and the bound below which no policy can get.
import { lengthOfPiece, type PieceIndex } from '#protocol/pieces.ts'
import type { Simulation } from './simulation.ts'

export interface Outcome {
  /** The origin's bytes divided by the size of the file. */
  readonly originCopies: number
  /** The fewest copies that are possible: see `boundOf`. */
  readonly bound: number
  /** What plain HTTP costs: what was played, in copies. */
  readonly plainCopies: number
  /** Share of the played bytes that did not come from the origin. */
  readonly offload: number
  readonly stalls: number
  readonly stalledSeconds: number
  /** Share of the viewers who had one. */
  readonly viewersWithStall: number
  /** From pressing play to the first frame, without the page itself: milliseconds. */
  readonly startUpMedianMs: number
  readonly startUp95Ms: number
  /** Bytes from peers that came for nothing, in copies. */
  readonly wastedCopies: number
  /** Calls of `decide`. */
  readonly decisions: number
}

/** @returns the figures of a simulation that has ended */
export function outcomeOf(simulation: Simulation): Outcome {
  const { viewers, layout, originBytes } = simulation
  const sum = (figure: (viewer: (typeof viewers)[number]) => number): number =>
    viewers.reduce((total, viewer) => total + figure(viewer), 0)
  const playedBytes = sum(({ played, bytesPerSecond }) => played * bytesPerSecond)
  const startUps = viewers
    .flatMap(({ startUpSeconds }) => (startUpSeconds === null ? [] : [startUpSeconds * 1000]))
    .sort((a, b) => a - b)
  const startUp = (share: number): number => startUps[Math.floor(startUps.length * share)] ?? 0
  return {
    originCopies: originBytes / layout.size,
    bound: boundOf(simulation) / layout.size,
    plainCopies: playedBytes / layout.size,
    offload: 1 - originBytes / playedBytes,
    stalls: sum(({ stalls }) => stalls),
    stalledSeconds: sum(({ stalledSeconds }) => stalledSeconds),
    viewersWithStall: viewers.filter(({ stalls }) => stalls > 0).length / viewers.length,
    startUpMedianMs: startUp(0.5),
    startUp95Ms: startUp(0.95),
    wastedCopies: sum(({ wasted }) => wasted) / layout.size,
    decisions: sum(({ decisions }) => decisions),
  }
}

/** @returns each figure's mean over several runs, at least one */
export function meanOf(outcomes: readonly Outcome[]): Outcome {
  const [first] = outcomes
  if (!first) throw new RangeError('no runs have no mean')
  const mean: { -readonly [Key in keyof Outcome]: number } = { ...first }
  for (const key of Object.keys(first) as (keyof Outcome)[]) {
    mean[key] = outcomes.reduce((sum, outcome) => sum + outcome[key], 0) / outcomes.length
  }
  return mean
}

/**
 * The bound: one copy, and what each viewer must fetch before its first wire is up. Of a piece that
 * somebody plays the origin sends at least one copy, and one to each viewer whose playback has come
 * to it by the time when the viewer's first wire comes up. @returns bytes
 */
function boundOf({ viewers, layout }: Simulation): number {
  const alone = new Int32Array(layout.count)
  let played = 0
  for (const viewer of viewers) {
    const pieces = Math.ceil(viewer.neededAlone / layout.pieceLength)
    for (let piece = 0; piece < pieces; piece += 1) alone[piece] = (alone[piece] as number) + 1
    const seen = Math.ceil((viewer.played * viewer.bytesPerSecond) / layout.pieceLength)
    played = Math.max(played, Math.min(layout.count, seen), pieces)
  }
  let bytes = 0
  for (let piece = 0; piece < played; piece += 1) {
    bytes += Math.max(1, alone[piece] as number) * lengthOfPiece(layout, piece as PieceIndex)
  }
  return bytes
}
