// Takes the requests of a peer no faster than it takes our answers: WebTorrent reads and queues all
// that is asked for at once, and a peer that asks for a gigabyte and does not listen would have it in
// our memory. What waits may be withdrawn meanwhile. What is not here is refused, so that nobody
// waits for it. To be made after whatever else holds requests back.
import type { Torrent, Wire } from 'webtorrent/dist/webtorrent.min.js'

/** Being read or waiting to go out, for one peer: half a second at 8 Mbit/s. */
const MAX_QUEUED_BYTES = 512 * 1024
/** The network says when it has taken what it had; should it not, is looked. Milliseconds. */
const LOOK_MS = 1000

type PeerRequest = Wire['peerRequests'][number]

/** Works for every wire from now on. */
export function takeRequestsSlowly(torrent: Torrent): void {
  torrent.on('wire', (wire) => {
    const intake = new RequestIntake(torrent, wire)
    wire.on('close', () => intake.close())
  })
}

class RequestIntake {
  readonly #torrent: Torrent
  readonly #wire: Wire
  readonly #pass: Wire['emit']
  readonly #waiting: { readonly request: PeerRequest; readonly values: unknown[] }[] = []
  /** Handed on, not answered yet. */
  #passed: PeerRequest[] = []
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(torrent: Torrent, wire: Wire) {
    this.#torrent = torrent
    this.#wire = wire
    this.#pass = wire.emit.bind(wire)
    wire.emit = (event, ...values) => {
      const request = event === 'request' ? wire.peerRequests.at(-1) : undefined
      if (!request) return this.#pass(event, ...values)
      this.#waiting.push({ request, values })
      this.#answer()
      return true
    }
    wire.on('upload', () => this.#answer())
    wire.on('cancel', () => this.#answer())
    // Timers are slow in a tab that nobody looks at; the stream asks for more whenever it is empty.
    const read = wire._read.bind(wire)
    wire._read = (done) => {
      read(done)
      if (this.#waiting.length > 0) queueMicrotask(() => this.#answer())
    }
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#waiting.length = 0
  }

  #answer(): void {
    clearTimeout(this.#timer)
    const wire = this.#wire
    while (this.#waiting.length > 0 && this.#queued() < MAX_QUEUED_BYTES) {
      const next = this.#waiting.shift()
      if (!next || wire.destroyed || !wire.peerRequests.includes(next.request)) continue
      const { piece, offset, length } = next.request
      if (!this.#torrent.bitfield.get(piece)) {
        if (wire.hasFast) wire.reject(piece, offset, length)
        continue
      }
      this.#passed.push(next.request)
      this.#pass('request', ...next.values)
    }
    if (this.#waiting.length > 0) this.#timer = setTimeout(() => this.#answer(), LOOK_MS)
  }

  #queued(): number {
    const { peerRequests } = this.#wire
    // One for a piece that was given up meanwhile may stay among them for ever.
    this.#passed = this.#passed.filter(
      (request) => peerRequests.includes(request) && this.#torrent.bitfield.get(request.piece),
    )
    const sent = this.#wire._readableState.buffered
    return this.#passed.reduce((sum, { length }) => sum + length, sent)
  }
}
