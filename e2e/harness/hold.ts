// Holds back what a page asks for, until a test lets it come.
import type { BrowserContext, Page } from '@playwright/test'

/**
 * @param pattern of addresses, as `route` takes it
 * @returns lets what was held back and what follows through
 */
export async function hold(target: BrowserContext | Page, pattern: string): Promise<() => void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  await target.route(pattern, async (route) => {
    await promise
    await route.continue()
  })
  return resolve
}
