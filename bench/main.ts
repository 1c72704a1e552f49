// Entry of `npm run bench`: all parts, or those named (`npm run bench -- hashing web-seed`), with
// small inputs under `--quick`. Prints tables and writes them with their JSON to bench/results.
// Goals are shown, not enforced: the exit code tells only whether everything could be measured.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { companyPage } from './company-page/company-page.ts'
import { describeEnvironment } from './environment.ts'
import { firstFrame } from './first-frame/first-frame.ts'
import { hashing } from './hashing/hashing.ts'
import { memory } from './memory.ts'
import { pageMemory } from './page-memory.ts'
import type { Part } from './part.ts'
import { placeholder } from './placeholder.ts'
import { type PartReport, type RunReport, renderPart, renderReport } from './report.ts'
import { resolve } from './resolve/resolve.ts'
import { webSeed } from './web-seed/web-seed.ts'

const PARTS: readonly Part[] = [
  firstFrame,
  hashing,
  webSeed,
  placeholder,
  resolve,
  memory,
  pageMemory,
  companyPage,
]
const RESULTS = join(import.meta.dirname, 'results')

const names = process.argv.slice(2).filter((word) => word !== '--quick')
const quick = process.argv.includes('--quick')
const unknown = names.filter((name) => !PARTS.some((part) => part.name === name))

if (unknown.length > 0) {
  console.error(
    `There is no benchmark called ${unknown.join(', ')}. There are: ` +
      `${PARTS.map(({ name }) => name).join(', ')}; and --quick for small inputs.`,
  )
  process.exitCode = 2
} else {
  await runParts(names.length === 0 ? PARTS : PARTS.filter(({ name }) => names.includes(name)))
}

async function runParts(parts: readonly Part[]): Promise<void> {
  const environment = describeEnvironment()
  const startedAt = new Date()
  const reports: PartReport[] = []
  for (const part of parts) {
    console.log(`Measuring ${part.name} …\n`)
    const report = await part.run({ quick }).catch((error: Error) => {
      process.exitCode = 1
      return failed(part.name, error)
    })
    reports.push(report)
    console.log(renderPart(report))
  }
  const report: RunReport = {
    startedAt: startedAt.toISOString(),
    seconds: (Date.now() - startedAt.getTime()) / 1000,
    quick,
    environment,
    parts: reports,
  }
  await mkdir(RESULTS, { recursive: true })
  const file = join(RESULTS, fileName(parts))
  await writeFile(`${file}.json`, `${JSON.stringify(report, null, 2)}\n`)
  await writeFile(`${file}.md`, renderReport(report))
  console.log(`Took ${Math.round(report.seconds)} s. Written: ${file}.md and .json`)
}

/** Only a run of everything with full inputs may replace the figures that the project shows. */
function fileName(parts: readonly Part[]): string {
  if (parts.length === PARTS.length) return quick ? 'quick' : 'latest'
  return [...parts.map(({ name }) => name), ...(quick ? ['quick'] : [])].join('-')
}

function failed(name: string, error: Error): PartReport {
  const notes = [`Could not be measured: ${error.message}`]
  return { title: name, comparisons: [], figures: [], notes }
}
