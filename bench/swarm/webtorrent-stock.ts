// WebTorrent as it comes: its browser bundle and its service worker, a torrent by `create-torrent`
// that names the file as web seed, a tracker. No STUN server: all peers are on this machine.
import { stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { makeTorrent } from '../hashing/create-torrent.ts'
import type { SwarmContender } from './contender.ts'
import { startFileOrigin } from './file-origin.ts'
import { startTracker } from './tracker.ts'

const DIST = join(import.meta.dirname, '../../node_modules/webtorrent/dist')

const PAGE = `<!doctype html><html lang="en"><meta charset="utf-8"><title>WebTorrent</title>
<video autoplay muted playsinline controls></video>
<script type="module">
import WebTorrent from '/webtorrent.min.js'
const torrentFile = fetch('/title.torrent').then((response) => response.arrayBuffer())
const registration = await navigator.serviceWorker.register('/sw.min.js')
await navigator.serviceWorker.ready
if (!navigator.serviceWorker.controller) {
  await new Promise((resolve) => {
    navigator.serviceWorker.addEventListener('controllerchange', resolve, { once: true })
  })
}
const client = new WebTorrent({
  dht: false,
  lsd: false,
  tracker: { rtcConfig: { iceServers: [] } },
})
client.createServer({ controller: registration })
window.client = client
client.add(new Uint8Array(await torrentFile), (torrent) => {
  torrent.files[0].streamTo(document.querySelector('video'))
})
</script></html>`

type ClientWindow = Window & {
  client?: { torrents: { downloaded: number; uploaded: number; numPeers: number }[] }
}

export const webtorrentStock: SwarmContender = {
  name: 'webtorrent',
  title: 'stock WebTorrent',
  async offer({ path, uplink }) {
    const tracker = await startTracker()
    const origin = await startFileOrigin({
      folder: dirname(path),
      uplink,
      files: {
        '/webtorrent.min.js': join(DIST, 'webtorrent.min.js'),
        '/sw.min.js': join(DIST, 'sw.min.js'),
      },
    })
    const torrent = await makeTorrent(path, {
      announceList: [[tracker.url]],
      urlList: [`${origin.url}/media/${basename(path)}`],
    })
    origin.put('/', 'html', PAGE)
    origin.put('/title.torrent', 'application/x-bittorrent', torrent)
    return {
      url: `${origin.url}/`,
      size: (await stat(path)).size,
      sentBytes: origin.sentBytes,
      describe: (page) =>
        page.evaluate(() => {
          const torrent = (window as ClientWindow).client?.torrents[0]
          if (torrent === undefined) return 'no torrent'
          const { downloaded, uploaded, numPeers } = torrent
          return `${numPeers} peers and web seeds, kB: downloaded ${Math.round(downloaded / 1000)}, uploaded ${Math.round(uploaded / 1000)}`
        }),
      async close() {
        await origin.close()
        await tracker.close()
      },
    }
  },
}
