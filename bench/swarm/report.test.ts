import { expect, test } from 'vitest'
import { goalLines, type Row, renderScenario, renderSwarmReport } from './report.ts'
import type { Outcome } from './run.ts'
import { scenarios } from './scenarios.ts'
import type { Watched } from './viewer.ts'

const [scenario] = scenarios(false)
if (scenario === undefined) throw new Error('there is no scenario')

function watched(...stallsMs: number[]): Watched {
  const stalls = stallsMs.map((ms) => ({ position: 1, ms }))
  return { firstFrameMs: 500, begunMs: 900, stalls, reachedEnd: true, position: 90, error: null }
}

function row(contender: string, originCopies: number, ...viewers: Watched[]): Row {
  const outcome: Outcome = { originCopies, viewers, cpuSecondsPerViewer: 2, remarks: [] }
  return { contender, title: contender, outcome, failure: null }
}

test('copies and stalls of ours are checked against the goals and against the best of the others', () => {
  const rows = [
    row('plain', 6, watched(), watched()),
    row('webtorrent', 4.1, watched(100), watched()),
    row('ours', 1.2, watched(), watched(20, 30)),
  ]
  expect(goalLines({ scenario, rows })).toEqual([
    '✓ ours, origin copies: 1.20 (≤ 1.25)',
    '✗ ours, stalls: 2 (≤ 0)',
    '✓ ours is best of all in origin copies: 1.20 (≤ 4.10)',
    '✗ ours is best of all in stalls: 2 (≤ 0)',
  ])
})

test('ours alone is compared with nobody, and the others alone have no goals', () => {
  expect(goalLines({ scenario, rows: [row('ours', 1, watched())] })).toHaveLength(2)
  expect(goalLines({ scenario, rows: [row('plain', 6, watched())] })).toEqual([])
})

test('a table sums the stalls of all viewers and says which contender could not start', () => {
  const failed: Row = { contender: 'x', title: 'x', outcome: null, failure: 'ffmpeg is missing' }
  const text = renderScenario({
    scenario,
    rows: [row('ours', 1.2, watched(1000), { ...watched(500), reachedEnd: false }), failed],
  })
  expect(text).toContain('## A: 6 viewers together')
  expect(text).toMatch(
    /\| ours +\| \*\*1\.20\*\* +\| 2 +\| 1\.5 +\| 1 of 2 +\| 500 \(500\) +\| 900 \(900\) +\| 2\.0 +\|/,
  )
  expect(text).toContain('– (ffmpeg is missing)')
})

test('the whole report names the scenarios, the machine and the versions', () => {
  const text = renderSwarmReport({
    startedAt: '2026-01-01T00:00:00.000Z',
    seconds: 1800,
    quick: false,
    environment: { webtorrent: '3.0.21', chromium: null },
    scenarios: [{ scenario, rows: [row('ours', 1, watched())] }],
  })
  expect(text).toContain('## A: 6 viewers together')
  expect(text).toContain('- webtorrent: 3.0.21\n- chromium: unknown\n')
})
