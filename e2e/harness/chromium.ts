// Which Chromium the tests drive, and with which flags. Order: CHROMIUM_PATH, Playwright's own, the
// system's, Debian's package installed as root; otherwise a message that says what to do.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chromium } from '@playwright/test'

const SYSTEM_PATHS = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
]

/** @throws Error that says how to get a browser when there is none */
export function findChromium(): string {
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
