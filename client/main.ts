// Entry of every page. What decides the time to the first frame comes first: the <video>, which
// index.html may have started already, its playback, and the service worker; the interface is loaded
// while those are under way.
import './app/base.css'
import type { MediaRecord } from '#protocol/media.ts'
import { readBoot } from './app/boot.ts'
import { applyColorScheme } from './app/color-scheme.ts'
import { type PageName, pageOf, preloadPage } from './app/pages.ts'
import { connectServiceWorker } from './playback/service-worker-client.ts'
import { basePath } from './remote/own-address.ts'
import { preloadIntroductions } from './swarm/introductions.ts'
import { removeStage, showEarly, showStarted } from './watch/early-video.ts'
import { openEmbedBridge } from './watch/embed-bridge.ts'
import { untilMet } from './watch/first-meeting.ts'
import {
  exposeStatistics,
  mayShareSoon,
  openWatchSession,
  watchOptions,
} from './watch/watch-session.ts'

function start(): void {
  connectServiceWorker()
  exposeStatistics()
  applyColorScheme()
  const { media, failure } = readBoot()
  const page = pageOf(location.pathname.slice(basePath().length))
  if (page === 'embed' && failure !== null) openEmbedBridge({ failure })
  const mounted =
    media !== null && (page === 'watch' || page === 'embed')
      ? startVideo(media, page).then(() => mount(page))
      : mount(page)
  mounted.catch((error: unknown) => {
    reportError(error)
    fail('A part of this page could not be loaded. Check the connection and reload.')
  })
}

/** Plays, and returns when the interface may take its share of the processor. */
async function startVideo(media: MediaRecord, page: 'watch' | 'embed'): Promise<void> {
  const options = watchOptions(page)
  if (options.autoplay && mayShareSoon(media)) preloadIntroductions()
  await showStarted(media)
  const session = openWatchSession(media, options)
  // Before the page has loaded: a page around this one takes silence for a refusal.
  if (page === 'embed') openEmbedBridge({ session })
  await showEarly(session.video, media, page)
  await untilMet(session, window)
}

async function mount(page: PageName): Promise<void> {
  const root = document.getElementById('root')
  if (root === null) throw new Error('index.html has no #root')
  if (page === 'embed') {
    const { mountEmbed } = await import('./watch/mount-embed.tsx')
    mountEmbed(root)
    return
  }
  preloadPage(page)
  const { mountApp } = await import('./app/mount-app.tsx')
  mountApp(root)
}

/** The last resort: says in plain text why there is no page. */
function fail(message: string): void {
  removeStage()
  const main = document.createElement('main')
  main.setAttribute('role', 'alert')
  main.style.cssText =
    'font: 1rem/1.5 system-ui, sans-serif; margin: 4rem auto; padding: 0 1rem; max-width: 36rem'
  main.textContent = message
  document.getElementById('root')?.replaceChildren(main)
}

try {
  start()
} catch (error) {
  fail(error instanceof Error ? error.message : String(error))
}
