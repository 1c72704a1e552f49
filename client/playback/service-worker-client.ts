// Waits until the service worker, which index.html registers, controls the page. Without one (insecure context,
// private window, refused, old browser) everything plays, over plain HTTP.
import type { WorkerNotice } from '#protocol/stream.ts'
import { afterCalm } from './calm-clock.ts'
import { connectToWorker } from './stream-server.ts'

declare global {
  interface Window {
    /**
     * The registration that index.html began, before any other script was there. `undefined` comes
     * of a browser that refuses it, or is told to block workers quietly.
     */
    readonly slipstreamWorker: Promise<ServiceWorkerRegistration | undefined> | undefined
  }
}

/** The browser said no to the registration; it will not say yes on this page. */
let refused = false

/** To be called very early on every page, so that the first playback need not wait for it. */
export function connectServiceWorker(): void {
  const registration = window.slipstreamWorker
  if (!registration) return
  void registration.then((registered) => {
    refused = registered === undefined
  })
  const container = navigator.serviceWorker
  const connect = (): void => {
    if (container.controller) connectToWorker(container.controller)
  }
  connect()
  container.addEventListener('controllerchange', connect)
}

/** @returns whether the worker controls this page. */
export function isControlled(): boolean {
  return 'serviceWorker' in navigator && navigator.serviceWorker.controller !== null
}

/** @returns whether the worker controls this page, or may do so soon. */
export function mayBeControlled(): boolean {
  if (!('serviceWorker' in navigator) || !isSecureContext) return false
  return navigator.serviceWorker.controller !== null || !refused
}

/**
 * Some never say whether they will have a worker. A busy machine takes seconds to, which hardly count:
 * whoever does not wait for it plays over HTTP to the end.
 */
const REGISTRATION_WAIT_MS = 3000
/** A first visit installs the worker in some tens of milliseconds, on a busy machine in seconds. */
const INSTALLATION_WAIT_MS = 6000

/** @returns true as soon as the worker controls this page, false when it will not in time */
export async function waitForServiceWorker(): Promise<boolean> {
  const registration = window.slipstreamWorker
  if (!registration) return false
  const container = navigator.serviceWorker
  if (container.controller) return true
  return new Promise((resolve) => {
    let isOver = false
    const settle = (): void => {
      isOver = true
      callOff()
      container.removeEventListener('controllerchange', settle)
      resolve(container.controller !== null)
    }
    let callOff = afterCalm(REGISTRATION_WAIT_MS, settle)
    container.addEventListener('controllerchange', settle)
    void registration.then((registered) => {
      if (!registered || container.controller) return settle()
      callOff()
      if (!isOver) callOff = afterCalm(INSTALLATION_WAIT_MS, settle)
      // A page loaded with "reload without cache" is past the worker until it is claimed again.
      const notice: WorkerNotice = { type: 'claim' }
      registered.active?.postMessage(notice)
    })
  })
}
