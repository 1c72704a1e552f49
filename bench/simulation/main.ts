// Entry of `npm run bench:simulation`: the origin policy drives crowds that no machine has browsers
// for. All cases, or a part by numbers and words (`npm run bench:simulation -- 100 together`);
// `--quick` for a short clip and few viewers. A whole run writes bench/results/simulation.* and
// docs/simulation.svg; so does `--merge`, from what parts have written. Goals are shown, not enforced.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describeEnvironment } from '../environment.ts'
import { meanOf, type Outcome, outcomeOf } from './outcome.ts'
import { type Case, type Plan, readPlan } from './plan.ts'
import { drawPlot } from './plot.ts'
import { type Finding, renderFindings, renderSimulationReport } from './report.ts'
import { merge, readSaved } from './saved.ts'
import { scenario } from './scenario.ts'
import { Simulation } from './simulation.ts'

const RESULTS = join(import.meta.dirname, '../results')
const PLOT = join(import.meta.dirname, '../../docs/simulation.svg')

const plan = readPlan(process.argv.slice(2))
if (typeof plan === 'string') {
  console.error(plan)
  process.exitCode = 2
} else {
  await (plan.merge ? mergeSaved(plan) : runPlan(plan))
}

async function runPlan(plan: Plan): Promise<void> {
  const environment = describeEnvironment()
  const startedAt = new Date().toISOString()
  const findings: Finding[] = []
  const file = join(RESULTS, fileName(plan))
  await mkdir(RESULTS, { recursive: true })
  for (const each of plan.cases) {
    console.log(`${each.viewers} viewers ${each.arrivals}, ${each.clip.seconds} s …`)
    findings.push(simulate(each))
    // After each case: a long run that is broken off was not in vain.
    const json = { startedAt, quick: plan.quick, environment, findings }
    await writeFile(`${file}.json`, `${JSON.stringify(json, null, 2)}\n`)
    await writeFile(`${file}.md`, renderSimulationReport(findings, plan, environment))
  }
  if (plan.isWhole) await writeFile(PLOT, drawPlot(findings))
  console.log(`\n${renderFindings(findings)}\n`)
  console.log(`Written: ${file}.md and .json${plan.isWhole ? `, ${PLOT}` : ''}`)
}

async function mergeSaved(plan: Plan): Promise<void> {
  const merged = merge(await readSaved(RESULTS), plan.cases)
  const file = join(RESULTS, fileName(plan))
  await writeFile(`${file}.json`, `${JSON.stringify(merged, null, 2)}\n`)
  await writeFile(`${file}.md`, renderSimulationReport(merged.findings, plan, merged.environment))
  await writeFile(PLOT, drawPlot(merged.findings))
  console.log(`\n${renderFindings(merged.findings)}\n\nWritten: ${file}.md and .json, ${PLOT}`)
}

function simulate(each: Case): Finding {
  const { viewers, arrivals, clip, runs } = each
  const before = process.cpuUsage()
  const outcomes: Outcome[] = []
  for (let seed = 1; seed <= runs; seed += 1) {
    outcomes.push(outcomeOf(new Simulation(scenario({ viewers, arrivals, clip, seed })).run()))
  }
  const { user, system } = process.cpuUsage(before)
  return { case: each, outcome: meanOf(outcomes), cpuSeconds: (user + system) / 1e6 / runs }
}

function fileName({ words, quick }: Plan): string {
  return ['simulation', ...words, ...(quick ? ['quick'] : [])].join('-')
}
