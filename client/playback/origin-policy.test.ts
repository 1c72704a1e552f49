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
  JOINING_SETTINGS,
  lookAheadFor,
  type PolicySettings,
  STARTING_SETTINGS,
  SWARM_SETTINGS,
} from './look-ahead.ts'
import { decide, type PolicyPeer, type PolicySnapshot } from './origin-policy.ts'
import { rank } from './rendezvous.ts'

const KIB = 1024
/** 100 pieces of 256 KiB, one per second of playback. */
const layout = pieceLayout(100 * 256 * KIB)
const at = (index: number): PieceIndex => pieceIndex(layout, index)

function peer(
  id: string,
  pieces: readonly number[],
  rate = 1024 * KIB,
  choking = false,
  says: Partial<PolicyPeer> = {},
): PolicyPeer {
  const has = (index: PieceIndex) => pieces.includes(index)
  const silent = { promises: true, arrives: () => null, wants: () => true, sends: true }
  return { id, has, rate, choking, ...silent, ...says }
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
    waits: 0,
    bytesPerSecond: 256 * KIB,
    spans: [],
    originRate: 5 * 1024 * KIB,
    originLatencyMs: 50,
    peerSeconds: 1,
    originIsDown: false,
    spanPieces: 4,
    ownId: 'me',
    expected: [],
    strangers: 0,
    sends: true,
    peers: [],
    missing: () => null,
    queued: () => 0,
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

  test('a far origin is asked earlier, but not for a first frame', () => {
    const far = { originLatencyMs: 2_000, bufferedSeconds: 2 }
    const isAsked = (settings: PolicySettings) =>
      decide(snapshot({ ...far, settings })).fromOrigin.length > 0
    expect(isAsked(JOINING_SETTINGS)).toBe(true)
    expect(isAsked(STARTING_SETTINGS)).toBe(false)
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
  test('a reader that is through does not make everything urgent', () => {
    const through = { position: layout.size, end: layout.size, waiting: false }
    const reader = { position: 0, end: layout.size, waiting: false }
    const peers = [peer('a', every(0, 99))]
    const { fromOrigin } = decide(
      snapshot({ demands: [through, reader], bufferedSeconds: 5, peers }),
    )
    expect(fromOrigin).toEqual([])
  })

  test('what a fast peer has is left to it, and what is needed this instant is not', () => {
    const peers = [peer('a', every(0, 99))]
    const { fromOrigin, fromPeers } = decide(snapshot({ peers }))
    expect(fromOrigin).toEqual([{ first: 0, last: 0 }])
    expect(fromPeers).toEqual([{ first: 1, last: 60 }])
  })

  test('an urgent piece that only a choking peer has is fetched, the others are waited for', () => {
    const peers = [peer('a', every(0, 99), 0, true)]
    const { fromOrigin, fromPeers } = decide(snapshot({ peers }))
    expect(fromOrigin[0]?.first).toBe(0)
    expect(fromOrigin.at(-1)?.last).toBeLessThan(4)
    expect(fromPeers.at(-1)?.last).toBe(60)
  })

  test('a slow peer keeps only what it will bring in time', () => {
    const peers = [peer('a', every(0, 99), 64 * KIB)] // one piece in four seconds
    const { fromOrigin, fromPeers } = decide(snapshot({ peers, bufferedSeconds: 0.5 }))
    expect(fromOrigin[0]?.first).toBe(0)
    expect(fromOrigin.at(-1)?.last).toBeLessThan(4)
    const patient = decide(snapshot({ peers, bufferedSeconds: 6 }))
    expect(patient.fromOrigin).toEqual([])
    expect(fromPeers.at(-1)?.last).toBe(59)
    expect(patient.fromPeers[0]?.first).toBe(0)
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

  const ids = ['a', 'b', 'c', 'd', 'me']
  const others = ids.filter((id) => id !== 'me')
  const place = (piece: number) => rank(piece, 'me', others)
  /** Whom the hash names for a piece. */
  const firstFor = (piece: number) =>
    ids.find((id) => {
      const rivals = ids.filter((other) => other !== id)
      return rank(piece, id, rivals) === 0
    })
  /** A piece whose fetcher the hash names as `me` in that place, 20 s ahead of the reader. */
  const placed = (wanted: number) => every(20, 60).find((piece) => place(piece) === wanted) ?? -1
  const isAsked = (ranges: readonly { first: number; last: number }[], piece: number) =>
    ranges.some(({ first, last }) => first <= piece && piece <= last)

  test('what a peer says it is fetching is waited for, whatever the hash says', () => {
    const mine = placed(0)
    const arrives = (index: PieceIndex) => (index === mine ? 0.4 : null)
    const peers = others.map((id) => peer(id, [], 0, false, { arrives }))
    const { fromOrigin, fromPeers } = decide(snapshot({ peers, spanPieces: 1 }, every(0, mine - 1)))
    expect(isAsked(fromOrigin, mine)).toBe(false)
    expect(isAsked(fromPeers, mine)).toBe(true)
  })

  test('who is late is relieved by one after the other, in the order of the hash', () => {
    const seconds = [1, 2, 3, 4].map((wanted) => {
      const piece = placed(wanted)
      const peers = others.map((id) => peer(id, []))
      for (let ahead = 19; ahead > 0; ahead -= 0.1) {
        const held = every(0, piece - 1)
        const demands = [
          { position: pieceStart(layout, at(piece)), end: layout.size, waiting: false },
        ]
        const changes = { peers, demands, bufferedSeconds: ahead, spanPieces: 1 }
        if (isAsked(decide(snapshot(changes, held)).fromOrigin, piece)) return ahead
      }
      return 0
    })
    expect(seconds[0]).toBeGreaterThan(1)
    expect(seconds).toEqual([...seconds].sort((a, b) => b - a))
    expect(new Set(seconds).size).toBe(4)
  })

  test('a peer that is not heading for a piece is not expected to fetch it', () => {
    const piece = placed(1)
    const wants = (index: PieceIndex) => index >= 70
    const first = firstFor(piece)
    const peers = others.map((id) => peer(id, [], 0, false, id === first ? { wants } : {}))
    const { fromOrigin } = decide(snapshot({ peers, spanPieces: 1 }, every(0, piece - 1)))
    expect(isAsked(fromOrigin, piece)).toBe(true)
  })

  test('who does not upload is no source, and nobody to wait for', () => {
    const piece = placed(1)
    const first = firstFor(piece)
    const peers = others.map((id) =>
      id === first ? peer(id, every(0, 99), 0, false, { sends: false }) : peer(id, []),
    )
    const held = every(0, piece - 1)
    expect(isAsked(decide(snapshot({ peers, spanPieces: 1 }, held)).fromOrigin, piece)).toBe(true)
    const own = placed(0)
    const idle = { peers: others.map((id) => peer(id, [])), spanPieces: 1, sends: false }
    expect(isAsked(decide(snapshot(idle, every(0, own - 1))).fromOrigin, own)).toBe(false)
  })

  /** A peer that has nothing and takes no part in the order. */
  const bystander = { ...peer('bystander', []), sends: false }

  test('who has met nobody yet fetches nothing far ahead: those who come may have it', () => {
    const ahead = { spanPieces: 1, bufferedSeconds: 8 }
    const fetches = (changes: object) =>
      decide(snapshot({ ...ahead, ...changes })).fromOrigin.length > 0
    for (const ownId of every(1, 10).map((number) => `v${number}`)) {
      expect(fetches({ ownId, expected: ['soon'] })).toBe(false)
      expect(fetches({ ownId, strangers: 1 })).toBe(false)
      expect(fetches({ ownId, strangers: 1, bufferedSeconds: 1 })).toBe(true)
      expect(fetches({ ownId })).toBe(true) // nobody will come
    }
  })

  test('whoever is about to become a peer has its place in the order already', () => {
    const mine = placed(0)
    const theirs = placed(1)
    const soon = { expected: others, peers: [bystander], spanPieces: 1 }
    const fetched = (piece: number) =>
      isAsked(decide(snapshot(soon, every(0, piece - 1))).fromOrigin, piece)
    expect([fetched(mine), fetched(theirs)]).toEqual([true, false])
  })

  test('where strangers are about to come, about as many fetch a piece as if all knew each other', () => {
    const viewers = every(1, 10).map((number) => `v${number}`)
    const fetchers = (index: number) =>
      viewers.filter((ownId) => {
        const changes = { ownId, strangers: 9, peers: [bystander], spanPieces: 1 }
        return isAsked(decide(snapshot(changes, every(0, index - 1))).fromOrigin, index)
      }).length
    const counts = every(20, 60).map(fetchers)
    const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length
    expect(mean).toBeGreaterThan(0.2)
    expect(mean).toBeLessThan(1.2)
    // As the piece comes near, one after the other loses patience; in the end nobody waits.
    const changes = { strangers: 9, bufferedSeconds: 1, spanPieces: 1 }
    for (const ownId of viewers) {
      expect(isAsked(decide(snapshot({ ...changes, ownId })).fromOrigin, 0)).toBe(true)
    }
  })

  test('a piece whose last block waits at a slow peer is late, however fast the others are', () => {
    const peers = [peer('fast', every(0, 99)), peer('slow', every(0, 99), 8 * KIB)]
    const missing = (index: PieceIndex) => (index === 0 ? 16 * KIB : null)
    const changes = { peers, missing, bufferedSeconds: 1 }
    expect(decide(snapshot(changes)).fromPeers[0]?.first).toBe(0)
    const { fromOrigin } = decide(snapshot({ ...changes, queued: (i) => (i === 0 ? 2 : 0) }))
    expect(fromOrigin[0]?.first).toBe(0)
    const patient = { ...changes, bufferedSeconds: 5, queued: (i: number) => (i === 0 ? 2 : 0) }
    expect(decide(snapshot(patient)).fromPeers[0]?.first).toBe(0)
  })

  test('a peer is asked for what it can bring in time, or faster than playback takes it', () => {
    const slow = { queued: 0, rate: 16 * KIB, age: 0 }
    const soon = decide(snapshot({ bufferedSeconds: 2 }))
    expect(soon.mayAsk(at(0), slow)).toBe(true)
    expect(soon.mayAsk(at(0), { ...slow, age: 0.5 })).toBe(false)
    expect(soon.mayAsk(at(0), { ...slow, queued: 16 * KIB })).toBe(false)
    expect(soon.mayAsk(at(2), { ...slow, queued: 16 * KIB })).toBe(true)
    const now = decide(snapshot())
    expect(now.mayAsk(at(0), { ...slow, rate: 256 * KIB })).toBe(true)
    expect(now.mayAsk(at(0), { ...slow, rate: 0 })).toBe(true)
    expect(now.mayAsk(at(0), slow)).toBe(false)
    // Without an origin there is nobody else.
    expect(decide(snapshot({ originIsDown: true })).mayAsk(at(0), slow)).toBe(true)
  })

  test('in a crowd only a few of the first fetch far ahead', () => {
    const crowd = (who: number) => every(1, 20).map((i) => peer(`p${who}-${i}`, []))
    const fetchedAt = (ahead: number) => {
      const position = pieceStart(layout, at(100 - 60))
      const demands = [{ position, end: layout.size, waiting: false }]
      const viewers = every(0, 400).map((i) =>
        decide(snapshot({ ownId: `v${i}`, peers: crowd(i), demands, bufferedSeconds: ahead })),
      )
      return viewers.filter(({ fromOrigin }) => isAsked(fromOrigin, 40)).length
    }
    const [far, near] = [fetchedAt(32), fetchedAt(19)]
    expect(near).toBeGreaterThan(5)
    expect(far).toBeLessThan(near / 2)
  })

  test('near pieces come in order, those further ahead rarest first', () => {
    const common = every(0, 60).filter((piece) => piece < 30 || piece > 32)
    const peers = [peer('a', every(0, 60)), peer('b', common)]
    const { fromPeers } = decide(snapshot({ peers, bufferedSeconds: 2 }))
    const order = fromPeers.flatMap(({ first, last }) => every(first, last))
    expect(order.slice(0, 9)).toEqual(every(0, 8))
    expect(order.slice(9, 12).sort()).toEqual([30, 31, 32])
    expect(order).toHaveLength(59)
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
  const ranks = (among: readonly string[], id: string) =>
    every(0, 999).map((piece) =>
      rank(
        piece,
        id,
        among.filter((other) => other !== id),
      ),
    )
  for (const id of ids) {
    for (const place of every(0, 4)) {
      expect(ranks(ids, id).filter((is) => is === place).length).toBeGreaterThan(150)
    }
  }
  const winners = (among: readonly string[]) =>
    every(0, 999).map((piece) =>
      among.find(
        (id) =>
          rank(
            piece,
            id,
            among.filter((other) => other !== id),
          ) === 0,
      ),
    )
  const before = winners(ids)
  const after = winners(['e', 'd', 'b', 'a'])
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
      peerSeconds: 1,
      originIsDown: false,
      spanPieces: 4,
      waits: 0,
      ownId: viewer.id,
      expected: [],
      strangers: 0,
      queued: () => 0,
      sends: true,
      peers: peers.map((v) => ({
        id: v.id,
        has: (index) => v.held.has(index),
        choking: false,
        rate: viewer.rateOf.get(v.id) ?? 0,
        promises: v.spans.length > 0,
        arrives: (index) => v.arrives(index, originRate),
        wants: () => true,
        sends: true,
      })),
      missing: (index) => viewer.partial.get(index) ?? null,
      settings: lookAheadFor({
        hasBegun: true,
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
