// Memory of the server after real work: an upload of 4 GiB, its pieces hashed, 10 GB served.
import { startServer } from '../e2e/harness/server.ts'
import { GIB, longClip } from './inputs.ts'
import type { Part } from './part.ts'
import { hasProc, residentMegabytes } from './processes.ts'
import type { Figure } from './report.ts'
import { runLoad } from './web-seed/load.ts'

const GOAL = { bound: 'at most', value: 200 } as const
const BUILD_TIMEOUT_MS = 120_000

export const memory: Part = {
  name: 'memory',
  async run({ quick }) {
    const title = 'Memory of the server (resident)'
    if (!hasProc) {
      return { title, comparisons: [], figures: [], notes: ['Skipped: needs Linux (/proc).'] }
    }
    const path = await longClip(quick ? GIB / 8 : 4 * GIB)
    const server = await startServer()
    try {
      const figures: Figure[] = []
      const note = (subject: string, goal: Figure['goal'] = null) => {
        figures.push({
          subject,
          value: residentMegabytes(server.pid, 'VmRSS'),
          unit: 'MB',
          goal,
        })
      }
      note('after the start')
      const { id, webSeeds, size } = await server.upload(path)
      note(quick ? 'after an upload of 128 MiB' : 'after an upload of 4 GiB')
      await server.untilReady(id, BUILD_TIMEOUT_MS)
      note('after hashing it')
      await runLoad({
        url: webSeeds[0] as string,
        size,
        rangeBytes: 1024 ** 2,
        connections: 8,
        readBytes: 1024 ** 2,
        warmUpMs: 0,
        until: { bytes: quick ? 1e9 : 10e9 },
      })
      note(quick ? 'after serving 1 GB' : 'after serving 10 GB', GOAL)
      const peak = residentMegabytes(server.pid, 'VmHWM')
      figures.push({ subject: 'highest at any time', value: peak, unit: 'MB', goal: null })
      const notes = ['One process from start to end; served in ranges of 1 MiB to 8 connections.']
      return { title, comparisons: [], figures, notes }
    } finally {
      await server.stop()
    }
  },
}
