// Interleaved rounds (A B C A B C …) and what is read from them. Contenders of one comparison get
// the same input in the same run, and a ratio is taken within a round, so that a machine that
// becomes slower for a while slows all of them alike. Absolute figures are shown, never judged.

/** One way to do the job that is measured. */
export interface Contender {
  readonly name: string
  /** Does the job once. @returns the figure in the comparison's unit */
  measure(): Promise<number>
}

/** A contender's figures, one a round; none and a `failure` when it dropped out. */
export interface Series {
  readonly contender: string
  readonly values: readonly number[]
  readonly failure?: string
}

export interface RoundsPlan {
  /** Rounds before the first that counts. */
  readonly warmUps: number
  readonly rounds: number
  /** After so many milliseconds no further round begins, once `MIN_ROUNDS` are there. */
  readonly budgetMs: number
  /** Milliseconds; `performance.now` when left out. */
  readonly now?: () => number
}

const MIN_ROUNDS = 3

/**
 * Measures every contender once a round, in order. One that throws drops out of the comparison and
 * the others go on.
 * @returns a series for each contender, all of the same length but for those that dropped out
 */
export async function runRounds(
  contenders: readonly Contender[],
  { warmUps, rounds, budgetMs, now = () => performance.now() }: RoundsPlan,
): Promise<Series[]> {
  const values = new Map<string, number[]>(contenders.map(({ name }) => [name, []]))
  const failures = new Map<string, string>()
  const startedAt = now()
  for (let round = -warmUps; round < rounds; round += 1) {
    if (round >= Math.min(MIN_ROUNDS, rounds) && now() - startedAt > budgetMs) break
    for (const { name, measure } of contenders) {
      if (failures.has(name)) continue
      try {
        const value = await measure()
        if (round >= 0) values.get(name)?.push(value)
      } catch (error) {
        failures.set(name, error instanceof Error ? error.message : String(error))
      }
    }
  }
  return contenders.map(({ name }) => {
    const failure = failures.get(name)
    return failure === undefined
      ? { contender: name, values: values.get(name) ?? [] }
      : { contender: name, values: [], failure }
  })
}

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** @returns the middle and the ends, or `null` for no values */
export function spreadOf(values: readonly number[]): Spread | null {
  const sorted = values.toSorted((a, b) => a - b)
  const [min] = sorted
  const max = sorted.at(-1)
  if (min === undefined || max === undefined) return null
  const upper = sorted[Math.floor(sorted.length / 2)] as number
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] as number
  return { median: (lower + upper) / 2, min, max }
}

/**
 * @returns the spread of the ratios `a ÷ b`, each within one round; `null` when one of them has no
 *   figures
 */
export function ratioOf(a: Series | undefined, b: Series | undefined): Spread | null {
  const ratios = (a?.values ?? []).flatMap((value, round) => {
    const divisor = b?.values[round]
    return divisor === undefined || divisor === 0 ? [] : [value / divisor]
  })
  return spreadOf(ratios)
}

/**
 * @param share 0.99 for the 99th percentile
 * @returns the smallest value that so large a share of the values does not exceed
 * @throws RangeError for no values
 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const value = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]
  if (value === undefined) throw new RangeError('no values have no percentile')
  return value
}
