// Which simulations there are, which of them a command line asks for, and what is wished of them.
import { parseArgs } from 'node:util'
import type { Goal } from '../report.ts'
import type { Outcome } from './outcome.ts'
import { ARRIVALS, type Arrivals, type Clip, FILM, SHORT_CLIP } from './scenario.ts'

const SIZES = [10, 100, 1000, 10_000] as const
const QUICK_SIZES = [10, 100]
const SHORT = 'short'

/** Runs that one row of the table is the mean of. */
export interface Case {
  readonly viewers: number
  readonly arrivals: Arrivals
  readonly clip: Clip
  /** Each with another seed. */
  readonly runs: number
  readonly goal: CaseGoal | null
}

interface CaseGoal extends Goal {
  /** As in a table. */
  readonly name: string
  measure(outcome: Outcome): number
}

export interface Plan {
  readonly cases: readonly Case[]
  readonly quick: boolean
  /** Nothing is run: the latest results of each case are put together. */
  readonly merge: boolean
  /** Nothing was left out, so the figures may replace those that the project shows. */
  readonly isWhole: boolean
  /** For the names of files. */
  readonly words: readonly string[]
}

const OFFLOAD: CaseGoal = {
  name: 'offload',
  bound: 'at least',
  value: 0.97,
  measure: ({ offload }) => offload,
}
const NEAR_BOUND: CaseGoal = {
  name: 'copies ÷ bound',
  bound: 'at most',
  value: 1.1,
  measure: ({ originCopies, bound }) => originCopies / bound,
}

/**
 * @param args of the command line: numbers of viewers, arrivals, `short` for the clip of 90 s,
 *   `--quick`, `--merge`; what is not named is not left out
 * @returns what to run, or a sentence on what was not understood
 */
export function readPlan(args: readonly string[]): Plan | string {
  const usage =
    `Say which: ${SIZES.join(', ')} (viewers); ${ARRIVALS.join(', ')} (arrivals); ` +
    `${SHORT} (10 viewers of a clip of ${SHORT_CLIP.seconds} s). Options: --quick, --merge.`
  try {
    const { values, positionals: words } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { quick: { type: 'boolean' }, merge: { type: 'boolean' } },
    })
    const known: readonly string[] = [...SIZES.map(String), ...ARRIVALS, SHORT]
    const unknown = words.filter((word) => !known.includes(word))
    if (unknown.length > 0) return `There is nothing called ${unknown.join(', ')}. ${usage}`
    const { quick = false, merge = false } = values
    if (merge && (quick || words.length > 0)) return `--merge goes alone. ${usage}`
    const cases = allCases(quick).filter((each) => isMeant(each, words))
    if (cases.length === 0) return `No simulation is both. ${usage}`
    return { cases, quick, merge, isWhole: words.length === 0 && !quick, words }
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}\n${usage}`
  }
}

function allCases(quick: boolean): Case[] {
  const film = quick ? { ...FILM, seconds: 120 } : FILM
  const sizes: readonly number[] = quick ? QUICK_SIZES : SIZES
  return [
    ...ARRIVALS.map((arrivals) => caseOf(10, arrivals, SHORT_CLIP, quick)),
    ...sizes.flatMap((size) => ARRIVALS.map((arrivals) => caseOf(size, arrivals, film, quick))),
  ]
}

/** Few viewers make for much chance: then several runs are taken. */
function caseOf(viewers: number, arrivals: Arrivals, clip: Clip, quick: boolean): Case {
  const runs = viewers === 10 ? 10 : viewers === 100 ? 3 : 1
  const isGoal = arrivals === 'together' && clip === FILM
  const goal = isGoal && viewers === 10 ? NEAR_BOUND : isGoal && viewers === 1000 ? OFFLOAD : null
  return { viewers, arrivals, clip, runs: quick ? Math.min(3, runs) : runs, goal }
}

function isMeant({ viewers, arrivals, clip }: Case, words: readonly string[]): boolean {
  const patterns = words.filter((word) => (ARRIVALS as readonly string[]).includes(word))
  const sizes = words.filter((word) => !patterns.includes(word))
  const size = clip === SHORT_CLIP ? SHORT : String(viewers)
  return (
    (patterns.length === 0 || patterns.includes(arrivals)) &&
    (sizes.length === 0 || sizes.includes(size))
  )
}
