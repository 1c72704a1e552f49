// Holds what peers are sent to what the viewer allows: a rate, by letting requests wait for their
// turn (a peer may withdraw them meanwhile, and our own requests do not wait behind them), and an
// amount, after which all peers are choked. What they send us is not touched. In place before the
// first peer comes. The swarm owns and closes it.
import type { Torrent, Wire } from 'webtorrent/dist/webtorrent.min.js'
import type { UploadLimit } from '../playback/sharing.ts'

/** Unused time that may be made up for: what timers are late by. Milliseconds. */
const MAX_CREDIT_MS = 200

interface WaitingRequest {
  readonly bytes: number
  /** False once the peer has withdrawn it, was choked, or is gone, or the piece is. */
  readonly isWanted: () => boolean
  readonly answer: () => void
}

export class UploadLimiter {
  readonly #torrent: Torrent
  /** `null` for no limit. */
  #bytesLeft: number | null = null
  /** Bytes per second, or `null` for no limit. */
  #rate: number | null = null
  readonly #waiting: WaitingRequest[] = []
  /** When the next request may be answered, by `performance.now()`. */
  #freeAt = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(torrent: Torrent, limit: UploadLimit) {
    this.#torrent = torrent
    torrent.on('wire', (wire) => this.#guard(wire))
    torrent.on('close', () => this.close())
    this.limit(limit)
  }

  /** Holds from now on. */
  limit({ bytesPerSecond, bytesLeft }: UploadLimit): void {
    const wasSpent = this.isSpent
    this.#rate = bytesPerSecond
    this.#bytesLeft = bytesLeft
    this.#answer()
    if (this.isSpent) this.#chokeAll()
    else if (wasSpent) this.#torrent._rechoke() // by itself up to 10 s later
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#waiting.length = 0
  }

  /** Whether nothing may be sent any more. */
  get isSpent(): boolean {
    return this.#bytesLeft !== null && this.#bytesLeft <= 0
  }

  #guard(wire: Wire): void {
    // A choked peer is sent nothing; and here no other rule lets it back in.
    const unchoke = wire.unchoke.bind(wire)
    wire.unchoke = () => {
      if (!this.isSpent) unchoke()
    }
    // Nor do the torrent's own metadata go out, which choking does not stop.
    const extended = wire.extended.bind(wire)
    wire.extended = (name, message) => {
      if (name !== 'ut_metadata' || !this.isSpent) extended(name, message)
    }
    wire.on('upload', (bytes) => {
      if (this.#bytesLeft === null) return
      this.#bytesLeft -= bytes
      if (this.isSpent) this.#chokeAll()
    })
    // WebTorrent answers a request as soon as it hears of it.
    const emit = wire.emit.bind(wire)
    wire.emit = (event, ...values) => {
      if (event !== 'request' || this.#rate === null) return emit(event, ...values)
      const [piece, offset, length] = values as [number, number, number]
      const isSame = (other: Wire['peerRequests'][number]) =>
        other.piece === piece && other.offset === offset && other.length === length
      this.#waiting.push({
        bytes: length,
        isWanted: () => {
          if (wire.destroyed || !wire.peerRequests.some(isSame)) return false
          const isHere = this.#torrent.bitfield.get(piece)
          if (!isHere && wire.hasFast) wire.reject(piece, offset, length)
          return isHere
        },
        answer: () => emit(event, ...values),
      })
      this.#answer()
      return true
    }
  }

  #answer(): void {
    clearTimeout(this.#timer)
    const now = performance.now()
    while (this.#rate === null || this.#freeAt <= now) {
      const request = this.#waiting.shift()
      if (!request) return
      if (!request.isWanted()) continue
      const ms = this.#rate === null ? 0 : (request.bytes / this.#rate) * 1000
      this.#freeAt = Math.max(this.#freeAt, now - MAX_CREDIT_MS) + ms
      request.answer()
    }
    if (this.#waiting.length > 0) this.#timer = setTimeout(() => this.#answer(), this.#freeAt - now)
  }

  #chokeAll(): void {
    for (const wire of this.#torrent.wires) wire.choke()
  }
}
