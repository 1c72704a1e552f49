// (c) How fast a server sends ranges of 1 MiB to 1, 8 and 64 connections, beside nginx. Client and
// server share the cores, so what the client costs decides how much of a server's speed is seen.
// Hence three: wrk, which reads 8 KiB at a time, and a client of our own that reads 64 KiB at a
// time, or whatever the socket has up to a whole range. And what it costs that nginx in front asks
// Slipstream before it sends a range itself (`X-Accel-Redirect`), by wrk.
import { GIB, longClip } from '../inputs.ts'
import type { Part } from '../part.ts'
import { hasProc, processorSeconds } from '../processes.ts'
import type { Comparison, Figure } from '../report.ts'
import { type Contender, runRounds, spreadOf } from '../rounds.ts'
import type { WebSeedContender } from './contender.ts'
import { expressStatic } from './express-static.ts'
import { runLoad } from './load.ts'
import { behindNginx, nginx } from './nginx.ts'
import { ours } from './ours.ts'
import { runWrk } from './wrk.ts'

const RANGE_BYTES = 1024 ** 2
const WARM_UP_MS = 250
/** `readBytes` is `null` for wrk. */
const CLIENTS = [
  // What nginx in front costs is a few hundredths, and one run differs from the next by fifteen, however
  // long: only the median of many tells.
  { name: 'wrk', readBytes: null, ms: 1000, rounds: 31 },
  { name: '64 KiB client', readBytes: 64 * 1024, ms: 1250, rounds: 5 },
  { name: '1 MiB client', readBytes: RANGE_BYTES, ms: 1250, rounds: 5 },
] as const
const CASES = [
  { connections: 1, goal: 0.75 },
  { connections: 8, goal: 0.95 },
  { connections: 64, goal: 0.95 },
] as const
/** nginx in front asks before each range; that may cost so much. */
const BEHIND_NGINX = { client: 'wrk', goal: 0.95 } as const
const BUDGET_MS = 180_000

interface Case {
  readonly connections: number
  readonly readBytes: number | null
  /** Milliseconds that are counted; wrk counts whole seconds. */
  readonly ms: number
}

export const webSeed: Part = {
  name: 'web-seed',
  async run({ quick }) {
    const path = await longClip(quick ? GIB / 8 : GIB)
    const notes: string[] = []
    const servers = await startServers(path, notes)
    try {
      const comparisons: Comparison[] = []
      const figures: Figure[] = []
      for (const { name, readBytes, ms, rounds } of CLIENTS) {
        for (const { connections, goal } of CASES) {
          const subject = `${name}, ${connections} connection${connections === 1 ? '' : 's'}`
          const costs = new Map<string, number[]>()
          // Each contender more lengthens the round: the one behind nginx is asked by wrk alone.
          const isIn = (server: WebSeedContender) =>
            server.name !== 'ours behind nginx' || name === BEHIND_NGINX.client
          const contenders = servers.filter(isIn).map((server) =>
            speedOf(server, { connections, readBytes, ms: quick ? 500 : ms }, (seconds) => {
              costs.set(server.name, [...(costs.get(server.name) ?? []), seconds])
            }),
          )
          const plan = { warmUps: 1, rounds: quick ? 3 : rounds, budgetMs: BUDGET_MS }
          comparisons.push({
            subject,
            unit: 'MB/s',
            baseline: 'nginx',
            series: await runRounds(contenders, plan),
            goals: [
              { contender: 'ours', over: 'nginx', bound: 'at least', value: goal },
              {
                contender: 'ours behind nginx',
                over: 'nginx',
                bound: 'at least',
                value: BEHIND_NGINX.goal,
              },
            ],
          })
          for (const [server, seconds] of costs) {
            const value = spreadOf(seconds)?.median ?? 0
            figures.push({
              subject: `processor time of ${server}, ${subject}`,
              value,
              unit: 's/GB',
              goal: null,
            })
          }
        }
      }
      notes.push(
        'Random ranges of 1 MiB from the page cache over loopback, kept-alive connections, one ' +
          'request at a time on each. The client is a process of its own that throws the bytes ' +
          'away and shares the cores with the server; wrk reads 8 KiB at a time, the others 64 KiB ' +
          'and up to 1 MiB. nginx: sendfile, one worker; the same in front of ours, where it asks ' +
          'for headers and sends the file itself.',
      )
      return { title: 'Web seed, ranges of 1 MiB', comparisons, figures, notes }
    } finally {
      await Promise.all(servers.map((server) => server.close()))
    }
  },
}

/** Ours must start; another that cannot is left out with a note. */
async function startServers(path: string, notes: string[]): Promise<WebSeedContender[]> {
  const servers = [await ours(path)]
  for (const start of [nginx, behindNginx, expressStatic]) {
    try {
      servers.push(await start(path))
    } catch (error) {
      notes.push((error as Error).message)
    }
  }
  return servers
}

function speedOf(
  { name, url, size, pids }: WebSeedContender,
  { connections, readBytes, ms }: Case,
  onCost: (secondsPerGigabyte: number) => void,
): Contender {
  return {
    name,
    async measure() {
      const used = () => pids.reduce((sum, pid) => sum + processorSeconds(pid), 0)
      const before = hasProc ? used() : null
      const load = { url, size, connections, rangeBytes: RANGE_BYTES }
      const { bytes, seconds } =
        readBytes === null
          ? await runWrk({ ...load, seconds: Math.ceil(ms / 1000) })
          : await runLoad({ ...load, readBytes, warmUpMs: WARM_UP_MS, until: { ms } })
      const speed = bytes / seconds
      if (before !== null) {
        // The warm-up is in the processor time, so its bytes are counted in at the same speed.
        const warmUpSeconds = readBytes === null ? 0 : WARM_UP_MS / 1000
        const gigabytes = (bytes + speed * warmUpSeconds) / 1e9
        onCost((used() - before) / gigabytes)
      }
      return speed / 1e6
    },
  }
}
