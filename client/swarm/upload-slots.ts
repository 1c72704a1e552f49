// Who is sent to, where WebTorrent's own choice does not suit viewers. It reckons every 10 s, prefers
// whoever sends most, and lets a peer in at once only the first time that it is interested; but a
// viewer is interested for a moment, whenever something is new, and cannot wait for 10 s. And it sends
// to all at once: a slow uplink that brings a piece to nine peers has brought it to none for a long
// time, where the first to have it whole could have passed it on. So a slow uplink serves few at a
// time. To be made before the first peer comes; ends with the torrent.
import type { Torrent, Wire } from 'webtorrent/dist/webtorrent.min.js'
import { Pace } from '../playback/pace.ts'
import { nextSlots, UPLOAD_SLOTS } from './slot-count.ts'

const LOOK_MS = 1000

/** Lets peers in as soon as they are interested, while there are slots, and has as many as suit. */
export class UploadSlots {
  readonly #torrent: Torrent
  readonly #bytesPerSecond: () => number
  readonly #pace = new Pace()
  readonly #timer: ReturnType<typeof setInterval>

  /** @param bytesPerSecond bytes of the file per second of playback */
  constructor(torrent: Torrent, bytesPerSecond: () => number) {
    this.#torrent = torrent
    this.#bytesPerSecond = bytesPerSecond
    torrent.on('wire', (wire) => this.#follow(wire))
    torrent.on('close', () => clearInterval(this.#timer))
    this.#timer = setInterval(() => this.look(performance.now()), LOOK_MS)
  }

  /** Reckons anew; by itself every second. @param now milliseconds, of a steady clock */
  look(now: number): void {
    const torrent = this.#torrent
    const served = torrent.wires.filter((wire) => !wire.amChoking && owes(wire)).length
    const slots = nextSlots({
      slots: torrent._rechokeNumSlots,
      served,
      rate: this.#pace.rate(now),
      bytesPerSecond: this.#bytesPerSecond(),
      most: UPLOAD_SLOTS,
    })
    const areFewer = slots < torrent._rechokeNumSlots
    torrent._rechokeNumSlots = slots
    if (areFewer)
      torrent._rechoke() // by itself up to 10 s later
    else this.#fill()
  }

  #follow(wire: Wire): void {
    wire.on('interested', () => this.#fill())
    wire.on('uninterested', () => this.#fill())
    wire.on('request', () => this.#pace.asked(performance.now()))
    wire.on('upload', (bytes) => {
      this.#pace.answered(bytes, this.#torrent.wires.some(owes), performance.now())
    })
  }

  #fill(): void {
    const interested = this.#torrent.wires.filter(({ peerInterested }) => peerInterested)
    let free = this.#torrent._rechokeNumSlots
    for (const { amChoking } of interested) if (!amChoking) free -= 1
    for (const wire of interested) {
      if (free <= 0) return
      if (!wire.amChoking) continue
      wire.unchoke()
      free -= 1
    }
  }
}

function owes({ peerRequests }: Wire): boolean {
  return peerRequests.length > 0
}
