// What earlier runs found, so that sizes can be run apart and shown together.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Outcome } from './outcome.ts'
import type { Case } from './plan.ts'
import type { Finding } from './report.ts'

type Environment = Readonly<Record<string, string | number | null>>

/** A file of results; only this benchmark writes them. */
export interface Saved {
  readonly startedAt: string
  readonly quick: boolean
  readonly environment: Environment
  readonly findings: readonly {
    readonly case: Pick<Case, 'viewers' | 'arrivals' | 'clip'>
    readonly outcome: Outcome
    readonly cpuSeconds: number
  }[]
}

/** @returns all results of the simulation in a folder but quick ones, oldest first */
export async function readSaved(folder: string): Promise<Saved[]> {
  const names = (await readdir(folder)).filter((name) => /^simulation.*\.json$/.test(name))
  const files = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))
  return files
    .map((text) => JSON.parse(text) as Saved)
    .filter(({ quick }) => !quick)
    .sort((a, b) => a.startedAt.localeCompare(b.startedAt))
}

/**
 * @param saved oldest first
 * @returns the latest finding of each case that has one; of the environments, what differs is named
 *   once for each value; the start is that of the oldest, so that any part may replace its rows
 * @throws RangeError when nothing is saved
 */
export function merge(
  saved: readonly Saved[],
  cases: readonly Case[],
): Omit<Saved, 'findings'> & { readonly findings: Finding[] } {
  const [oldest] = saved
  if (!oldest) throw new RangeError('There are no results to merge.')
  const all = saved.flatMap(({ findings }) => findings)
  const findings = cases.flatMap((each) => {
    const found = all.findLast(
      ({ case: { viewers, arrivals, clip } }) =>
        viewers === each.viewers &&
        arrivals === each.arrivals &&
        clip.seconds === each.clip.seconds,
    )
    return found ? [{ ...found, case: each }] : []
  })
  const environment: Record<string, string | number | null> = {}
  for (const name of new Set(saved.flatMap((part) => Object.keys(part.environment)))) {
    const values = [...new Set(saved.map((part) => part.environment[name] ?? null))]
    environment[name] = values.length === 1 ? (values[0] ?? null) : values.join('; ')
  }
  return { startedAt: oldest.startedAt, quick: false, environment, findings }
}
