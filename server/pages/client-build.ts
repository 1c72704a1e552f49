// Builds the client for `npm start` when its sources are newer than the last build, in a process of
// its own so that the bundler's memory goes away with it.
import { spawn } from 'node:child_process'
import { readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const SOURCES = ['client', 'protocol', 'public', 'vite.config.ts', 'package-lock.json']
const CLIENT = 'dist/client'
const STAMP = 'dist/client.stamp'

/**
 * @param root folder of the project
 * @param announce told once when a build starts; it takes some seconds
 * @throws Error with the bundler's output when the build fails
 */
export async function ensureClientBuilt(root: string, announce: () => void): Promise<void> {
  const builtAt = await modifiedAt(join(root, STAMP))
  const newest = Math.max(...(await Promise.all(SOURCES.map((name) => newestIn(join(root, name))))))
  if (builtAt >= newest) return
  announce()
  // Built beside and then moved, so that another start at the same time finds a whole client.
  const fresh = join(root, `dist/client-${process.pid}`)
  const old = `${fresh}-old`
  try {
    await runVite(root, fresh)
    await rename(join(root, CLIENT), old).catch(ignoreMissing)
    await rename(fresh, join(root, CLIENT))
  } finally {
    await rm(fresh, { recursive: true, force: true })
    await rm(old, { recursive: true, force: true })
  }
  const stamp = join(root, STAMP)
  await writeFile(stamp, '')
  await utimes(stamp, newest / 1000, newest / 1000 + 0.001) // sources changed meanwhile stay newer
}

function runVite(root: string, target: string): Promise<void> {
  const vite = join(root, 'node_modules/vite/bin/vite.js')
  return new Promise((resolve, reject) => {
    const build = spawn(
      process.execPath,
      [vite, 'build', '--logLevel', 'warn', '--outDir', target],
      {
        cwd: root,
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    let output = ''
    for (const stream of [build.stdout, build.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
      })
    }
    build.once('error', reject)
    build.once('close', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`The client could not be built:\n${output}`))
    })
  })
}

/** @returns the newest modification below a path, milliseconds since 1970; 0 when it is missing */
async function newestIn(path: string): Promise<number> {
  const info = await stat(path).catch(() => null)
  if (info === null) return 0
  if (!info.isDirectory()) return info.mtimeMs
  const names = await readdir(path)
  const times = await Promise.all(names.map((name) => newestIn(join(path, name))))
  return Math.max(info.mtimeMs, ...times)
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}

async function modifiedAt(path: string): Promise<number> {
  return (await stat(path).catch(() => null))?.mtimeMs ?? Number.NEGATIVE_INFINITY
}
