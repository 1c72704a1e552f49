// Registers the service worker and waits until it controls the page. Without one (insecure context,
// private window, refused, old browser) everything plays, over plain HTTP.
import { SERVICE_WORKER_PATH, type WorkerNotice } from '#protocol/stream.ts'

let registration: Promise<ServiceWorkerRegistration> | null = null
/** The browser said no to the registration; it will not say yes on this page. */
let refused = false

/** To be called very early on every page, so that the first playback need not wait for it. */
export function registerServiceWorker(): void {
  if (!('serviceWorker' in navigator)) return
  registration ??= navigator.serviceWorker.register(SERVICE_WORKER_PATH, { scope: '/' })
  registration.then(
    (registered: ServiceWorkerRegistration | undefined) => {
      refused = registered === undefined // so does a browser that is told to block workers quietly
    },
    () => {
      refused = true
    },
  )
  // Nothing else starts it before the <video> asks, and starting takes some tens of milliseconds.
  const notice: WorkerNotice = { type: 'keep-alive' }
  navigator.serviceWorker.controller?.postMessage(notice)
}

/** @returns whether the worker controls this page, or may do so soon. */
export function mayBeControlled(): boolean {
  if (!('serviceWorker' in navigator) || !isSecureContext) return false
  return navigator.serviceWorker.controller !== null || !refused
}

/**
 * @param timeoutMs how long to wait at most
 * @returns true as soon as the worker controls this page, false when it will not in time
 */
export async function waitForServiceWorker(timeoutMs: number): Promise<boolean> {
  if (!('serviceWorker' in navigator)) return false
  registerServiceWorker()
  const container = navigator.serviceWorker
  if (container.controller) return true
  return new Promise((resolve) => {
    const settle = (): void => {
      clearTimeout(timer)
      container.removeEventListener('controllerchange', settle)
      resolve(container.controller !== null)
    }
    const timer = setTimeout(settle, timeoutMs)
    container.addEventListener('controllerchange', settle)
    registration?.then((registered: ServiceWorkerRegistration | undefined) => {
      if (!registered) return settle()
      // A page loaded with "reload without cache" is past the worker until it is claimed again.
      const notice: WorkerNotice = { type: 'claim' }
      registered.active?.postMessage(notice)
    }, settle)
  })
}
