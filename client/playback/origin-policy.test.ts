import { describe, expect, test } from 'vitest'
import {
  lengthOfPiece,
  type PieceIndex,
  type PieceLayout,
  pieceIndex,
  pieceLayout,
  pieceStart,
} from '#protocol/pieces.ts'
import {
  decide,
  JOINING_SETTINGS,
  type PolicyPeer,
  type PolicySnapshot,
  SWARM_SETTINGS,
} from './origin-policy.ts'
import { rendezvous } from './rendezvous.ts'

const KIB = 1024
/** 100 pieces of 256 KiB, one per second of playback. */
const layout = pieceLayout(100 * 256 * KIB)
const at = (index: number): PieceIndex => pieceIndex(layout, index)

function peer(
  id: string,
  pieces: readonly number[],
  rate = 1024 * KIB,
  choking = false,
): PolicyPeer {
  return { id, has: (index) => pieces.includes(index), rate, choking }
}

/** A viewer alone at the start of the file who holds `buffered` seconds. */
function snapshot(changes: Partial<PolicySnapshot> = {}, held: readonly number[] = []) {
  const position = changes.demands?.[0]?.position ?? 0
  return {
    layout,
    has: (index: PieceIndex) => held.includes(index),
    isFetching: () => false,
    demands: [{ position, end: layout.size, waiting: true }],
    bufferedSeconds: 0,
    bytesPerSecond: 256 * KIB,
    spans: [],
    originRate: 5 * 1024 * KIB,
    originLatencyMs: 50,
    originIsDown: false,
    spanPieces: 4,
    ownId: 'me',
    peers: [],
    missing: () => null,
    settings: SWARM_SETTINGS,
    ...changes,
  } satisfies PolicySnapshot
}

const every = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)

describe('alone', () => {
  test('the span that is needed first is fetched, and nothing beside it', () => {
    const { fromOrigin, fromPeers } = decide(snapshot())
    expect(fromOrigin).toEqual([{ first: 0, last: 3 }])
    expect(fromPeers).toEqual([])
  })

  test('the next span starts when the present one is about to end, not before', () => {
    const isFetching = (index: PieceIndex) => index < 4
    const span = (next: number) => [{ next, end: pieceStart(layout, at(4)) }]
    expect(decide(snapshot({ isFetching, spans: span(0) })).fromOrigin).toEqual([])
    const nearly = pieceStart(layout, at(4)) - 1000
    expect(decide(snapshot({ isFetching, spans: span(nearly) })).fromOrigin).toEqual([
      { first: 4, last: 7 },
    ])
  })

  test('a seek does not wait for the span under way', () => {
    const position = pieceStart(layout, at(80))
    const spans = [{ next: 0, end: pieceStart(layout, at(4)) }]
    const demands = [{ position, end: layout.size, waiting: true }]
    expect(decide(snapshot({ demands, spans })).fromOrigin).toEqual([{ first: 80, last: 83 }])
  })

  test('nothing is fetched when the look-ahead is full', () => {
    expect(decide(snapshot({ bufferedSeconds: 61 })).fromOrigin).toEqual([])
    expect(decide(snapshot({}, every(0, 60))).fromOrigin).toEqual([])
  })

  test('a short run at the horizon waits until it is a whole span', () => {
    const held = (last: number) => snapshot({}, every(0, last))
    expect(decide(held(58)).fromOrigin).toEqual([])
    expect(decide(held(56)).fromOrigin).toEqual([{ first: 57, last: 60 }])
  })

  test('the end of the file is fetched however short it is', () => {
    const demands = [{ position: pieceStart(layout, at(98)), end: layout.size, waiting: true }]
    const { fromOrigin } = decide(snapshot({ demands, bufferedSeconds: 20 }))
    expect(fromOrigin).toEqual([{ first: 98, last: 99 }])
  })

  test('while the swarm is awaited, only some seconds are fetched ahead', () => {
    const settings = JOINING_SETTINGS
    expect(decide(snapshot({ settings, bufferedSeconds: 8 })).fromOrigin).toEqual([])
    expect(decide(snapshot({ settings }, every(0, 8))).fromOrigin).toEqual([])
  })

  test('a second reader that waits is served too, a silent one is not', () => {
    const end = layout.size
    const first = { position: pieceStart(layout, at(50)), end, waiting: false }
    const others = [
      { position: 0, end, waiting: true },
      { position: pieceStart(layout, at(20)), end, waiting: false },
    ]
    const held = every(50, 99)
    expect(decide(snapshot({ demands: [first, ...others] }, held)).fromOrigin).toEqual([
      { first: 0, last: 0 },
    ])
  })
})

describe('with peers', () => {
  test('what a fast peer has is left to it, and what is needed this instant is not', () => {
    const peers = [peer('a', every(0, 99))]
    const { fromOrigin, fromPeers } = decide(snapshot({ peers }))
    expect(fromOrigin).toEqual([{ first: 0, last: 0 }])
    expect(fromPeers).toEqual([{ first: 1, last: 60 }])
  })

  test('an urgent piece that only a choking peer has is fetched', () => {
    const peers = [peer('a', every(0, 99), 0, true)]
    const { fromOrigin, fromPeers } = decide(snapshot({ peers, bufferedSeconds: 2 }))
    expect(fromOrigin).toEqual([{ first: 0, last: 2 }])
    expect(fromPeers[0]?.first).toBe(3)
  })

  test('a slow peer keeps only what it will bring in time', () => {
    const peers = [peer('a', every(0, 99), 64 * KIB)] // one piece in four seconds
    const { fromOrigin, fromPeers } = decide(snapshot({ peers, bufferedSeconds: 2 }))
    expect(fromOrigin).toEqual([{ first: 0, last: 1 }])
    expect(fromPeers[0]?.first).toBe(2)
  })

  test('a piece that a peer has begun with is taken over at the last moment only', () => {
    const peers = [peer('a', every(0, 99), 64 * KIB)]
    const missing = (index: PieceIndex) => (index === 0 ? 200 * KIB : null)
    const early = decide(snapshot({ peers, missing, bufferedSeconds: 2 }))
    expect(early.fromPeers[0]?.first).toBe(0)
    const late = decide(snapshot({ peers, missing, bufferedSeconds: 0.5 }))
    expect(late.fromOrigin[0]?.first).toBe(0)
  })

  test('with the origin down, even a slow peer keeps everything it has', () => {
    const peers = [peer('a', every(0, 99), KIB)]
    const { fromOrigin, fromPeers } = decide(snapshot({ peers, originIsDown: true }))
    expect(fromOrigin).toEqual([])
    expect(fromPeers).toEqual([{ first: 0, last: 60 }])
  })

  test('a piece that nobody has is fetched ahead by exactly one of them', () => {
    const ids = ['a', 'b', 'c', 'd']
    const fetched = new Map<number, number>()
    for (const ownId of ids) {
      const peers = ids.filter((id) => id !== ownId).map((id) => peer(id, []))
      for (let held = -1; ; ) {
        const base = { ownId, peers, bufferedSeconds: 10, spanPieces: 1 }
        const already = [...fetched].filter(([, by]) => by === ids.indexOf(ownId)).map(([i]) => i)
        const { fromOrigin } = decide(snapshot(base, already))
        const next = fromOrigin[0]?.first
        if (next === undefined || next === held) break
        expect(fetched.has(next)).toBe(false)
        fetched.set(next, ids.indexOf(ownId))
        held = next
      }
    }
    expect([...fetched.keys()].sort((a, b) => a - b)).toEqual(every(0, 50))
  })

  test('pieces held or under way are in no decision', () => {
    const peers = [peer('a', every(0, 99))]
    const isFetching = (index: PieceIndex) => index === 6
    const { fromPeers } = decide(snapshot({ peers, isFetching, bufferedSeconds: 1 }, [4, 5]))
    expect(fromPeers).toEqual([
      { first: 0, last: 3 },
      { first: 7, last: 59 },
    ])
  })
})

test('the rendezvous spreads pieces evenly and moves only those of a peer that left', () => {
  const ids = ['a', 'b', 'c', 'd', 'e']
  const before = every(0, 999).map((piece) => rendezvous(piece, ids))
  for (const id of ids) {
    expect(before.filter((winner) => winner === id).length).toBeGreaterThan(150)
  }
  const after = every(0, 999).map((piece) => rendezvous(piece, ['e', 'd', 'b', 'a']))
  expect(after.every((winner, i) => before[i] === 'c' || winner === before[i])).toBe(true)
})

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
      originIsDown: false,
      spanPieces: 4,
      ownId: viewer.id,
      peers: peers.map((v) => ({
        id: v.id,
        has: (index) => v.held.has(index),
        choking: false,
        rate: viewer.rateOf.get(v.id) ?? 0,
      })),
      missing: (index) => viewer.partial.get(index) ?? null,
      settings: viewer.joined(this.now) && peers.length > 0 ? SWARM_SETTINGS : JOINING_SETTINGS,
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
    ['start together', [0, 0.1, 0.2, 0.3, 0.4, 0.5], 1.7],
    ['come four seconds apart', [0, 4, 8, 12, 16, 20], 1.7],
    ['come one after the other', [0, 30, 60, 90, 120, 150], 1.7],
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
