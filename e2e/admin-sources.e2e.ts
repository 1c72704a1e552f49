// A publisher whose files lie elsewhere: allowed origins, titles by address, mirrors, who may embed,
// and the code for it, all from the admin page. The files lie on a second server of ours.
import { type BrowserContext, expect, type Locator, type Page, test } from '@playwright/test'
import type { MediaRecord } from '#protocol/media.ts'
import { openAdmin } from './harness/admin.ts'
import { clip } from './harness/clips.ts'
import { startServer, type TestServer } from './harness/server.ts'
import { type MediaAnswer, startUnrulyOrigin, type UnrulyOrigin } from './harness/unruly-origin.ts'

const FIXED = 'https://fixed.example.org/films/'

let server: TestServer
let elsewhere: TestServer
/** Before `elsewhere`, another host to look at. */
let host: UnrulyOrigin
let film: string
let song: string

test.beforeAll(async () => {
  elsewhere = await startServer()
  host = await startUnrulyOrigin(elsewhere.url)
  const pathOf = async (path: string) => {
    const { webSeeds } = await elsewhere.upload(path)
    return new URL(webSeeds[0] ?? '').pathname
  }
  film = host.url + (await pathOf(clip({ seconds: 16, format: 'webm', mbps: 3 })))
  song = host.url + (await pathOf(clip({ seconds: 16, format: 'mp3', mbps: 3 })))
  server = await startServer({ SOURCE_ORIGINS: FIXED, ALLOW_PRIVATE_SOURCES: '1' })
})
test.afterAll(async () => {
  await server.stop()
  await host.close()
  await elsewhere.stop()
})

const section = (page: Page, name: string) => page.getByRole('region', { name })
const origins = (page: Page) =>
  page.getByRole('list', { name: 'Allowed origins' }).getByRole('listitem')
const titles = (page: Page) => section(page, 'Titles').getByRole('listitem')
const nameOf = (url: string) => url.slice(url.lastIndexOf('/') + 1).replace(/\.\w+$/, '')

async function enter(page: Page, label: string, text: string, button: string): Promise<void> {
  await page.getByLabel(label, { exact: true }).fill(text)
  await page.getByRole('button', { name: button, exact: true }).click()
}

async function allow(page: Page, url: string): Promise<Locator> {
  await enter(page, 'Allow an origin', url, 'Allow')
  const row = origins(page).filter({ hasText: url })
  await expect(row).toHaveCount(1)
  return row
}

/** The file as it is, but browsers do not let pages of other sites read it. */
const hideFromOthers: MediaAnswer = ({ method = 'GET', url, headers }, response) => {
  const range = headers.range === undefined ? {} : { range: headers.range }
  void fetch(elsewhere.url + url, { method, headers: range }).then(async (answer) => {
    const names = ['content-type', 'content-length', 'content-range', 'accept-ranges', 'etag']
    const seen = names.flatMap((name) => {
      const value = answer.headers.get(name)
      return value === null ? [] : [[name, value] as const]
    })
    response.writeHead(answer.status, Object.fromEntries(seen))
    response.end(Buffer.from(await answer.arrayBuffer()))
  })
}

test('origins are allowed, changed and removed, and a wrong one is answered at its field', async ({
  page,
}) => {
  await openAdmin(page, server)
  const fixed = origins(page).filter({ hasText: FIXED })
  await expect(fixed).toContainText('SOURCE_ORIGINS')
  await expect(fixed.getByRole('button')).toHaveCount(0)

  await enter(page, 'Allow an origin', 'no address', 'Allow')
  await expect(page.getByRole('alert')).toBeVisible()
  await expect(page.getByLabel('Allow an origin', { exact: true })).toHaveAccessibleDescription(
    /https/,
  )
  const url = `${host.url}/media/`
  const row = await allow(page, url)
  await expect(page.getByRole('alert')).toHaveCount(0)
  await expect(row).toContainText('holds none of them')
  await enter(page, 'Allow an origin', url, 'Allow')
  await expect(page.getByRole('alert')).toContainText('already')

  await row.getByRole('combobox').selectOption({ label: 'Keep a copy of every file' })
  await expect(row).toContainText('holds a copy of every file')
  await page.reload()
  await expect(row).toContainText('holds a copy of every file')

  await row.getByRole('button', { name: 'Remove' }).click()
  const question = page.getByRole('dialog')
  await expect(question).toContainText(url)
  await question.getByRole('button', { name: 'Keep it' }).click()
  await expect(row).toHaveCount(1)
  await row.getByRole('button', { name: 'Remove' }).click()
  await question.getByRole('button', { name: 'Remove' }).click()
  await expect(row).toHaveCount(0)
  await expect(page.getByRole('heading', { name: 'Media that lie elsewhere' })).toBeFocused()
})

test('a file becomes a title by its address, with what the administrator should know', async ({
  page,
}) => {
  await openAdmin(page, server)
  await enter(page, 'Add by address', film, 'Add')
  await expect(page.getByRole('alert')).toContainText('not allowed')
  await allow(page, `${host.url}/media/`)
  await enter(page, 'Add by address', film, 'Add')
  const sources = section(page, 'Media that lie elsewhere')
  await expect(sources.getByRole('status').getByRole('link')).toHaveAttribute('href', /\/watch\//)
  const row = titles(page).filter({ hasText: nameOf(film) })
  await expect(row).toContainText(`lies at ${new URL(film).host}`)
  await expect(row.getByRole('note')).toHaveCount(0)
  await enter(page, 'Add by address', film, 'Add') // the same title
  await expect(sources.getByRole('status').getByRole('link')).toBeVisible()
  await expect(row).toHaveCount(1)

  await row.getByRole('button', { name: /^Build the torrent of .* now$/ }).click()
  const again = row.getByRole('button', { name: /^Build the torrent of .* again$/ })
  await again.click({ timeout: 20_000 })
  const record = async () => {
    const answer = await fetch(`${server.url}/api/media`)
    const { items } = (await answer.json()) as { items: MediaRecord[] }
    return items.find(({ filename }) => film.endsWith(filename))
  }
  await expect.poll(record, { timeout: 20_000 }).toMatchObject({ revision: 2, state: 'ready' })
  await expect(again).toBeVisible()

  host.misbehave(hideFromOthers)
  await enter(page, 'Add by address', song, 'Add')
  const hidden = titles(page).filter({ hasText: nameOf(song) })
  await expect(hidden.getByRole('note')).toContainText('Access-Control-Allow-Origin')
  host.misbehave(null)
})

test('a title has mirrors and sites of its own, and the site has sites for all', async ({
  page,
}) => {
  await openAdmin(page, server)
  await page.getByRole('button', { name: `Edit ${nameOf(film)}` }).click()
  const dialog = page.getByRole('dialog')
  const mirrors = dialog.getByLabel('Mirrors')
  const save = dialog.getByRole('button', { name: 'Save' })
  await mirrors.fill('somewhere')
  await expect(mirrors).toHaveAccessibleDescription(/“somewhere” is no address/)
  await expect(save).toBeDisabled()
  await mirrors.fill('https://not-allowed.example.org/film.webm')
  await save.click()
  await expect(dialog.getByRole('alert')).toContainText('not allowed')
  await mirrors.fill(`${film}?mirror=1`)
  await dialog.getByRole('radio', { name: 'Only these' }).check()
  await dialog.getByLabel('Sites, one a line').fill('https://www.example.org/')
  await save.click()
  await expect(dialog).toHaveCount(0)
  await page.getByRole('button', { name: `Edit ${nameOf(film)}` }).click()
  await expect(mirrors).toHaveValue(`${film}?mirror=1`)
  await expect(dialog.getByLabel('Sites, one a line')).toHaveValue('https://www.example.org')
  await page.keyboard.press('Escape')

  const embedding = section(page, 'Embedding')
  await expect(embedding.getByRole('radio', { name: 'Every site' })).toBeChecked()
  await embedding.getByRole('radio', { name: 'Only these' }).check()
  await embedding.getByLabel('Sites, one a line').fill('www.example.org')
  await embedding.getByRole('button', { name: 'Apply' }).click()
  await expect(embedding).toContainText('“www.example.org” is no site')
  await embedding.getByLabel('Sites, one a line').fill('https://www.example.org')
  await embedding.getByRole('button', { name: 'Apply' }).click()
  await expect(embedding.getByRole('status')).toHaveText('Applied.')
  await page.reload()
  await expect(embedding.getByLabel('Sites, one a line')).toHaveValue('https://www.example.org')
})

test('the code for a page of somebody else is copied from both pages', async ({
  page,
  context,
}) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  const { id } = await server.upload(clip({ seconds: 16, format: 'webm', mbps: 3 }), {
    title: 'A film',
  })
  await openAdmin(page, server)
  const embed = page.getByRole('button', { name: 'Embed A film' })
  await embed.press('Enter')
  const dialog = page.getByRole('dialog', { name: 'Embed “A film”' })
  await dialog.getByRole('button', { name: 'Copy player code' }).click()
  await expect(dialog.getByText('Player code copied')).toBeAttached()
  expect(await copied(context)).toContain(`<slipstream-player media="${id}">`)
  await page.keyboard.press('Escape')
  await expect(dialog).toHaveCount(0)
  await expect(embed).toBeFocused()

  await page.goto(`${server.url}/watch/${id}`)
  await page.getByRole('button', { name: 'Embed', exact: true }).click()
  await dialog.getByRole('button', { name: 'Copy frame code' }).click()
  await expect(dialog.getByText('Frame code copied')).toBeAttached()
  expect(await copied(context)).toContain(`<iframe src="${server.url}/embed/${id}"`)
})

function copied(context: BrowserContext): Promise<string> {
  const [page] = context.pages()
  if (!page) throw new Error('there is no page')
  return page.evaluate(() => navigator.clipboard.readText())
}
