// Builds the client for `npm start` when its sources are newer than the last build, in a process of
// its own so that the bundler's memory goes away with it.
import { spawn } from 'node:child_process'
import { cp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const SOURCES = ['client', 'protocol', 'public', 'vite.config.ts', 'package-lock.json']
const CLIENT = 'dist/client'
const STAMP = 'dist/client.stamp'
/** Files that no build has made for so long are removed: no page that needs them is open still. */
const KEEP_MS = 30 * 24 * 3600 * 1000
/** Some nine builds in which everything changed; whoever builds more often loses the oldest. */
const KEEP_BYTES = 16 * 1024 * 1024
/** A build that has not ended for so long was killed. */
const KILLED_MS = 3600 * 1000

interface Keeping {
  /** How long files of earlier builds are kept at most, milliseconds. */
  readonly keepMs?: number
  /** How many bytes of them are kept at most. */
  readonly keepBytes?: number
}

/**
 * @param root folder of the project
 * @param announce told once when a build starts; it takes some seconds
 * @throws Error with the bundler's output when the build fails
 */
export async function ensureClientBuilt(
  root: string,
  announce: () => void,
  { keepMs = KEEP_MS, keepBytes = KEEP_BYTES }: Keeping = {},
): Promise<void> {
  const builtAt = await modifiedAt(join(root, STAMP))
  const newest = Math.max(...(await Promise.all(SOURCES.map((name) => newestIn(join(root, name))))))
  if (builtAt >= newest) return
  announce()
  await removeLeftovers(join(root, 'dist'))
  // Built beside and then copied over: a server that runs from this folder, and tabs that came from
  // it, go on to find the files of the build before.
  const fresh = join(root, `dist/client-${process.pid}`)
  try {
    await runVite(root, fresh)
    await cp(fresh, join(root, CLIENT), { recursive: true })
    const current = new Set(await readdir(join(fresh, 'assets')))
    await removeOld(join(root, CLIENT, 'assets'), current, { keepMs, keepBytes })
  } finally {
    await rm(fresh, { recursive: true, force: true })
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

/** Removes what builds that were killed left beside the client. */
async function removeLeftovers(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => [])
  for (const name of names.filter((one) => /^client-\d+$/.test(one))) {
    const path = join(folder, name)
    if (Date.now() - (await modifiedAt(path)) > KILLED_MS) {
      await rm(path, { recursive: true, force: true })
    }
  }
}

/** Removes what earlier builds left and is too old or too much; the newest is kept longest. */
async function removeOld(
  folder: string,
  current: ReadonlySet<string>,
  { keepMs, keepBytes }: Required<Keeping>,
): Promise<void> {
  const names = (await readdir(folder)).filter((name) => !current.has(name))
  const files = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name)
      const info = await stat(path).catch(() => null) // another start may have removed it
      return { path, size: info?.size ?? 0, builtAt: info?.mtimeMs ?? 0 }
    }),
  )
  let bytes = 0
  for (const { path, size, builtAt } of files.sort((a, b) => b.builtAt - a.builtAt)) {
    bytes += size
    if (bytes > keepBytes || Date.now() - builtAt > keepMs) await rm(path, { force: true })
  }
}

async function modifiedAt(path: string): Promise<number> {
  return (await stat(path).catch(() => null))?.mtimeMs ?? Number.NEGATIVE_INFINITY
}
