// The publisher at the admin page of a server.
import type { Page } from '@playwright/test'
import { ADMIN, type TestServer } from './server.ts'

/** Opens the admin page and signs the first account in. */
export async function openAdmin(page: Page, server: TestServer): Promise<void> {
  await page.goto(`${server.url}/admin`)
  await page.getByLabel('E-mail address').fill(ADMIN.email)
  await page.getByLabel('Password', { exact: true }).fill(ADMIN.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'Upload', exact: true }).waitFor()
}
