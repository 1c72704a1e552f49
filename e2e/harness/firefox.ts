// Firefox beside Playwright's Chromium: Playwright cannot drive one as it is shipped, so this does,
// over WebDriver BiDi. Its profile and home are temporary; `close` ends it and removes them.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { launch } from 'puppeteer-core'
import { puppeteerAccess } from './puppeteer-access.ts'
import { type Playing, play, recordVideo } from './viewer.ts'

const SYSTEM_PATHS = [
  '/usr/bin/firefox-esr',
  '/usr/bin/firefox',
  '/Applications/Firefox.app/Contents/MacOS/firefox',
  'C:\\Program Files\\Mozilla Firefox\\firefox.exe',
]

/** @throws Error that says how to get a Firefox when there is none */
function findFirefox(): string {
  const own = process.env['FIREFOX_PATH']
  if (own) {
    if (existsSync(own)) return own
    throw new Error(`FIREFOX_PATH is ${own}, but there is no such file.`)
  }
  const find = () => SYSTEM_PATHS.find((path) => existsSync(path))
  const found = find()
  if (found) return found
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    spawnSync('apt-get', ['update', '-qq'], { stdio: 'ignore' })
    spawnSync('apt-get', ['install', '-y', '-qq', 'firefox-esr'], { stdio: 'ignore' })
    const installed = find()
    if (installed) return installed
  }
  throw new Error('No Firefox was found. Set FIREFOX_PATH, or install Firefox on this machine.')
}

const PREFERENCES = {
  // Viewers on one machine: on a machine without a network loopback is all there is, and Chromium
  // cannot resolve the mDNS names that stand for addresses otherwise.
  'media.peerconnection.ice.loopback': true,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  // Whatever is not on this machine goes to a proxy that is not there: 9 is the port of the discard
  // protocol, and nobody listens. Most of what a browser asks for by itself Puppeteer switches off.
  'network.proxy.type': 1,
  'network.proxy.http': '127.0.0.1',
  'network.proxy.http_port': 9,
  'network.proxy.ssl': '127.0.0.1',
  'network.proxy.ssl_port': 9,
}

interface FirefoxViewer extends Playing {
  /** What scripts of the page threw or wrote to the console as errors. */
  readonly errors: string[]
  /** Closes the page and forgets what it stored. */
  close(): Promise<void>
}

export interface Firefox {
  /** Opens a watch page muted and playing, with storage of its own. */
  watch(url: string): Promise<FirefoxViewer>
  close(): Promise<void>
}

export async function launchFirefox(): Promise<Firefox> {
  const home = await mkdtemp(join(tmpdir(), 'slipstream-firefox-'))
  const removeHome = () => rm(home, { recursive: true, force: true })
  const browser = await launch({
    browser: 'firefox',
    executablePath: findFirefox(),
    userDataDir: join(home, 'profile'),
    env: {
      PATH: process.env['PATH'],
      HOME: home,
      MOZ_CRASHREPORTER_DISABLE: '1',
      MOZ_REMOTE_SETTINGS_DEVTOOLS: '1', // a release asks Mozilla for settings all the time otherwise
    },
    extraPrefsFirefox: PREFERENCES,
  }).catch(async (cause: unknown) => {
    await removeHome()
    throw cause
  })
  return {
    async watch(url) {
      const context = await browser.createBrowserContext()
      const page = await context.newPage()
      const errors: string[] = []
      page.on('pageerror', (error) => errors.push(String(error)))
      page.on('console', (message) => {
        if (message.type() === 'error') errors.push(message.text())
      })
      await page.evaluateOnNewDocument(recordVideo)
      await page.goto(url, { waitUntil: 'domcontentloaded' })
      const playing = await play(puppeteerAccess(page))
      return { errors, close: () => context.close(), ...playing }
    },
    async close() {
      await browser.close()
      await removeHome()
    },
  }
}
