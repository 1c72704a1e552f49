// The policy at work: six viewers in steps of 50 ms. (bench/simulation has crowds, and real lines.)
import { describe, expect, test } from 'vitest'
import {
  lengthOfPiece,
  type PieceIndex,
  type PieceLayout,
  pieceLayout,
  pieceStart,
} from '#protocol/pieces.ts'
import { lookAheadFor } from './look-ahead.ts'
import { decide } from './origin-policy.ts'

/** Six viewers, the origin and the lines between them, in steps of 50 ms on a clock of its own. */
class SimulatedSwarm {
  readonly viewers: SimulatedViewer[]
  originBytes = 0
  now = 0
  readonly #layout: PieceLayout

  constructor(film: PieceLayout, bytesPerSecond: number, startsAt: readonly number[]) {
    this.#layout = film
    this.viewers = startsAt.map(
      (startAt, i) => new SimulatedViewer(`v${i}`, bytesPerSecond, startAt),
    )
  }

  run(seconds: number, rates: { origin: number; peerUpload: number }): void {
    const step = 0.05
    for (; this.now < seconds; this.now += step) {
      const here = this.viewers.filter(({ startAt }) => startAt <= this.now)
      for (const viewer of here) this.#decide(viewer, here, rates.origin)
      for (const viewer of here) {
        this.originBytes += viewer.receive(this.#layout, rates.origin * step)
        viewer.play(this.#layout, step)
      }
      for (const sender of here) {
        const wanting = here.filter((v) => v !== sender && v.wantsFrom(sender, this.now))
        for (const viewer of wanting) {
          viewer.receiveFrom(this.#layout, sender, (rates.peerUpload * step) / wanting.length)
        }
      }
    }
  }

  #decide(viewer: SimulatedViewer, here: readonly SimulatedViewer[], originRate: number): void {
    const connected = here.filter((v) => v !== viewer && v.joined(this.now))
    const peers = viewer.joined(this.now) ? connected : []
    const { fromOrigin, fromPeers } = decide({
      layout: this.#layout,
      has: (index) => viewer.held.has(index),
      isFetching: (index) => viewer.spans.some((s) => s.piece <= index && index <= s.last),
      demands: [{ position: viewer.position, end: this.#layout.size, waiting: true }],
      bufferedSeconds: viewer.bufferedSeconds,
      bytesPerSecond: viewer.bytesPerSecond,
      spans: viewer.spans,
      originRate,
      originLatencyMs: 50,
      peerSeconds: 1,
      originIsDown: false,
      spanPieces: 4,
      waits: 0,
      ownId: viewer.id,
      expected: [],
      strangers: 0,
      queued: () => 0,
      sends: true,
      leads: true,
      peers: peers.map((v) => ({
        id: v.id,
        has: (index) => v.held.has(index),
        choking: false,
        withholds: false,
        rate: viewer.rateOf.get(v.id) ?? 0,
        promises: v.spans.length > 0,
        arrives: (index) => v.arrives(index, originRate),
        wants: () => true,
        sends: true,
        answers: true,
        leads: true,
      })),
      missing: (index) => viewer.partial.get(index) ?? null,
      settings: lookAheadFor({
        stage: 'watching',
        swarm: viewer.joined(this.now) ? 'joined' : 'soon',
        joinedSeconds: this.now - viewer.startAt - 2,
        others: peers.length,
        isPressed: false,
      }),
    })
    viewer.fromPeers = fromPeers
    for (const { first, last } of fromOrigin) {
      for (let index: number = first; index <= last; index += 1) {
        viewer.partial.delete(index as PieceIndex)
      }
      viewer.spans.push({
        piece: first,
        last,
        next: pieceStart(this.#layout, first),
        end: pieceStart(this.#layout, last) + lengthOfPiece(this.#layout, last),
      })
    }
  }
}

class SimulatedViewer {
  readonly id: string
  readonly bytesPerSecond: number
  readonly startAt: number
  readonly held = new Set<PieceIndex>()
  readonly partial = new Map<PieceIndex, number>()
  readonly rateOf = new Map<string, number>()
  spans: { piece: PieceIndex; last: PieceIndex; next: number; end: number }[] = []
  fromPeers: readonly { first: PieceIndex; last: PieceIndex }[] = []
  position = 0
  bufferedSeconds = 0
  started = false
  stalls = 0

  constructor(id: string, bytesPerSecond: number, startAt: number) {
    this.id = id
    this.bytesPerSecond = bytesPerSecond
    this.startAt = startAt
  }

  /** What it tells its peers of its requests. */
  arrives(index: PieceIndex, originRate: number): number | null {
    const span = this.spans.find(({ piece, last }) => piece <= index && index <= last)
    if (!span) return null
    const pieceLength = (span.end - span.next) / Math.max(1, span.last - span.piece + 1)
    return (pieceLength * (index - span.piece + 1)) / originRate
  }

  /** Connections to the others take two seconds. */
  joined(now: number): boolean {
    return now >= this.startAt + 2
  }

  /** The origin's line is shared by the spans. @returns bytes received */
  receive(film: PieceLayout, bytes: number): number {
    let received = 0
    for (const span of this.spans) {
      const part = Math.min(bytes / this.spans.length, span.end - span.next)
      span.next += part
      received += part
      while (
        span.piece <= span.last &&
        span.next >= pieceStart(film, span.piece) + lengthOfPiece(film, span.piece) - 0.5
      ) {
        this.held.add(span.piece)
        span.piece = (span.piece + 1) as PieceIndex
      }
    }
    this.spans = this.spans.filter(({ piece, last }) => piece <= last)
    return received
  }

  #next(sender: SimulatedViewer): PieceIndex | null {
    for (const { first, last } of this.fromPeers) {
      for (let index = first; index <= last; index = (index + 1) as PieceIndex) {
        if (sender.held.has(index) && !this.held.has(index)) return index
      }
    }
    return null
  }

  wantsFrom(sender: SimulatedViewer, now: number): boolean {
    return this.joined(now) && sender.joined(now) && this.#next(sender) !== null
  }

  receiveFrom(film: PieceLayout, sender: SimulatedViewer, bytes: number): void {
    this.rateOf.set(sender.id, bytes * 20)
    const index = this.#next(sender)
    if (index === null) return
    const missing = (this.partial.get(index) ?? lengthOfPiece(film, index)) - bytes
    if (missing > 0) this.partial.set(index, missing)
    else {
      this.partial.delete(index)
      this.held.add(index)
    }
  }

  /** A browser pulls whatever is there and plays. */
  play(film: PieceLayout, seconds: number): void {
    for (;;) {
      const index = Math.floor(this.position / film.pieceLength) as PieceIndex
      if (this.position >= film.size || !this.held.has(index)) break
      const bytes = lengthOfPiece(film, index)
      this.position += bytes
      this.bufferedSeconds += bytes / this.bytesPerSecond
    }
    if (this.bufferedSeconds >= seconds) {
      this.started = true
      this.bufferedSeconds -= seconds
    } else if (this.started && this.position < film.size) {
      this.stalls += 1
      this.bufferedSeconds = 0
    }
  }
}

describe('six simulated viewers of a film of 90 s at 4 Mbit/s', () => {
  const film = pieceLayout(90 * 500_000)
  const rates = { origin: 2_500_000, peerUpload: 1_500_000 }

  test.each([
    ['start together', [0, 0.1, 0.2, 0.3, 0.4, 0.5], 1.25],
    ['come four seconds apart', [0, 4, 8, 12, 16, 20], 1.25],
    ['come one after the other', [0, 30, 60, 90, 120, 150], 1.25],
  ])('who %s cost the origin fewer than two copies and never stall', (_how, startsAt, most) => {
    const swarm = new SimulatedSwarm(film, 500_000, startsAt)
    swarm.run(260, rates)
    expect(swarm.viewers.map(({ stalls }) => stalls)).toEqual([0, 0, 0, 0, 0, 0])
    expect(swarm.viewers.every(({ held }) => held.size === film.count)).toBe(true)
    expect(swarm.originBytes / film.size).toBeLessThan(most)
  })

  test('who have slow uplinks still never stall', () => {
    const swarm = new SimulatedSwarm(film, 500_000, [0, 1, 2, 3, 4, 5])
    swarm.run(120, { ...rates, peerUpload: 150_000 })
    expect(swarm.viewers.map(({ stalls }) => stalls)).toEqual([0, 0, 0, 0, 0, 0])
  })
})
