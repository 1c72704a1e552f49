// The world that a simulation takes place in: who comes when, over which line, and how long they
// stay. Every assumption of the model that is a number stands here.
import { Random } from './random.ts'

export const ARRIVALS = ['together', 'staggered', 'poisson'] as const
/** All within one second; evenly spaced; at random moments, so many a minute on average. */
export type Arrivals = (typeof ARRIVALS)[number]

export interface AccessLink {
  readonly name: string
  /** Of all viewers; the shares add up to 1. */
  readonly share: number
  /** Megabits per second. */
  readonly down: number
  readonly up: number
  /** From the viewer to the network and back: milliseconds. */
  readonly latencyMs: number
  /** False where the browser knows that it is on cellular: then it takes and does not give. */
  readonly uploads: boolean
}

/** Only Chromium on Android tells a page that it is on cellular; other phones upload. */
const LINKS: readonly AccessLink[] = [
  { name: 'fibre', share: 0.25, down: 100, up: 40, latencyMs: 4, uploads: true },
  { name: 'cable', share: 0.4, down: 50, up: 10, latencyMs: 16, uploads: true },
  { name: 'DSL', share: 0.2, down: 16, up: 2.4, latencyMs: 30, uploads: true },
  { name: 'mobile', share: 0.05, down: 20, up: 5, latencyMs: 50, uploads: true },
  { name: 'cellular', share: 0.1, down: 20, up: 5, latencyMs: 50, uploads: false },
]

export interface Clip {
  readonly seconds: number
  /** Bits per second, constant. */
  readonly bitrate: number
}

export interface Scenario {
  readonly viewers: number
  readonly arrivals: Arrivals
  /** Staggered and Poisson arrivals: from the first to the last of them. */
  readonly arrivalSeconds: number
  readonly clip: Clip
  readonly links: readonly AccessLink[]
  /** Of those who could upload, so many do not: a share. */
  readonly freeRiders: number
  /** Share of the viewers present who give up within a minute. Nobody comes back. */
  readonly leavesPerMinute: number
  /** For how long the page stays open, seeding, after the end: seconds, on average. */
  readonly staysSeconds: number
  /** Bytes per second of the origin, or `null` for no limit. */
  readonly originUplink: number | null
  /** Connections per viewer at most. */
  readonly maxWires: number
  /** With that many a viewer looks for no more. */
  readonly wantedWires: number
  /** Open offers of a viewer. */
  readonly maxOffers: number
  /** Peers that a viewer sends to at once. */
  readonly uploadSlots: number
  /** Time is cut into steps of so many seconds. */
  readonly stepSeconds: number
  /** The policy is asked so often, and when a piece has come: seconds. */
  readonly tickSeconds: number
  readonly seed: number
}

/** Ten minutes at 3 Mbit/s. */
export const FILM: Clip = { seconds: 600, bitrate: 3e6 }
/** The clip of the benchmark with real browsers is so long. */
export const SHORT_CLIP: Clip = { seconds: 90, bitrate: 3e6 }

/** @returns a scenario with the assumptions of docs/simulation.md where `changes` does not say else */
export function scenario(
  changes: Partial<Scenario> & Pick<Scenario, 'viewers' | 'arrivals'>,
): Scenario {
  const clip = changes.clip ?? FILM
  return {
    arrivalSeconds: clip.seconds / 2,
    clip,
    links: LINKS,
    freeRiders: 0.05,
    leavesPerMinute: 0.02,
    staysSeconds: 30,
    originUplink: null,
    maxWires: 50, // these three as in client/swarm/signalling.ts
    wantedWires: 16,
    maxOffers: 5,
    uploadSlots: 10, // as WebTorrent
    ...pace(changes.viewers),
    seed: 1,
    ...changes,
  }
}

/** The browser ticks every 0.25 s; a crowd is simulated more coarsely, which makes it react later. */
function pace(viewers: number): Pick<Scenario, 'stepSeconds' | 'tickSeconds'> {
  if (viewers <= 100) return { stepSeconds: 0.05, tickSeconds: 0.25 }
  if (viewers <= 1000) return { stepSeconds: 0.1, tickSeconds: 0.5 }
  return { stepSeconds: 0.25, tickSeconds: 1 }
}

/** What is settled about a viewer before it comes. */
export interface Visit {
  readonly id: string
  /** Seconds from the start. */
  readonly arrivesAt: number
  /** When it gives up, unless the clip ends before; `Infinity` when it watches to the end. */
  readonly givesUpAt: number
  /** Seconds that it stays after the end. */
  readonly stays: number
  /** Bytes per second. */
  readonly down: number
  /** Bytes per second; 0 for those who do not upload. */
  readonly up: number
  /** False for those who say that they upload nothing; free-riders say nothing. */
  readonly sends: boolean
  /** Seconds one way between the viewer and the point (0, 0) … */
  readonly access: number
  /** … of a square of 1 by 1, where distance costs time as well. */
  readonly place: readonly [number, number]
  /** From the first frame until it is in the swarm and announces: seconds. */
  readonly joins: number
}

/** Across the square and back: seconds. */
const DIAMETER_SECONDS = 0.08

/** @returns seconds that a message takes between two places */
export function latencyBetween(a: Pick<Visit, 'place' | 'access'>, b: typeof a): number {
  const distance = Math.hypot(a.place[0] - b.place[0], a.place[1] - b.place[1])
  return 0.002 + a.access + b.access + (distance * DIAMETER_SECONDS) / 2
}

/** The origin stands in the middle, in a data centre. */
export const ORIGIN_PLACE = { place: [0.5, 0.5], access: 0 } as const

/** @returns all viewers in the order of their arrival, the same for the same scenario */
export function visits(world: Scenario): Visit[] {
  const random = new Random(world.seed)
  const starts = arrivalTimes(world, random)
  return starts.map((arrivesAt, i) => {
    const link = pick(world.links, random)
    const uploads = link.uploads && random.next() >= world.freeRiders
    return {
      id: `${i.toString(36)}-${random.below(36 ** 4).toString(36)}`,
      arrivesAt,
      givesUpAt:
        arrivesAt +
        random.exponential(world.leavesPerMinute ? 60 / world.leavesPerMinute : Infinity),
      stays: random.exponential(world.staysSeconds),
      down: (link.down * 1e6) / 8,
      up: uploads ? (link.up * 1e6) / 8 : 0,
      sends: link.uploads,
      access: link.latencyMs / 2000,
      place: [random.next(), random.next()],
      joins: random.between(0.3, 0.7),
    }
  })
}

function arrivalTimes(world: Scenario, random: Random): number[] {
  const { viewers, arrivals, arrivalSeconds } = world
  const gap = arrivalSeconds / Math.max(1, viewers - 1)
  let last = 0
  const next = (i: number): number => {
    if (arrivals === 'together') return random.next()
    if (arrivals === 'staggered') return i * gap
    last += random.exponential(gap)
    return last
  }
  return Array.from({ length: viewers }, (_, i) => next(i)).sort((a, b) => a - b)
}

function pick(links: readonly AccessLink[], random: Random): AccessLink {
  let rest = random.next()
  for (const link of links) {
    rest -= link.share
    if (rest < 0) return link
  }
  const last = links.at(-1)
  if (!last) throw new RangeError('A scenario needs at least one access link.')
  return last
}
