// Programs of the system that benchmarks compare with or need. A missing one is no error of the
// run: its contender drops out with a sentence that says which package has it.
import { spawn, spawnSync } from 'node:child_process'

/** Program and the Debian package that has it. */
const PACKAGES = {
  openssl: 'openssl',
  mktorrent: 'mktorrent',
  nginx: 'nginx-light',
  ffmpeg: 'ffmpeg',
  wrk: 'wrk',
} as const
export type Program = keyof typeof PACKAGES

/** Debian keeps servers where an ordinary account's PATH does not look. */
const PATH = `${process.env['PATH']}:/usr/sbin:/usr/local/sbin`

/**
 * @returns environment in which the program is found
 * @throws Error naming the Debian package when it is not installed
 */
export function requireProgram(program: Program): NodeJS.ProcessEnv {
  const env = { ...process.env, PATH }
  const found = spawnSync('which', [program], { env, stdio: 'ignore' })
  if (found.status === 0) return env
  throw new Error(`${program} is missing; Debian has it in the package ${PACKAGES[program]}`)
}

/**
 * Runs a program to its end.
 * @returns seconds from its start to its end, and the last of what it printed
 * @throws Error with what it printed when it is missing or fails
 */
export async function runProgram(
  program: Program,
  args: readonly string[],
): Promise<{ readonly seconds: number; readonly output: string }> {
  const env = requireProgram(program)
  const startedAt = performance.now()
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-2000)
    })
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const seconds = (performance.now() - startedAt) / 1000
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${output.trim()}`)
  return { seconds, output }
}

/** @returns the first line of what the program says of its version, or `null` when it is missing */
export function versionOf(program: Program, flag: string): string | null {
  try {
    const run = spawnSync(program, [flag], { env: requireProgram(program), encoding: 'utf8' })
    return `${run.stdout}${run.stderr}`.trim().split('\n')[0] ?? null
  } catch {
    return null
  }
}
