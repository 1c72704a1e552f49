// What a figure depends on: machine, commit and versions.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { arch, availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os'
import { join } from 'node:path'
import { findChromium } from '../e2e/harness/chromium.ts'
import { versionOf } from './programs.ts'

const ROOT = join(import.meta.dirname, '..')
const PACKAGES = [
  'create-torrent',
  'webtorrent',
  'p2p-media-loader-core',
  'hls.js',
  'bittorrent-tracker',
  'express',
  '@tus/server',
  '@playwright/test',
]

/** @returns names and values, as they stand in the report */
export function describeEnvironment(): Record<string, string | number | null> {
  const packages = PACKAGES.map((name) => [name, packageVersion(name)] as const)
  return {
    commit: commit(),
    processor: cpus()[0]?.model.trim() ?? null,
    cores: availableParallelism(),
    'memory (GB)': Math.round(totalmem() / 1e9),
    system: `${type()} ${release()} ${arch()}`,
    'load average at start': loadavg()[0]?.toFixed(2) ?? null,
    node: process.version,
    chromium: chromiumVersion(),
    nginx: versionOf('nginx', '-v'),
    openssl: versionOf('openssl', 'version'),
    wrk: versionOf('wrk', '-v'),
    mktorrent: versionOf('mktorrent', '-h'),
    ffmpeg: versionOf('ffmpeg', '-version'),
    ...Object.fromEntries(packages),
  }
}

function commit(): string | null {
  const git = (...args: string[]) => spawnSync('git', args, { cwd: ROOT, encoding: 'utf8' })
  const head = git('rev-parse', 'HEAD')
  if (head.status !== 0) return null
  const isChanged = git('status', '--porcelain', '--', ':!bench/results').stdout !== ''
  return `${head.stdout.trim()}${isChanged ? ' with uncommitted changes' : ''}`
}

function packageVersion(name: string): string | null {
  try {
    const text = readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8')
    return (JSON.parse(text) as { version: string }).version
  } catch {
    return null
  }
}

function chromiumVersion(): string | null {
  try {
    const run = spawnSync(findChromium(), ['--version'], { encoding: 'utf8' })
    return run.stdout.trim() || null
  } catch {
    return null
  }
}
