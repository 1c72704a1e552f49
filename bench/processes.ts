// What Linux says of a running process in /proc: resident memory and processor time.
import { existsSync, readdirSync, readFileSync } from 'node:fs'

/** Ticks a second of the times in /proc; Linux shows 100 to programs on every machine. */
const TICKS_PER_SECOND = 100

/** Elsewhere the figures that need it are left out. */
export const hasProc = existsSync('/proc/self/stat')

/**
 * @param field `VmRSS`: now; `VmHWM`: the most so far
 * @returns MB (10⁶ bytes)
 */
export function residentMegabytes(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]
  if (kibibytes === undefined) throw new Error(`/proc/${pid}/status has no ${field}`)
  return (Number(kibibytes) * 1024) / 1e6
}

/** @returns MB (10⁶ bytes) that are the process's own, shared with no other */
export function privateMegabytes(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const kibibytes = [...rollup.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB/gm)]
  return (kibibytes.reduce((sum, [, count]) => sum + Number(count), 0) * 1024) / 1e6
}

/** @returns seconds that a process with its threads and its children has used so far */
export function processorSeconds(pid: number): number {
  // The name, in brackets, may hold anything; user and system time are fields 14 and 15.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
  const own = (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
  // A child hangs on the thread that started it, which need not be the first one.
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean),
  )
  const ofChildren = children.map(Number).map(secondsUnlessGone)
  return ofChildren.reduce((sum, seconds) => sum + seconds, own)
}

/** A child may end while its siblings are counted. */
function secondsUnlessGone(pid: number): number {
  try {
    return processorSeconds(pid)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return 0
    throw error
  }
}
