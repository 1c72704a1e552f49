// Slipstream as `npm start` runs it; the viewers come when the title's torrent is ready and agree
// to share. They know the server by the proxy's address alone, so its web seed and its tracker are
// reached through the proxy too.
import type { Page } from '@playwright/test'
import * as v from 'valibot'
import { mediaRecordSchema } from '#protocol/media.ts'
import type { PlaybackStats } from '../../client/playback/playback.ts'
import { startServer } from '../../e2e/harness/server.ts'
import type { SwarmContender } from './contender.ts'
import { startCountingProxy } from './counting-proxy.ts'

type WatchWindow = Window & { slipstream?: { stats(): PlaybackStats } }

export const ours: SwarmContender = {
  name: 'ours',
  title: 'ours',
  async offer({ path, uplink }) {
    const server = await startServer({ P2P_DEFAULT: 'on' })
    try {
      const { id, size } = await server.upload(path)
      await server.untilReady(id)
      const proxy = await startCountingProxy({ target: server.url, uplink })
      const { webSeeds } = v.parse(
        mediaRecordSchema,
        await (await fetch(`${proxy.url}/api/media/${id}`)).json(),
      )
      if (!webSeeds.every((url) => url.startsWith(`${proxy.url}/`))) {
        throw new Error(`web seeds past the proxy, nothing would be counted: ${webSeeds.join(' ')}`)
      }
      return {
        url: `${proxy.url}/watch/${id}`,
        size,
        sentBytes: () => proxy.mediaBytes(),
        describe: describeStats,
        async close() {
          await proxy.close()
          await server.stop()
        },
      }
    } catch (error) {
      await server.stop()
      throw error
    }
  },
}

async function describeStats(page: Page): Promise<string> {
  const stats = await page.evaluate(() => (window as WatchWindow).slipstream?.stats())
  if (stats === undefined) return 'no statistics'
  const { phase, peers, stalls, stalledMs, bytes } = stats
  const kilobytes = Object.entries(bytes).map(([name, value]) => `${name} ${kB(value)}`)
  return `${phase}, ${peers} peers, ${stalls} stalls of ${Math.round(stalledMs)} ms, kB: ${kilobytes.join(', ')}`
}

function kB(bytes: number): string {
  return Math.round(bytes / 1000).toString()
}
