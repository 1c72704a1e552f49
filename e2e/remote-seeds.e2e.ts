// Titles that lie elsewhere, from the browser's side: the source is asked before this server, and
// what becomes of a viewer when it refuses, hides its answers, or has another file by now. The
// source is a real server on another origin.
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type BrowserContext, expect, type Page, test } from '@playwright/test'
import type { MediaRecord } from '#protocol/media.ts'
import { clip } from './harness/clips.ts'
import { startServer, type TestServer } from './harness/server.ts'
import {
  type MediaAnswer,
  rangeOf,
  startUnrulyOrigin,
  type UnrulyOrigin,
} from './harness/unruly-origin.ts'
import { watch } from './harness/viewer.ts'

let server: TestServer
/** Where the file lies. */
let source: UnrulyOrigin
/** The server, as the pages see it. */
let front: UnrulyOrigin
let media: MediaRecord

test.beforeAll(async () => {
  server = await startServer()
  source = await startUnrulyOrigin(server.url)
  front = await startUnrulyOrigin(server.url)
  const { id } = await server.upload(clip({ seconds: 24, format: 'webm', mbps: 3 }))
  media = await server.untilReady(id)
  await changeDatabase((database) => {
    const url = `${source.url}${new URL(media.webSeeds[0] ?? '').pathname}`
    database
      .prepare(
        `insert into media_source
         (media_id, url, mirrors, ranges, cors, kept_revision, wanted_at, checked_at)
         values (?, ?, '[]', 1, 1, ?, 0, 0)`,
      )
      .run(media.id, url, media.revision)
  })
})
test.afterAll(async () => {
  await source.close()
  await front.close()
  await server.stop()
})
test.afterEach(() => {
  source.misbehave(null)
  front.misbehave(null)
})

async function changeDatabase(change: (database: DatabaseSync) => void): Promise<void> {
  const database = new DatabaseSync(join(server.dataDir, 'slipstream.db'))
  try {
    change(database)
  } finally {
    database.close()
  }
}

/** Seconds of the clip that no test has fetched when its trouble begins. */
const AHEAD = 16

const open = (context: BrowserContext) => watch(context, `${front.url}/watch/${media.id}`)
const refuse: MediaAnswer = (_request, response) => response.writeHead(403).end()
const nameOf = ({ url }: UnrulyOrigin) => new URL(url).host

/** What the page's panel says of where bytes came from. */
async function senders(page: Page): Promise<string[]> {
  await page.getByText('Stats for nerds').click()
  const names = page.locator('.watch-statistics dt', { hasText: /^From (?!peers)/ })
  await expect(names.first()).toBeVisible()
  return names.allTextContents()
}

test('the source sends everything, and is named', async ({ context }) => {
  const asked = front.ranges.length
  const viewer = await open(context)
  await viewer.untilFilled()
  expect(front.ranges.length).toBe(asked)
  expect(await senders(viewer.page)).toEqual([`From ${nameOf(source)}`])
})

test('a source that refuses in the middle is replaced by this server, and nobody notices', async ({
  context,
}) => {
  const viewer = await open(context)
  await viewer.untilPosition(1)
  source.misbehave(refuse)
  await viewer.seek(AHEAD)
  await viewer.untilPosition(AHEAD + 1, 5_000)
  await expect(viewer.page.getByRole('alert')).toHaveCount(0)
  await viewer.untilEnded(20_000)
  expect((await viewer.stats()).bytes.wasted).toBe(0)
  expect(await senders(viewer.page)).toEqual([`From ${nameOf(source)}`, 'From server'])
})

test('a source that hides its answers from other sites costs no second', async ({ context }) => {
  source.misbehave((request, response) => {
    const { start, end } = rangeOf(request)
    response.writeHead(206, {
      'Content-Range': `bytes ${start}-${end - 1}/${media.size}`,
      'Content-Length': end - start,
    })
    response.end(Buffer.alloc(end - start))
  })
  const viewer = await open(context)
  await viewer.untilPosition(2, 8_000)
  await expect(viewer.page.getByRole('alert')).toHaveCount(0)
  const { firstFrameMs, stalls, bytes } = await viewer.stats()
  expect(firstFrameMs).toBeLessThan(3_000)
  expect([stalls, bytes.wasted]).toEqual([0, 0])
  expect(await senders(viewer.page)).toEqual(['From server'])
})

test('when nobody has the file as it was, the new version is offered', async ({ context }) => {
  const viewer = await open(context)
  const { page } = viewer
  await viewer.untilPosition(1)
  source.misbehave((request, response) => {
    const { start, end } = rangeOf(request)
    response.writeHead(206, {
      'Access-Control-Allow-Origin': '*',
      'Access-Control-Expose-Headers': 'Content-Range',
      'Content-Range': `bytes ${start}-${end - 1}/${media.size + 1000}`,
    })
    response.end(Buffer.alloc(end - start, 7))
  })
  front.misbehave((_request, response) => response.writeHead(410).end())
  await viewer.seek(AHEAD)
  await expect(page.getByRole('alert')).toContainText(
    'The file changed at its source. Reload to watch the new version.',
  )
  await expect(page.getByText('There is a new version of the title.')).toBeVisible()
  source.misbehave(null)
  front.misbehave(null)
  await page.getByRole('button', { name: 'Reload' }).click()
  await viewer.untilFirstFrame(10_000)
  await expect(page.getByRole('alert')).toHaveCount(0)
})

test('without a service worker, a source that refuses is replaced as well', async ({ browser }) => {
  const context = await browser.newContext({ serviceWorkers: 'block' })
  source.misbehave(refuse)
  const viewer = await open(context)
  await viewer.untilPosition(2, 10_000)
  await expect(viewer.page.getByRole('alert')).toHaveCount(0)
  expect((await viewer.video()).src).toBe(
    `${front.url}/media/${media.id}/${media.filename}?revision=${media.revision}`,
  )
  expect(await senders(viewer.page)).toEqual(['From server'])
  await context.close()
})

test('without a service worker, it is said when nobody sends the file', async ({ browser }) => {
  const context = await browser.newContext({ serviceWorkers: 'block' })
  source.misbehave(refuse)
  front.misbehave(refuse)
  const { page } = await open(context)
  await expect(page.getByRole('alert')).toContainText('connection to the server is interrupted')
  front.misbehave(null)
  await page.getByRole('button', { name: 'Try again' }).click()
  await expect(page.getByRole('alert')).toHaveCount(0)
  await context.close()
})

test('a film of which nothing is known yet starts, has its shape, and says what it is', async ({
  context,
}) => {
  const forget = 'update media set duration_s = null, width = null, height = null where id = ?'
  await changeDatabase((database) => database.prepare(forget).run(media.id))
  const asked = source.ranges.length
  const viewer = await open(context)
  await viewer.untilPosition(1)
  expect(source.ranges[asked]).toBe(`bytes=0-${3 * 256 * 1024 - 1}`)
  await expect(viewer.page.getByText('640 × 360 · 0:24')).toBeVisible()
  await expect(viewer.page.locator('.player-audio')).toHaveCount(0)
  const shape = () => viewer.page.locator('.player').evaluate((el) => el.style.cssText)
  expect(await shape()).toContain('640 / 360')
})
