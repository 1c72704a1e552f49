// What this browser keeps of a title: the piece files in the origin-private file system, their share
// of the disk, several tabs at once, and playback when the disk is too small, full or gone.
import { type BrowserContext, expect, type Page, test } from '@playwright/test'
import { longClip } from '../bench/inputs.ts'
import type { PlaybackStats } from '../client/playback/playback.ts'
import type { PieceStore } from '../client/storage/piece-store.ts'
import { CHROMIUM_FLAGS, findChromium } from './harness/chromium.ts'
import { clip } from './harness/clips.ts'
import { type ModuleServer, serveModules } from './harness/modules.ts'
import { startServer, type TestServer } from './harness/server.ts'
import { watch } from './harness/viewer.ts'

const MIB = 1024 ** 2

// This Chromium tells every site of the same 10 GiB. Without that feature it tells the truth, as
// other browsers do, also about a quota that the test has set.
const args = CHROMIUM_FLAGS.map((flag) =>
  flag.startsWith('--disable-features=') ? `${flag},StaticStorageQuota` : flag,
)
test.use({ launchOptions: { executablePath: findChromium(), args } })

test.describe('the piece store, on a page of its own', () => {
  let modules: ModuleServer

  test.beforeAll(async () => {
    modules = await serveModules()
  })
  test.afterAll(() => modules.close())

  /** What `openStore` leaves on a page's `window`. */
  interface StorePage {
    store: PieceStore
    /** Pieces given up or lost. */
    lost: number[]
    /** Writes pieces and waits until the store is done with them. */
    fill(from: number, to: number): Promise<void>
    /** Numbers of the pieces held whose bytes are not what `fill` wrote. */
    wrong(): Promise<number[]>
  }

  /** @param mib size of the title; its pieces have 1 MiB */
  async function openStore(page: Page, title: string, mib = 64): Promise<void> {
    await page.evaluate(
      async ([name, size]) => {
        const load = (module: string) => import(`/storage/${module}.ts`)
        const { PieceStore } = await load('piece-store')
        const { openOpfs } = await load('opfs-backing')
        const pieceLength = 1024 ** 2
        const layout = { size: size * pieceLength, pieceLength, count: size }
        const store: PieceStore = new PieceStore(layout, () => openOpfs(name, layout))
        const self = window as unknown as StorePage
        self.store = store
        self.lost = []
        store.onLost((index) => self.lost.push(index))
        type Index = Parameters<PieceStore['read']>[0]
        const bytesOf = (index: number) => {
          const bytes = new Uint8Array(pieceLength).fill((index % 250) + 1)
          new DataView(bytes.buffer).setUint32(0, index)
          return bytes
        }
        self.fill = async (from, to) => {
          for (let index = from; index <= to; index += 1) {
            store.focusOn(index as Index)
            store.write(index as Index, bytesOf(index))
            while (store.isPressed) await new Promise((resolve) => setTimeout(resolve, 5))
          }
          await new Promise((resolve) => setTimeout(resolve, 300)) // what is left in the queue
        }
        self.wrong = async () => {
          const wrong: number[] = []
          for (const index of store.held()) {
            const bytes = await store.read(index, 0, pieceLength).catch(() => new Uint8Array(0))
            const expected = bytesOf(index)
            if (expected.some((byte, i) => byte !== bytes[i])) wrong.push(index)
          }
          return wrong
        }
        await store.restored
      },
      [title, mib] as const,
    )
  }

  const newPage = async (context: BrowserContext): Promise<Page> => {
    const page = await context.newPage()
    await page.goto(modules.blankPage)
    return page
  }
  const fill = (page: Page, from: number, to: number) =>
    page.evaluate(([a, b]) => (window as unknown as StorePage).fill(a, b), [from, to] as const)
  const wrong = (page: Page) => page.evaluate(() => (window as unknown as StorePage).wrong())
  const held = (page: Page) =>
    page.evaluate(() => [...(window as unknown as StorePage).store.held()].sort((a, b) => a - b))
  const lost = (page: Page) => page.evaluate(() => (window as unknown as StorePage).lost)
  const storedBytes = (page: Page): Promise<number> =>
    page.evaluate(async () => {
      const module = '/storage/stored-titles.ts'
      return (await import(module)).storedBytes()
    })
  const clearStored = (page: Page): Promise<void> =>
    page.evaluate(async () => {
      const module = '/storage/stored-titles.ts'
      return (await import(module)).clearStoredTitles()
    })
  const range = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, i) => from + i)

  test('pieces are there again after a reload, and take no more disk than they are', async ({
    context,
  }) => {
    const page = await newPage(context)
    await openStore(page, 'reload', 4096)
    await fill(page, 4090, 4095) // a seek to the end of 4 GiB
    await fill(page, 0, 1)
    expect(await storedBytes(page)).toBe(8 * MIB)
    await page.reload()
    await openStore(page, 'reload', 4096)
    expect(await held(page)).toEqual([0, 1, ...range(4090, 4095)])
    expect(await wrong(page)).toEqual([])
  })

  test('a second tab on the same title keeps its pieces elsewhere and takes over later', async ({
    context,
  }) => {
    const [first, second] = [await newPage(context), await newPage(context)]
    await openStore(first, 'twice')
    await openStore(second, 'twice')
    await Promise.all([fill(first, 0, 7), fill(second, 4, 11)])
    expect(await held(first)).toEqual(range(0, 7))
    expect(await held(second)).toEqual(range(4, 11))
    expect([await wrong(first), await wrong(second)]).toEqual([[], []])
    expect(await storedBytes(second)).toBe(8 * MIB)
    await first.close()
    await second.reload()
    await openStore(second, 'twice')
    expect(await held(second)).toEqual(range(0, 7))
    await fill(second, 8, 9)
    expect(await wrong(second)).toEqual([])
    expect(await storedBytes(second)).toBe(10 * MIB)
  })

  test('of a quota of 50 MiB it takes a fifth; the rest is kept in memory', async ({ context }) => {
    const page = await newPage(context)
    await limitQuota(context, modules.blankPage, 50 * MIB)
    await openStore(page, 'small-quota')
    await fill(page, 0, 39)
    expect(await storedBytes(page)).toBe(10 * MIB)
    expect(await held(page)).toEqual(range(0, 39))
    expect(await wrong(page)).toEqual([])
  })

  test('the title used longest ago makes room, but never one that another tab plays', async ({
    context,
  }) => {
    const [playing, page] = [await newPage(context), await newPage(context)]
    await limitQuota(context, modules.blankPage, 80 * MIB) // 16 for all titles
    await openStore(playing, 'oldest-but-playing')
    await fill(playing, 0, 3)
    for (const title of ['old', 'newer']) {
      await openStore(page, title)
      await fill(page, 0, 4)
      await page.reload()
    }
    expect(await storedBytes(page)).toBe(14 * MIB)
    await openStore(page, 'new')
    await fill(page, 0, 5) // needs what `old` has, and no more
    expect(await storedBytes(page)).toBe(15 * MIB)
    await page.reload()
    await openStore(page, 'newer')
    expect(await held(page)).toEqual(range(0, 4))
    await page.reload()
    await openStore(page, 'old')
    expect(await held(page)).toEqual([])
    expect(await wrong(playing)).toEqual([])
    expect(await held(playing)).toEqual(range(0, 3))
  })

  test('when the disk is full in the middle, memory takes what it does not', async ({
    context,
  }) => {
    const page = await newPage(context)
    await limitQuota(context, modules.blankPage, 400 * MIB)
    await openStore(page, 'full')
    await fill(page, 0, 3)
    await limitQuota(context, modules.blankPage, 6 * MIB) // the store was told that it may have 68
    await fill(page, 4, 19)
    expect(await held(page)).toEqual(range(0, 19))
    expect(await wrong(page)).toEqual([])
    expect(await storedBytes(page)).toBeLessThanOrEqual(6 * MIB)
  })

  test('a title larger than disk and memory keeps what lies around the playhead', async ({
    context,
  }) => {
    const page = await newPage(context)
    await limitQuota(context, modules.blankPage, 50 * MIB)
    await openStore(page, 'larger', 160)
    await fill(page, 0, 159)
    // 10 MiB of disk and 96 of memory, once the last ones have left the queue.
    await expect.poll(() => held(page)).toEqual(range(54, 159))
    expect(await lost(page)).toEqual(range(0, 53))
    expect(await wrong(page)).toEqual([])
    expect(await storedBytes(page)).toBe(10 * MIB)
  })

  test('when the worker crashes, what it had is lost and what comes is kept', async ({
    context,
  }) => {
    const page = await newPage(context)
    await openStore(page, 'crash')
    await fill(page, 0, 3)
    await page.workers()[0]?.evaluate(() => {
      setTimeout(() => {
        throw new Error('out of luck')
      })
    })
    await expect.poll(() => lost(page)).toEqual(range(0, 3))
    await fill(page, 2, 5)
    expect(await held(page)).toEqual(range(2, 5))
    expect(await wrong(page)).toEqual([])
    expect(await page.evaluate(() => (window as unknown as StorePage).store.refetchedBytes)).toBe(
      2 * MIB,
    )
  })

  test('everything stored can be deleted, also what this tab and another one play', async ({
    context,
  }) => {
    const [other, page] = [await newPage(context), await newPage(context)]
    await openStore(page, 'left behind')
    await fill(page, 0, 1)
    await page.reload()
    await openStore(other, 'playing there')
    await openStore(page, 'playing here')
    await Promise.all([fill(other, 0, 2), fill(page, 0, 2)])
    expect(await storedBytes(page)).toBe(8 * MIB)
    await clearStored(page)
    expect(await storedBytes(page)).toBe(0)
    for (const tab of [other, page]) {
      await expect.poll(() => lost(tab)).toEqual([0, 1, 2])
      await fill(tab, 3, 5)
      expect(await held(tab)).toEqual([3, 4, 5])
      expect(await wrong(tab)).toEqual([])
    }
    expect(await storedBytes(page)).toBe(0)
    await clearStored(page) // of nothing
  })

  test('where storage is refused, memory does', async ({ context }) => {
    await context.addInitScript(() => {
      Object.defineProperty(navigator.storage, 'getDirectory', {
        value: () => Promise.reject(new DOMException('Refused.', 'SecurityError')),
      })
      class RefusedWorker extends Worker {
        constructor(url: string | URL, options?: WorkerOptions) {
          super(url, options)
          setTimeout(() => this.dispatchEvent(new ErrorEvent('error')))
        }
      }
      window.Worker = RefusedWorker
    })
    const page = await newPage(context)
    await openStore(page, 'refused')
    await fill(page, 0, 5)
    expect(await held(page)).toEqual(range(0, 5))
    expect(await wrong(page)).toEqual([])
    expect(await storedBytes(page)).toBe(0)
    await clearStored(page)
  })
})

test.describe('playback', () => {
  let server: TestServer

  test.beforeAll(async () => {
    server = await startServer()
  })
  test.afterAll(() => server.stop())

  const arrived = ({ bytes }: PlaybackStats) => bytes.placeholder + bytes.origin + bytes.peers

  test('a title larger than disk and memory plays to its end, and what it holds is shared', async ({
    browser,
  }) => {
    test.slow() // most of 256 MiB is fetched
    const media = await server.upload(await longClip(256 * MIB))
    await server.untilReady(media.id)
    const contextA = await browser.newContext()
    await limitQuota(contextA, server.url, 100 * MIB) // 20 MiB of disk and 96 of memory
    const a = await watch(contextA, `${server.url}/watch/${media.id}`)
    await a.untilPhase('swarm')
    const { duration } = await a.video()
    for (const part of [0.2, 0.35, 0.5, 0.65, 0.8, 0.9]) {
      const before = arrived(await a.stats())
      await a.seek(duration * part)
      await a.untilPosition(duration * part + 0.5)
      await expect
        .poll(async () => arrived(await a.stats()), { timeout: 20_000 })
        .toBeGreaterThan(before + 18 * MIB)
    }
    await a.seek(duration - 5)
    await a.untilEnded()
    const ended = await a.stats()
    expect(arrived(ended)).toBeGreaterThan(118 * MIB)
    expect(ended.pieces.have * 256 * 1024).toBeLessThanOrEqual(116 * MIB)
    expect(ended.bytes.wasted).toBe(0)

    const contextB = await browser.newContext()
    const b = await watch(contextB, `${server.url}/watch/${media.id}`)
    await b.untilPhase('swarm')
    await b.untilPosition(3) // A has given that up
    await b.seek(duration * 0.8) // but holds this
    await b.untilPosition(duration * 0.8 + 3)
    await expect
      .poll(async () => (await b.stats()).bytes.peers, { timeout: 20_000 })
      .toBeGreaterThan(4 * MIB)
    expect((await b.stats()).bytes.wasted).toBe(0)

    await a.seek(0)
    await a.page.locator('video').evaluate((video: HTMLVideoElement) => void video.play())
    await expect.poll(async () => (await a.video()).currentTime).toBeLessThan(10)
    await a.untilPosition(2)
    expect((await a.video()).error).toBeNull()
    expect((await a.stats()).bytes.wasted).toBeGreaterThan(0) // the start came twice, and counts
    await contextA.close()
    await contextB.close()
  })

  test('two tabs on one title both play to the end, and a third visit finds the pieces', async ({
    context,
  }) => {
    const media = await server.upload(clip({ seconds: 16, format: 'webm', mbps: 3 }))
    await server.untilReady(media.id)
    const tabs = [
      await watch(context, `${server.url}/watch/${media.id}`),
      await watch(context, `${server.url}/watch/${media.id}`),
    ]
    for (const tab of tabs) await tab.untilEnded()
    for (const tab of tabs) {
      const stats = await tab.stats()
      expect(stats.pieces.have).toBe(stats.pieces.total)
      expect(stats.bytes.wasted).toBe(0)
      expect((await tab.video()).error).toBeNull()
    }
    const sentBefore = await server.webSeedBytes()
    for (const tab of tabs) await tab.page.close()
    const back = await watch(context, `${server.url}/watch/${media.id}`)
    await back.untilPhase('swarm')
    await back.untilPosition(1)
    const stats = await back.stats()
    expect(stats.pieces.have).toBe(stats.pieces.total)
    expect(stats.swap?.piecesReused).toBe(stats.pieces.total)
    expect(await server.webSeedBytes()).toBe(sentBefore)
  })

  test('when the disk is full and its worker crashes, playback goes on', async ({ context }) => {
    const media = await server.upload(clip({ seconds: 60, format: 'webm', mbps: 3 }))
    await server.untilReady(media.id)
    await limitQuota(context, server.url, 400 * MIB)
    const viewer = await watch(context, `${server.url}/watch/${media.id}`)
    await viewer.untilPosition(2)
    await limitQuota(context, server.url, MIB)
    await viewer.seek(40)
    await viewer.untilPosition(42)
    await viewer.page
      .workers()
      .find((worker) => worker.url().includes('opfs'))
      ?.evaluate(() => {
        setTimeout(() => {
          throw new Error('out of luck')
        })
      })
    await viewer.seek(20)
    await viewer.untilPosition(22)
    await viewer.seek(56)
    await viewer.untilEnded()
    expect((await viewer.video()).error).toBeNull()
    expect((await viewer.stats()).phase).toBe('swarm')
  })
})

/** Limits what an origin may store, as long as the context lives. */
async function limitQuota(context: BrowserContext, url: string, quotaSize: number): Promise<void> {
  const devTools = await context.newCDPSession(await context.newPage())
  const { origin } = new URL(url)
  await devTools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize })
}
