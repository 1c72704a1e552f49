// Entry of `npm run bench:swarm`: what a crowd costs the origin, contender by contender. All of it, or
// a part by names and letters (`npm run bench:swarm -- ours plain A`); `--quick` for a short clip and
// few viewers, `--verbose` for a line on every viewer. A whole run writes its tables to bench/results.
// Goals are shown, not enforced: the exit code tells only whether everything could be measured.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { describeEnvironment } from '../environment.ts'
import type { SwarmContender } from './contender.ts'
import { ours } from './ours.ts'
import { p2pMediaLoader } from './p2p-media-loader.ts'
import { plainHttp } from './plain-http.ts'
import { type Row, renderScenario, renderSwarmReport, type ScenarioReport } from './report.ts'
import { type Outcome, runScenario } from './run.ts'
import { type Scenario, scenarios } from './scenarios.ts'
import { webtorrentStock } from './webtorrent-stock.ts'

const CONTENDERS: readonly SwarmContender[] = [plainHttp, webtorrentStock, p2pMediaLoader, ours]
const RESULTS = join(import.meta.dirname, '../results')

interface Plan {
  readonly contenders: readonly SwarmContender[]
  readonly scenarios: readonly Scenario[]
  readonly quick: boolean
  readonly verbose: boolean
  /** Nothing was left out, so the figures may replace those that the project shows. */
  readonly isWhole: boolean
}

/** What is open right now. */
let running = new AsyncDisposableStack()
let isInterrupted = false
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    isInterrupted = true
    process.exitCode = 1
    void running.disposeAsync() // what goes on in there fails, and the run ends
  })
}

const plan = readPlan()
if (typeof plan === 'string') {
  console.error(plan)
  process.exitCode = 2
} else {
  await runPlan(plan)
}

/** @returns what to do, or a sentence on what was not understood */
function readPlan(): Plan | string {
  const usage =
    `Contenders: ${CONTENDERS.map(({ name }) => name).join(', ')}. ` +
    `Scenarios: ${scenarios(false)
      .map(({ letter, subject }) => `${letter} (${subject})`)
      .join(', ')}. ` +
    'Options: --quick, --verbose.'
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { quick: { type: 'boolean' }, verbose: { type: 'boolean' } },
    })
    const { quick = false, verbose = false } = values
    const all = scenarios(quick)
    const words = new Set(positionals)
    const contenders = CONTENDERS.filter(({ name }) => words.delete(name))
    const chosen = all.filter(({ letter }) => words.delete(letter))
    if (words.size > 0) return `Not understood: ${[...words].join(', ')}. ${usage}`
    return {
      contenders: contenders.length === 0 ? CONTENDERS : contenders,
      scenarios: chosen.length === 0 ? all : chosen,
      quick,
      verbose,
      isWhole: positionals.length === 0,
    }
  } catch (error) {
    return `${(error as Error).message} ${usage}`
  }
}

async function runPlan({ contenders, quick, verbose, isWhole, ...plan }: Plan): Promise<void> {
  const environment = describeEnvironment()
  const startedAt = new Date()
  const reports: ScenarioReport[] = []
  for (const scenario of plan.scenarios) {
    const rows: Row[] = []
    for (const contender of contenders) {
      console.log(`${scenario.letter}: ${contender.title} …`)
      const row = await measure(contender, scenario)
      if (isInterrupted) return
      rows.push(row)
      if (row.failure !== null) console.log(`  ${row.failure}`)
      if (row.outcome !== null && verbose) console.log(viewerLines(row.outcome))
    }
    const report = { scenario, rows }
    reports.push(report)
    console.log(`\n${renderScenario(report)}`)
  }
  const seconds = (Date.now() - startedAt.getTime()) / 1000
  if (!isWhole) {
    console.log(`Took ${Math.round(seconds)} s. Not written: this was a part of the benchmark.`)
    return
  }
  const report = {
    startedAt: startedAt.toISOString(),
    seconds,
    quick,
    environment,
    scenarios: reports,
  }
  await mkdir(RESULTS, { recursive: true })
  const file = join(RESULTS, quick ? 'swarm-quick' : 'swarm')
  await writeFile(`${file}.json`, `${JSON.stringify(report, null, 2)}\n`)
  await writeFile(`${file}.md`, renderSwarmReport(report))
  console.log(`Took ${Math.round(seconds)} s. Written: ${file}.md and .json`)
}

async function measure(contender: SwarmContender, scenario: Scenario): Promise<Row> {
  const { name, title } = contender
  const stack = new AsyncDisposableStack()
  running = stack
  try {
    const run = runScenario({ contender, scenario, stack })
    const outcome = await run.finally(() => stack.disposeAsync())
    return { contender: name, title, outcome, failure: null }
  } catch (error) {
    process.exitCode = 1
    return { contender: name, title, outcome: null, failure: (error as Error).message }
  }
}

function viewerLines({ viewers, remarks }: Outcome): string {
  return viewers
    .map(({ firstFrameMs, stalls, reachedEnd, position, error }, index) => {
      const waits = stalls.map(
        (stall) => `${stall.position.toFixed(1)} s: ${Math.round(stall.ms)} ms`,
      )
      return [
        `  ${index + 1}. first frame ${Math.round(firstFrameMs ?? Number.NaN)} ms`,
        `${stalls.length} stalls${waits.length > 0 ? ` (at ${waits.join(', ')})` : ''}`,
        reachedEnd
          ? 'saw the end'
          : `left at ${position.toFixed(1)} s${error ? ` (${error})` : ''}`,
        remarks[index],
      ].join('; ')
    })
    .join('\n')
}
