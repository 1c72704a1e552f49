// Which Chromium the tests drive, and with which flags. Order: CHROMIUM_PATH, Playwright's own, the
// system's, Debian's package installed as root; otherwise a message that says what to do.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from '@playwright/test'

const CACHE = join(import.meta.dirname, '../../node_modules/.cache/slipstream')

const SYSTEM_PATHS = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
]

/** @throws Error that says how to get a browser when there is none */
export function findChromium(): string {
  return asAnybody(installedChromium())
}

/**
 * As root, Chromium gives a third of its threads precedence over all other processes, the server and
 * the pages' own threads too: answers of milliseconds took seconds on a busy machine. Nobody's browser
 * is root's, so then it runs as another user would run it, as far as the system lets it.
 */
function asAnybody(path: string): string {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return path
  const as = ['--user', '--map-user=1000', '--map-group=1000', '--']
  if (spawnSync('unshare', [...as, 'true']).status !== 0) return path
  const script = join(CACHE, 'chromium')
  const quoted = `'${path.replaceAll("'", "'\\''")}'`
  mkdirSync(CACHE, { recursive: true })
  // Others may be starting it this very moment.
  const draft = `${script}.${process.pid}`
  writeFileSync(draft, `#!/bin/sh\nexec unshare ${as.join(' ')} ${quoted} "$@"\n`, { mode: 0o755 })
  renameSync(draft, script)
  return script
}

function installedChromium(): string {
  const own = process.env['CHROMIUM_PATH']
  if (own) {
    if (existsSync(own)) return own
    throw new Error(`CHROMIUM_PATH is ${own}, but there is no such file.`)
  }
  const found = [chromium.executablePath(), ...SYSTEM_PATHS].find((path) => existsSync(path))
  if (found) return found
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    spawnSync('apt-get', ['update', '-qq'], { stdio: 'ignore' })
    spawnSync('apt-get', ['install', '-y', '-qq', 'chromium'], { stdio: 'ignore' })
    if (existsSync('/usr/bin/chromium')) return '/usr/bin/chromium'
  }
  throw new Error(
    'No Chromium was found. Set CHROMIUM_PATH, run "npx playwright install chromium", or install ' +
      'Chromium or Chrome on this machine.',
  )
}

/** WebRTC between contexts on one machine, no throttling, no connections of the browser's own. */
export const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--disable-background-networking',
  '--autoplay-policy=no-user-gesture-required',
  '--allow-loopback-in-peer-connection',
  '--disable-features=WebRtcHideLocalIpsWithMdns',
  '--disable-background-timer-throttling',
  '--disable-renderer-backgrounding',
  '--disable-backgrounding-occluded-windows',
]
