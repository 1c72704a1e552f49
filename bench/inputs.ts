// Big inputs: real, playable WebM files, made once from a short clip without coding it again and
// kept beside the other clips (1 GiB and 4 GiB; `npm ci` removes them with node_modules).
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { clip } from '../e2e/harness/clips.ts'
import { runProgram } from './programs.ts'

const FOLDER = join(import.meta.dirname, '../node_modules/.cache/slipstream-clips')
const MIB = 1024 ** 2
export const GIB = 1024 ** 3

/** @returns path of a WebM of 60 s and about 3 Mbit/s */
export function shortClip(): string {
  return clip({ seconds: 60, format: 'webm', mbps: 3 })
}

/**
 * @param size bytes, a multiple of 1 MiB; the file comes out a little smaller, so that 1 GiB has the
 *   most pieces that it can have
 * @returns path of a playable WebM, the short clip over and over
 * @throws Error when ffmpeg is missing or fails
 */
export async function longClip(size: number): Promise<string> {
  const path = join(FOLDER, `webm-${size / MIB}MiB.webm`)
  if (existsSync(path)) return path
  const source = shortClip()
  mkdirSync(FOLDER, { recursive: true })
  const loops = Math.ceil((size / statSync(source).size) * 1.01)
  const spare = Math.max(size * 0.002, 1_000_000) // ffmpeg ends with a whole cluster, and an index
  const unfinished = `${path}.${process.pid}.webm`
  await runProgram('ffmpeg', [
    ...['-v', 'error', '-y', '-stream_loop', String(loops), '-i', source],
    ...['-c', 'copy', '-fs', String(Math.round(size - spare)), unfinished],
  ])
  const made = statSync(unfinished).size
  if (made > size || made < size - 2 * spare) {
    throw new Error(`ffmpeg made ${made} bytes where about ${size} were wanted`)
  }
  renameSync(unfinished, path)
  return path
}
