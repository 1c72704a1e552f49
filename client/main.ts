// Entry of every page. What decides the time to the first frame comes first: the service worker,
// then the <video> and its playback; the interface is loaded while those are under way.
import './app/base.css'
import { readBoot } from './app/boot.ts'
import { applyColorScheme } from './app/color-scheme.ts'
import { pageOf, preloadPage } from './app/pages.ts'
import { registerServiceWorker } from './playback/service-worker-client.ts'
import { autoplayWanted, openWatchSession } from './watch/watch-session.ts'

function start(): void {
  registerServiceWorker()
  applyColorScheme()
  const { media } = readBoot()
  const page = pageOf(location.pathname)
  if (media !== null && (page === 'watch' || page === 'embed')) {
    openWatchSession(media, { autoplay: autoplayWanted(page) })
  }
  preloadPage(page)
  const root = document.getElementById('root')
  if (root === null) throw new Error('index.html has no #root')
  const mounted =
    page === 'embed'
      ? import('./watch/mount-embed.tsx').then(({ mountEmbed }) => mountEmbed(root))
      : import('./app/mount-app.tsx').then(({ mountApp }) => mountApp(root))
  mounted.catch(() => {
    fail('A part of this page could not be loaded. Check the connection and reload.')
  })
}

/** The last resort: says in plain text why there is no page. */
function fail(message: string): void {
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
