// p2p-media-loader with hls.js, both with their defaults, on an HLS copy of the clip (fragmented MP4
// in segments of 4 s, not coded again). Its default trackers and STUN servers are strangers', so a
// tracker on this machine and no STUN server stand in for them.
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runProgram } from '../programs.ts'
import type { SwarmContender } from './contender.ts'
import { startFileOrigin } from './file-origin.ts'
import { startTracker } from './tracker.ts'

/** The packages name their unbundled modules only; a page wants the bundles beside those. */
const bundle = (path: string, module: string) => fileURLToPath(new URL(path, module))
const SEGMENT_SECONDS = 4
const PLAYLIST = 'title.m3u8'

const page = (tracker: string) =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>P2P Media Loader</title>
<script type="importmap">{"imports":{"p2p-media-loader-core":"/core.js"}}</script>
<video autoplay muted playsinline controls></video>
<script type="module">
import Hls from '/hls.js'
import { HlsJsP2PEngine } from '/engine.js'
const HlsWithP2P = HlsJsP2PEngine.injectMixin(Hls)
const bytes = { http: 0, p2p: 0, uploaded: 0 }
window.p2pBytes = bytes
const hls = new HlsWithP2P({
  p2p: {
    core: { announceTrackers: [${JSON.stringify(tracker)}], rtcConfig: { iceServers: [] } },
    onHlsJsCreated(hls) {
      hls.p2pEngine.addEventListener('onChunkDownloaded', (length, source) => {
        bytes[source] += length
      })
      hls.p2pEngine.addEventListener('onChunkUploaded', (length) => {
        bytes.uploaded += length
      })
    },
  },
})
hls.attachMedia(document.querySelector('video'))
hls.loadSource('/media/${PLAYLIST}')
</script></html>`

type LoaderWindow = Window & { p2pBytes?: Record<string, number> }

export const p2pMediaLoader: SwarmContender = {
  name: 'p2p-media-loader',
  title: 'p2p-media-loader, hls.js',
  async offer({ path, uplink }) {
    const folder = await mkdtemp(join(tmpdir(), 'slipstream-hls-'))
    await segment(path, folder)
    const tracker = await startTracker()
    const origin = await startFileOrigin({
      folder,
      uplink,
      files: {
        '/hls.js': bundle('hls.min.mjs', import.meta.resolve('hls.js')),
        '/core.js': bundle(
          '../dist/p2p-media-loader-core.es.min.js',
          import.meta.resolve('p2p-media-loader-core'),
        ),
        '/engine.js': bundle(
          '../dist/p2p-media-loader-hlsjs.es.min.js',
          import.meta.resolve('p2p-media-loader-hlsjs'),
        ),
      },
    })
    origin.put('/', 'html', page(tracker.url))
    return {
      url: `${origin.url}/`,
      size: await sizeOf(folder),
      sentBytes: origin.sentBytes,
      describe: (tab) =>
        tab.evaluate(() => {
          const bytes = Object.entries((window as LoaderWindow).p2pBytes ?? {})
          return `kB: ${bytes.map(([name, value]) => `${name} ${Math.round(value / 1000)}`).join(', ')}`
        }),
      async close() {
        await origin.close()
        await tracker.close()
        await rm(folder, { recursive: true, force: true })
      },
    }
  },
}

async function segment(path: string, folder: string): Promise<void> {
  await runProgram('ffmpeg', [
    ...['-v', 'error', '-i', path, '-c', 'copy', '-f', 'hls'],
    ...['-hls_time', String(SEGMENT_SECONDS), '-hls_playlist_type', 'vod'],
    ...['-hls_segment_type', 'fmp4', '-hls_segment_filename', join(folder, 'segment-%03d.m4s')],
    join(folder, PLAYLIST),
  ])
}

/** @returns bytes of all segments with what initialises them; the playlist is not media */
async function sizeOf(folder: string): Promise<number> {
  const names = (await readdir(folder)).filter((name) => name !== PLAYLIST)
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}
