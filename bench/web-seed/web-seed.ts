// (c) How fast a server sends ranges of 1 MiB to 1, 8 and 64 connections, beside nginx.
import { GIB, longClip } from '../inputs.ts'
import type { Part } from '../part.ts'
import type { Comparison } from '../report.ts'
import { runRounds } from '../rounds.ts'
import type { WebSeedContender } from './contender.ts'
import { expressStatic } from './express-static.ts'
import { runLoad } from './load.ts'
import { nginx } from './nginx.ts'
import { ours } from './ours.ts'

const RANGE_BYTES = 1024 ** 2
const CASES = [
  { connections: 1, goal: 0.75 },
  { connections: 8, goal: 0.95 },
  { connections: 64, goal: 0.95 },
] as const
const BUDGET_MS = 50_000

export const webSeed: Part = {
  name: 'web-seed',
  async run({ quick }) {
    const path = await longClip(quick ? GIB / 8 : GIB)
    const contenders: WebSeedContender[] = []
    const notes: string[] = []
    try {
      for (const start of [ours, nginx, expressStatic]) {
        try {
          contenders.push(await start(path))
        } catch (error) {
          if (start === ours) throw error
          notes.push((error as Error).message)
        }
      }
      const comparisons: Comparison[] = []
      for (const { connections, goal } of CASES) {
        const speeds = contenders.map(({ name, url, size }) => ({
          name,
          async measure() {
            const until = { ms: quick ? 500 : 1500 }
            const load = { url, size, rangeBytes: RANGE_BYTES, connections, warmUpMs: 300, until }
            const { bytes, seconds } = await runLoad(load)
            return bytes / 1e6 / seconds
          },
        }))
        const plan = { warmUps: 1, rounds: quick ? 3 : 7, budgetMs: BUDGET_MS }
        const series = await runRounds(speeds, plan)
        comparisons.push({
          subject: `${connections} connection${connections === 1 ? '' : 's'}`,
          unit: 'MB/s',
          baseline: 'nginx',
          series,
          goals: [{ contender: 'ours', over: 'nginx', bound: 'at least', value: goal }],
        })
      }
      notes.push(
        'Random ranges of 1 MiB from the page cache, kept-alive connections, one request at a ' +
          'time on each; the load is a process of its own and shares the cores with the server. ' +
          'nginx: sendfile, one worker.',
      )
      return { title: 'Web seed, ranges of 1 MiB', comparisons, figures: [], notes }
    } finally {
      await Promise.all(contenders.map((contender) => contender.close()))
    }
  },
}
