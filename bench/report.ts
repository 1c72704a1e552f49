// What a benchmark found, and how it is told: JSON for programs and a table for people. Goals stand
// beside the figures and are never asserted: a slow machine is not a failed run.
import { ratioOf, type Series, type Spread, spreadOf } from './rounds.ts'

type Unit = 'ms' | 'MB/s' | 'MB' | 'bytes' | 's/GB'

export interface Goal {
  readonly bound: 'at least' | 'at most' | 'more than'
  readonly value: number
}

/** A wish for the ratio of two contenders of a comparison. */
interface RatioGoal extends Goal {
  readonly contender: string
  readonly over: string
}

/** Several ways to do one job, measured in interleaved rounds. */
export interface Comparison {
  readonly subject: string
  readonly unit: Unit
  /** The contender that the others are divided by. */
  readonly baseline: string
  readonly series: readonly Series[]
  readonly goals: readonly RatioGoal[]
}

/** One number on its own. */
export interface Figure {
  readonly subject: string
  readonly value: number
  readonly unit: Unit
  readonly goal: Goal | null
}

export interface PartReport {
  readonly title: string
  readonly comparisons: readonly Comparison[]
  readonly figures: readonly Figure[]
  /** Sentences that a reader of the figures must know. */
  readonly notes: readonly string[]
}

/** One call of `npm run bench`. */
export interface RunReport {
  /** ISO 8601. */
  readonly startedAt: string
  readonly seconds: number
  /** Small inputs: fine for a look, too small for the goals. */
  readonly quick: boolean
  /** Machine, commit and versions, by name. */
  readonly environment: Readonly<Record<string, string | number | null>>
  readonly parts: readonly PartReport[]
}

/** @returns the report as Markdown, with the rows of a table on one line each */
export function renderReport(report: RunReport): string {
  const environment = Object.entries(report.environment)
    .map(([name, value]) => `- ${name}: ${value ?? 'unknown'}`)
    .join('\n')
  const heading = report.quick ? 'Benchmark results (quick: small inputs)' : 'Benchmark results'
  const intro =
    'Medians; in brackets the smallest and largest ratio of a round. Ratios are taken within one ' +
    'round of interleaved runs; absolute figures depend on the machine.'
  const parts = report.parts.map(renderPart).join('\n')
  return `# ${heading}\n\n${intro}\n\n${parts}\n## Machine and versions\n\n${environment}\n- started: ${report.startedAt}, took ${Math.round(report.seconds)} s\n`
}

/** @returns one part of the report as Markdown */
export function renderPart(part: PartReport): string {
  const blocks: string[] = []
  if (part.comparisons.length > 0) {
    blocks.push(
      table(
        ['what', 'contender', 'median', 'ratio', 'of', 'goal', ''],
        part.comparisons.flatMap(comparisonRows),
      ),
    )
  }
  if (part.figures.length > 0) {
    blocks.push(table(['what', 'measured', 'goal', ''], part.figures.map(figureRow)))
  }
  if (part.notes.length > 0) blocks.push(part.notes.map((note) => `- ${note}`).join('\n'))
  return `## ${part.title}\n\n${blocks.join('\n\n')}\n`
}

function comparisonRows({ subject, unit, baseline, series, goals }: Comparison): string[][] {
  const seriesOf = (name: string) => series.find(({ contender }) => contender === name)
  const rows = series.map((each) => {
    const spread = spreadOf(each.values)
    if (spread === null) return [subject, each.contender, `– (${each.failure})`, '', '', '', '']
    const name = each.contender
    const isBaseline = name === baseline
    const ratio = isBaseline ? null : ratioOf(each, seriesOf(baseline))
    const goal = goals.find(({ contender, over }) => contender === name && over === baseline)
    const median = `${show(spread.median)} ${unit}`
    return [
      subject,
      name,
      median,
      ...ratioCells(ratio, baseline),
      ...goalCells(goal, ratio?.median),
    ]
  })
  for (const goal of goals.filter(({ over }) => over !== baseline)) {
    const ratio = ratioOf(seriesOf(goal.contender), seriesOf(goal.over))
    if (ratio === null) continue
    rows.push([
      subject,
      goal.contender,
      '',
      ...ratioCells(ratio, goal.over),
      ...goalCells(goal, ratio.median),
    ])
  }
  return rows
}

function figureRow({ subject, value, unit, goal }: Figure): string[] {
  return [subject, `${show(value)} ${unit}`, ...goalCells(goal, value, unit)]
}

function ratioCells(ratio: Spread | null, over: string): [string, string] {
  if (ratio === null) return ['', '']
  const { median, min, max } = ratio
  return [`**${median.toFixed(2)}** (${min.toFixed(2)}–${max.toFixed(2)})`, over]
}

function goalCells(
  goal: Goal | null | undefined,
  value: number | undefined,
  unit?: Unit,
): [string, string] {
  if (!goal) return ['', '']
  const sign = { 'at least': '≥', 'at most': '≤', 'more than': '>' }[goal.bound]
  const text = `${sign} ${goal.value}${unit ? ` ${unit}` : ''}`
  return [text, value === undefined ? 'not measured' : isReached(goal, value) ? '✓' : '✗']
}

/** @returns whether a value keeps to a goal; exactly on the bound is enough for "at least/most" */
export function isReached({ bound, value: wanted }: Goal, value: number): boolean {
  if (bound === 'at least') return value >= wanted
  return bound === 'at most' ? value <= wanted : value > wanted
}

/** @returns a figure with as many places as matter */
export function show(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en')
  return value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

/** @returns a Markdown table with its columns padded, so that it reads well in a terminal too. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, column) =>
    Math.max(3, cell.length, ...rows.map((row) => (row[column] ?? '').length)),
  )
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width)).join(' | ')} |`
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`
  return [line(head), rule, ...rows.map(line)].join('\n')
}
