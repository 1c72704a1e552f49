// Two kinds of browser in one swarm: Firefox and Chromium each play, swap, and feed the other.
import { expect, test } from '@playwright/test'
import { clip } from './harness/clips.ts'
import { type Firefox, launchFirefox } from './harness/firefox.ts'
import { startServer, type TestServer } from './harness/server.ts'
import { watch } from './harness/viewer.ts'

const BUILD_DELAY_MS = 5_000
let server: TestServer
let firefox: Firefox

test.beforeAll(async () => {
  server = await startServer({ BUILD_DELAY_MS: String(BUILD_DELAY_MS) })
  firefox = await launchFirefox()
})
test.afterAll(async () => {
  await firefox.close()
  await server.stop()
})

for (const [first, second] of [
  ['Firefox', 'Chromium'],
  ['Chromium', 'Firefox'],
] as const) {
  test(`a ${first} viewer slips into the swarm and feeds a ${second} viewer`, async ({
    context,
  }) => {
    const media = await server.upload(clip({ seconds: 24, format: 'webm', mbps: 3 }))
    const url = `${server.url}/watch/${media.id}`
    const errors: string[] = []
    context.on('weberror', (error) => errors.push(String(error.error())))
    context.on('console', (message) => {
      if (message.type() === 'error') errors.push(message.text())
    })
    const open = (browser: typeof first) =>
      browser === 'Firefox' ? firefox.watch(url) : watch(context, url)

    const a = await open(first)
    await a.untilFirstFrame()
    expect((await a.stats()).phase).toBe('placeholder') // it did not wait for the torrent
    await a.untilPhase('swarm')
    await a.untilPosition(BUILD_DELAY_MS / 1000 + 2)
    const swapped = await a.stats()
    expect(swapped.swap?.piecesReused).toBeGreaterThan(0)
    await a.untilFilled()
    const filled = await a.stats()
    expect(filled.bytes).toMatchObject({ peers: 0, wasted: 0 })
    expect(filled.bytes.placeholder + filled.bytes.origin).toBe(media.size)

    const b = await open(second)
    await b.untilPhase('swarm')
    await b.untilFilled()
    await b.seek(21)
    await b.untilEnded()
    const fed = await b.stats()
    expect(fed.phase).toBe('swarm')
    expect(fed.bytes.peers).toBeGreaterThan(media.size / 3)
    expect(fed.bytes.wasted).toBe(0)
    expect((await a.stats()).bytes.uploaded).toBeGreaterThan(media.size / 3)

    await a.untilEnded()
    for (const viewer of [a, b]) {
      const recorded = await viewer.recorded()
      expect(recorded.sources).toHaveLength(1)
      expect(recorded.jump).toBeLessThan(0.5)
      expect((await viewer.video()).error).toBeNull()
      expect((await viewer.stats()).stalls).toBe(0)
    }
    expect(errors).toEqual([])
    for (const viewer of [a, b]) {
      if (!('errors' in viewer)) continue
      expect(viewer.errors).toEqual([])
      await viewer.close()
    }
  })
}
