// Waits for a title's real torrent. Asking for the torrent makes the server build one; the answer
// is a placeholder until it is there. Server-Sent Events say when, a slow poll is the safety net.

import * as v from 'valibot'
import {
  type MediaEvent,
  type MediaRecord,
  mediaEventSchemas,
  TORRENT_KIND_HEADER,
} from '#protocol/media.ts'

const POLL_MS = 30_000
/** The metainfo of the largest titles is a few megabytes; more is no torrent. */
const MAX_METAINFO_BYTES = 32 * 1024 * 1024

export interface TorrentSourceOptions {
  readonly media: MediaRecord
  readonly signal: AbortSignal
  /** Called once with the real torrent's metainfo. */
  readonly onReal: (metainfo: Uint8Array) => void
  /** The build gave up; a later event or poll may still bring the torrent. */
  readonly onFailed: () => void
  readonly onDeleted: () => void
}

/** Starts to follow the title's torrent, until `signal` aborts or the real one is there. */
export function followTorrent(options: TorrentSourceOptions): void {
  const { media, signal } = options
  const done = new AbortController()
  const ended = AbortSignal.any([signal, done.signal])
  let asking = false

  async function ask(): Promise<void> {
    if (asking || ended.aborted) return
    asking = true
    try {
      const response = await fetch(`/api/media/${media.id}/torrent`, { signal: ended })
      if (response.status === 404 || response.status === 410) {
        done.abort()
        options.onDeleted()
      } else if (response.ok && response.headers.get(TORRENT_KIND_HEADER) === 'real') {
        const metainfo = new Uint8Array(await response.arrayBuffer())
        if (metainfo.length > MAX_METAINFO_BYTES) throw new RangeError('no torrent is that large')
        done.abort()
        options.onReal(metainfo)
      } else {
        await response.body?.cancel() // a placeholder: all it says, the media record has said
        listen()
      }
    } catch {
      // The network is down or the server restarts: the next event or poll asks again.
    } finally {
      asking = false
    }
  }

  let events: EventSource | null = null
  function listen(): void {
    if (events || ended.aborted || typeof EventSource === 'undefined') return
    const source = new EventSource(`/api/media/${media.id}/events`)
    events = source
    const on = <Name extends MediaEvent['name']>(name: Name, act: () => void): void =>
      source.addEventListener(name, (event) => {
        if (v.is(mediaEventSchemas[name], parseJson(event.data))) act()
      })
    on('torrent', () => void ask())
    on('failed', options.onFailed)
    on('deleted', () => {
      done.abort()
      options.onDeleted()
    })
  }

  const poll = setInterval(() => void ask(), POLL_MS)
  ended.addEventListener('abort', () => {
    clearInterval(poll)
    events?.close()
  })
  void ask()
}

function parseJson(text: unknown): unknown {
  try {
    return JSON.parse(String(text))
  } catch {
    return null
  }
}
