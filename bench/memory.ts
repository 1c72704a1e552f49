// Memory of the server after real work: an upload of 4 GiB, its pieces hashed, 10 GB served.
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { startServer } from '../e2e/harness/server.ts'
import { GIB, longClip } from './inputs.ts'
import type { Part } from './part.ts'
import type { Figure } from './report.ts'
import { runLoad } from './web-seed/load.ts'

const GOAL = { bound: 'at most', value: 200 } as const
const BUILD_TIMEOUT_MS = 120_000

export const memory: Part = {
  name: 'memory',
  async run({ quick }) {
    const title = 'Memory of the server (resident)'
    if (!existsSync('/proc/self/status')) {
      return { title, comparisons: [], figures: [], notes: ['Skipped: needs Linux (/proc).'] }
    }
    const path = await longClip(quick ? GIB / 8 : 4 * GIB)
    const server = await startServer()
    try {
      const figures: Figure[] = []
      const note = async (subject: string, goal: Figure['goal'] = null) => {
        figures.push({
          subject,
          value: await residentMegabytes(server.pid, 'VmRSS'),
          unit: 'MB',
          goal,
        })
      }
      await note('after the start')
      const { id, webSeeds, size } = await server.upload(path)
      await note(quick ? 'after an upload of 128 MiB' : 'after an upload of 4 GiB')
      await server.untilReady(id, BUILD_TIMEOUT_MS)
      await note('after hashing it')
      await runLoad({
        url: webSeeds[0] as string,
        size,
        rangeBytes: 1024 ** 2,
        connections: 8,
        readBytes: 1024 ** 2,
        warmUpMs: 0,
        until: { bytes: quick ? 1e9 : 10e9 },
      })
      await note(quick ? 'after serving 1 GB' : 'after serving 10 GB', GOAL)
      const peak = await residentMegabytes(server.pid, 'VmHWM')
      figures.push({ subject: 'highest at any time', value: peak, unit: 'MB', goal: null })
      const notes = ['One process from start to end; served in ranges of 1 MiB to 8 connections.']
      return { title, comparisons: [], figures, notes }
    } finally {
      await server.stop()
    }
  },
}

/** @returns MB (10⁶ bytes) of a process, from /proc */
async function residentMegabytes(pid: number, field: 'VmRSS' | 'VmHWM'): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]
  if (kibibytes === undefined) throw new Error(`/proc/${pid}/status has no ${field}`)
  return (Number(kibibytes) * 1024) / 1e6
}
