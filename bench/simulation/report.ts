// What the simulations found, for people (Markdown) and for programs (JSON).
import { isReached, table } from '../report.ts'
import type { Outcome } from './outcome.ts'
import type { Case, Plan } from './plan.ts'

/** One case and the means of its runs. */
export interface Finding {
  readonly case: Case
  readonly outcome: Outcome
  /** What one run took of one core: seconds. */
  readonly cpuSeconds: number
}

const HEAD = [
  'viewers',
  'arrive',
  'clip s',
  'origin copies',
  'bound',
  'of bound',
  'offload',
  'stalls',
  'stalled s',
  'viewers who stalled',
  'first frame ms',
  '95 %',
  'goal',
  '',
  'CPU s',
]

/** @returns a Markdown table, one row for each case */
export function renderFindings(findings: readonly Finding[]): string {
  return table(HEAD, findings.map(row))
}

function row({ case: each, outcome, cpuSeconds }: Finding): string[] {
  const { goal } = each
  return [
    each.viewers.toLocaleString('en'),
    each.arrivals,
    String(each.clip.seconds),
    outcome.originCopies.toFixed(2),
    outcome.bound.toFixed(2),
    (outcome.originCopies / outcome.bound).toFixed(2),
    `${(outcome.offload * 100).toFixed(1)} %`,
    outcome.stalls.toFixed(each.runs > 1 ? 1 : 0),
    outcome.stalledSeconds.toFixed(1),
    `${(outcome.viewersWithStall * 100).toFixed(1)} %`,
    outcome.startUpMedianMs.toFixed(0),
    outcome.startUp95Ms.toFixed(0),
    goal ? `${goal.name} ${goal.bound === 'at least' ? '≥' : '≤'} ${goal.value}` : '',
    goal ? (isReached(goal, goal.measure(outcome)) ? '✓' : '✗') : '',
    cpuSeconds.toFixed(0),
  ]
}

/** @returns everything that was found, with machine and versions, as Markdown */
export function renderSimulationReport(
  findings: readonly Finding[],
  plan: Plan,
  environment: Readonly<Record<string, string | number | null>>,
): string {
  const heading = plan.quick ? 'Simulation results (quick: short clip)' : 'Simulation results'
  const machine = Object.entries(environment)
    .map(([name, value]) => `- ${name}: ${value ?? 'unknown'}`)
    .join('\n')
  return `# ${heading}

The model and its limits: [docs/simulation.md](../../docs/simulation.md). Rows of 10 and 100 viewers
are means of several runs. "First frame" counts from the first request for the film.

${renderFindings(findings)}

## Machine and versions

${machine}
`
}
