// What `npm run bench:swarm` found, as tables for people. Goals stand beside the figures and are
// never asserted.
import { DEFAULT_SIZE } from '../../e2e/harness/clips.ts'
import { type Goal, isReached, show, table } from '../report.ts'
import { spreadOf } from '../rounds.ts'
import type { Outcome } from './run.ts'
import type { Scenario } from './scenarios.ts'

/** The contender whose goals these are. */
const OURS = 'ours'
const NOBODYS_STALLS: Goal = { bound: 'at most', value: 0 }

/** A contender in a scenario; without an outcome it could not start. */
export interface Row {
  readonly contender: string
  readonly title: string
  readonly outcome: Outcome | null
  readonly failure: string | null
}

export interface ScenarioReport {
  readonly scenario: Scenario
  readonly rows: readonly Row[]
}

export interface SwarmReport {
  /** ISO 8601. */
  readonly startedAt: string
  readonly seconds: number
  readonly quick: boolean
  /** Machine, commit and versions, by name. */
  readonly environment: Readonly<Record<string, string | number | null>>
  readonly scenarios: readonly ScenarioReport[]
}

/** The sums over all viewers that goals are about. */
interface Totals {
  readonly originCopies: number
  readonly stalls: number
  /** How long all of them waited in all. */
  readonly stalledSeconds: number
  /** Viewers who saw the end. */
  readonly reachedEnd: number
}

function totalsOf({ originCopies, viewers }: Outcome): Totals {
  const stalls = viewers.flatMap((viewer) => viewer.stalls)
  return {
    originCopies,
    stalls: stalls.length,
    stalledSeconds: stalls.reduce((sum, { ms }) => sum + ms, 0) / 1000,
    reachedEnd: viewers.filter((viewer) => viewer.reachedEnd).length,
  }
}

/** @returns the report as Markdown, with the rows of a table on one line each */
export function renderSwarmReport(report: SwarmReport): string {
  const environment = Object.entries(report.environment)
    .map(([name, value]) => `- ${name}: ${value ?? 'unknown'}`)
    .join('\n')
  const heading = `Many viewers, one origin${report.quick ? ' (quick: short clip, few viewers)' : ''}`
  const intro =
    'All viewers are contexts of one Chromium on one machine, and all draw the film at its own size. ' +
    'Every origin stands behind the same proxy, which counts the media bytes that leave it and, where ' +
    'the scenario says so, caps them; pages and scripts are neither counted nor capped. Origin copies: ' +
    'those bytes ÷ the bytes of one copy. A stall is a wait for data after the first frame, of any ' +
    'length; stalls and stalled seconds are sums over all viewers. First frame: from the start of ' +
    'the navigation; begun: when half a second of the film was played. Processor time is of the ' +
    'whole browser, so with decoding and drawing.'
  const scenarios = report.scenarios.map(renderScenario).join('\n')
  return (
    `# ${heading}\n\n${intro}\n\n${scenarios}\n## Machine and versions\n\n${environment}\n` +
    `- started: ${report.startedAt}, took ${Math.round(report.seconds)} s\n`
  )
}

/** @returns one scenario's table and its goals as Markdown */
export function renderScenario({ scenario, rows }: ScenarioReport): string {
  const { letter, subject, clip } = scenario
  const about = `Clip: ${clip.seconds} s, ${clip.mbps} Mbit/s, ${clip.size ?? DEFAULT_SIZE}, H.264 and AAC.`
  const head = [
    'contender',
    'origin copies',
    'stalls',
    'stalled s',
    'saw the end',
    'first frame ms, median (slowest)',
    'begun ms, median (slowest)',
    'CPU s per viewer',
  ]
  const goals = goalLines({ scenario, rows }).map((line) => `- ${line}`)
  return (
    `## ${letter}: ${subject}\n\n${about}\n\n${table(head, rows.map(cellsOf))}\n` +
    `${goals.length > 0 ? `\n${goals.join('\n')}\n` : ''}`
  )
}

function cellsOf({ title, outcome, failure }: Row): string[] {
  if (outcome === null) return [title, `– (${failure})`]
  const { originCopies, stalls, stalledSeconds, reachedEnd } = totalsOf(outcome)
  const frames = spreadOf(outcome.viewers.flatMap(({ firstFrameMs }) => firstFrameMs ?? []))
  const begun = spreadOf(outcome.viewers.flatMap(({ begunMs }) => begunMs ?? []))
  return [
    title,
    `**${originCopies.toFixed(2)}**`,
    String(stalls),
    stalledSeconds.toFixed(1),
    `${reachedEnd} of ${outcome.viewers.length}`,
    ...[frames, begun].map((spread) =>
      spread === null ? '–' : `${show(spread.median)} (${show(spread.max)})`,
    ),
    outcome.cpuSecondsPerViewer?.toFixed(1) ?? '–',
  ]
}

/**
 * @returns the wishes for ours with ✓ or ✗, one a line; none when ours is not among the rows, and
 *   no comparison when it is alone
 */
export function goalLines({ scenario, rows }: ScenarioReport): string[] {
  const totals = (row: Row) => (row.outcome === null ? [] : [totalsOf(row.outcome)])
  const [ours] = rows.filter(({ contender }) => contender === OURS).flatMap(totals)
  const others = rows.filter(({ contender }) => contender !== OURS).flatMap(totals)
  if (ours === undefined) return []
  const lines = [checked('ours, stalls', ours.stalls, NOBODYS_STALLS)]
  if (scenario.copiesGoal !== null) {
    const goal: Goal = { bound: 'at most', value: scenario.copiesGoal }
    lines.unshift(checked('ours, origin copies', ours.originCopies, goal))
  }
  if (others.length > 0) {
    const best = (figure: 'originCopies' | 'stalls') =>
      checked(
        `ours is best of all in ${figure === 'stalls' ? figure : 'origin copies'}`,
        ours[figure],
        {
          bound: 'at most',
          value: Math.min(...others.map((other) => other[figure])),
        },
      )
    lines.push(best('originCopies'), best('stalls'))
  }
  return lines
}

function checked(what: string, value: number, goal: Goal): string {
  const shown = (figure: number) => (Number.isInteger(figure) ? `${figure}` : figure.toFixed(2))
  return `${isReached(goal, value) ? '✓' : '✗'} ${what}: ${shown(value)} (≤ ${shown(goal.value)})`
}
