import { describe, expect, test } from 'vitest'
import { type PieceIndex, pieceIndex, pieceLayout, pieceStart } from '#protocol/pieces.ts'
import {
  JOINING_SETTINGS,
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
  const silent = {
    promises: true,
    arrives: () => null,
    wants: () => true,
    withholds: false,
    sends: true,
    answers: true,
    leads: true,
  }
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
    leads: true,
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

  test('who keeps everybody out of a small swarm counts for nothing, and the others look further', () => {
    const taker = peer('a', every(0, 99), 0, true, { withholds: true })
    const reader = { position: pieceStart(layout, at(5)), end: layout.size, waiting: false }
    const alone = { spanPieces: 1, bufferedSeconds: 5, demands: [reader] }
    expect(decide(snapshot({ ...alone, peers: [taker] }))).toMatchObject({
      fromOrigin: [{ first: 5 }, { first: 6 }, { first: 7 }],
      wanted: { first: 5, last: 62 },
    })
    const isUnheard = { ...taker, withholds: false }
    expect(decide(snapshot({ ...alone, peers: [isUnheard] }))).toMatchObject({
      fromOrigin: [],
      wanted: { first: 5, last: 60 },
    })
    // Where there are more than slots, whoever chokes is sending to others.
    const crowd = Array.from({ length: 16 }, (_, n) => ({ ...taker, id: `c${n}` }))
    expect(decide(snapshot({ ...alone, peers: crowd }))).toMatchObject({
      fromOrigin: [],
      wanted: { first: 5, last: 60 },
    })
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
    // It looks slow, but that may pass: a fetch takes a tenth of a second.
    const soon = decide(snapshot({ peers, missing, bufferedSeconds: 1 }))
    expect(soon.fromPeers[0]?.first).toBe(0)
    expect(decide(snapshot({ peers, bufferedSeconds: 1 })).fromOrigin[0]?.first).toBe(0)
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

  test('a peer that has said so much as that it looks ahead to the piece before is', () => {
    const piece = placed(1)
    const first = firstFor(piece)
    const asks = (lastWanted: number) => {
      const wants = (index: PieceIndex) => index <= lastWanted
      const peers = others.map((id) => peer(id, [], 0, false, id === first ? { wants } : {}))
      const { fromOrigin } = decide(snapshot({ peers, spanPieces: 1 }, every(0, piece - 1)))
      return isAsked(fromOrigin, piece)
    }
    expect([asks(piece), asks(piece - 1), asks(piece - 2)]).toEqual([false, false, true])
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

  test('who does not answer brings nothing, and keeps its place', () => {
    const silent = (id: string, pieces: readonly number[]) =>
      peer(id, pieces, 0, false, { answers: false })
    const asks = (piece: number, says: object = {}) => {
      const peers = others.map((id) => ({ ...silent(id, []), ...says }))
      const held = every(0, piece - 1)
      return isAsked(
        decide(snapshot({ peers, spanPieces: 1, bufferedSeconds: 4 }, held)).fromOrigin,
        piece,
      )
    }
    expect([asks(placed(0)), asks(placed(1))]).toEqual([true, false])
    expect(asks(placed(0), { arrives: () => 0 })).toBe(true) // its promise counts for nothing
    expect(asks(placed(0), { arrives: () => 0, answers: true })).toBe(false)
    const holders = others.map((id) => silent(id, every(0, 99)))
    const { fromOrigin } = decide(snapshot({ peers: holders, bufferedSeconds: 0.5 }))
    expect(fromOrigin[0]?.first).toBe(0)
  })

  test('who uploads too slowly is led by others, and leads when nobody else can', () => {
    const [mine, theirs] = [placed(0), placed(1)]
    const fetched = (piece: number, leads: boolean, others_: readonly PolicyPeer[]) => {
      const changes = { peers: others_, spanPieces: 1, leads }
      return isAsked(decide(snapshot(changes, every(0, piece - 1))).fromOrigin, piece)
    }
    const quick = others.map((id) => peer(id, []))
    const slow = others.map((id) => peer(id, [], 0, false, { leads: false }))
    const withSlowFirst = quick.map((other) => ({ ...other, leads: other.id !== firstFor(theirs) }))
    expect(fetched(theirs, true, withSlowFirst)).toBe(true)
    expect(fetched(mine, false, quick)).toBe(false)
    expect(fetched(theirs, true, slow)).toBe(true)
    expect([fetched(mine, false, slow), fetched(theirs, false, slow)]).toEqual([true, false])
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
      // Nor in time for it to spread: there is nobody to pass it on to.
      expect(fetches({ ownId, strangers: 1, bufferedSeconds: 2 })).toBe(false)
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
    const changes = { peers, missing, bufferedSeconds: 0.5 }
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
