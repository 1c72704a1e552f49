// Building shall never slow down playback: what is done in the background leaves the cores to whoever
// serves.
import { readlinkSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { basename } from 'node:path'

/** Lowers the priority of a process; without effect where that is not allowed. */
export function giveWay(pid: number | undefined): void {
  try {
    if (pid !== undefined) setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL)
  } catch {} // it has ended already, or the system does not allow it
}

/** The same of the calling thread, where threads have priorities of their own (Linux). */
export function threadGivesWay(): void {
  if (process.platform === 'linux') giveWay(Number(basename(readlinkSync('/proc/thread-self'))))
}
