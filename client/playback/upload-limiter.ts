// Holds what peers are sent to what the viewer allows: a rate, by WebTorrent's own throttle, and an
// amount, after which all peers are choked; what they send us is not touched. In place before the
// first peer comes. Swarm owns it.
import type WebTorrent from 'webtorrent/dist/webtorrent.min.js'
import type { Torrent } from 'webtorrent/dist/webtorrent.min.js'
import type { UploadLimit } from './sharing.ts'

export class UploadLimiter {
  readonly #client: Pick<WebTorrent, 'throttleUpload'>
  readonly #torrent: Torrent
  /** Peers that WebTorrent sends to at a time, while it may send at all. */
  readonly #slots: number
  #bytesLeft: number | null = null

  constructor(client: Pick<WebTorrent, 'throttleUpload'>, torrent: Torrent, limit: UploadLimit) {
    this.#client = client
    this.#torrent = torrent
    this.#slots = torrent._rechokeNumSlots
    torrent.on('wire', (wire) => wire.on('upload', (bytes) => this.#onUpload(bytes)))
    this.limit(limit)
  }

  /** Holds from now on. */
  limit({ bytesPerSecond, bytesLeft }: UploadLimit): void {
    this.#client.throttleUpload(bytesPerSecond ?? -1)
    this.#bytesLeft = bytesLeft
    if (bytesLeft !== null && bytesLeft <= 0) this.#chokeAll()
    else this.#letUnchoke()
  }

  #onUpload(bytes: number): void {
    if (this.#bytesLeft === null) return
    this.#bytesLeft -= bytes
    if (this.#bytesLeft <= 0) this.#chokeAll()
  }

  /** With no slots, WebTorrent's rechoking lets nobody back in. */
  #chokeAll(): void {
    this.#torrent._rechokeNumSlots = 0
    this.#torrent._rechokeOptimisticWire = null
    for (const wire of this.#torrent.wires) wire.choke()
  }

  #letUnchoke(): void {
    if (this.#torrent._rechokeNumSlots === this.#slots) return
    this.#torrent._rechokeNumSlots = this.#slots
    this.#torrent._rechoke() // else up to 10 s later
  }
}
