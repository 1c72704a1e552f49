// The tracker, and what viewers do with it: announce when client/swarm/announce-plan.ts says so,
// offers that are handed on as server/tracker/acquaintances.ts says, connections that come up a while
// later or never.
// Mirrors tracker-client.ts and signalling.ts; `Simulation` owns it and asks it once a step.
import {
  offerPatience,
  planAnnounce,
  type TrackerAnswer,
} from '../../client/swarm/announce-plan.ts'
import { Acquaintances } from '../../server/tracker/acquaintances.ts'
import type { Random } from './random.ts'
import { latencyBetween, ORIGIN_PLACE, type Scenario } from './scenario.ts'
import type { SimulatedViewer } from './viewer.ts'
import { type Clock, Wire } from './wire.ts'

/** Offer, answer and ICE: seconds. */
const WIRE_SECONDS = [0.5, 1.5] as const
/** What the tracker tells viewers to wait between two announces. */
const INTERVAL_MS = 30_000

/** A viewer as the tracker knows it. */
interface Member {
  readonly viewer: SimulatedViewer
  /** Its place in the list, or -1 when it has left. */
  place: number
  /** Connected to, or about to be. */
  readonly contacts: Set<Member>
  wires: number
  /** Own offers that somebody has, or nobody will answer. */
  offersOut: number
  announcedAt: number | null
  /** Viewers that it is promised, as the answer to its last announce says. */
  wanted: number | null
  answer: TrackerAnswer | null
  answersAt: number
  thinRounds: number
  /** A peer has gone since the last announce. */
  hasLost: boolean
  jitter: number
  /** When there may be something to do next: seconds. */
  planAt: number
}

export class SimulatedTracker {
  readonly #world: Scenario
  readonly #random: Random
  readonly #clock: Clock
  readonly #members = new Map<SimulatedViewer, Member>()
  readonly #list: Member[] = []
  readonly #byId = new Map<string, Member>()
  readonly #acquaintances: Acquaintances
  /** What happens in a later step, by its number. */
  readonly #later = new Map<number, (() => void)[]>()

  constructor(world: Scenario, random: Random, clock: Clock) {
    this.#world = world
    this.#random = random
    this.#clock = clock
    this.#acquaintances = new Acquaintances({
      now: () => clock.now * 1000,
      random: () => random.next(),
    })
  }

  join(viewer: SimulatedViewer): void {
    const member: Member = {
      viewer,
      place: this.#list.length,
      contacts: new Set(),
      wires: 0,
      offersOut: 0,
      announcedAt: null,
      wanted: null,
      answer: null,
      answersAt: 0,
      thinRounds: 0,
      hasLost: false,
      jitter: this.#random.next(),
      planAt: 0,
    }
    this.#list.push(member)
    this.#acquaintances.join(viewer.visit.id)
    this.#members.set(viewer, member)
    this.#byId.set(viewer.visit.id, member)
  }

  leave(viewer: SimulatedViewer): void {
    const member = this.#members.get(viewer)
    if (!member) return
    this.#members.delete(viewer)
    this.#byId.delete(viewer.visit.id)
    this.#acquaintances.leave(viewer.visit.id)
    const last = this.#list.pop() as Member
    if (last !== member) {
      this.#list[member.place] = last
      last.place = member.place
    }
    member.place = -1
    for (const other of member.contacts) {
      other.contacts.delete(member)
      if (!other.viewer.disconnect(viewer)) continue // it was only about to be connected
      other.wires -= 1
      other.thinRounds = 1
      other.hasLost = true
      other.planAt = 0
    }
  }

  step(): void {
    const { now } = this.#clock
    const number = Math.round(now / this.#world.stepSeconds)
    for (const happen of this.#later.get(number) ?? []) happen()
    this.#later.delete(number)
    for (const member of this.#list) if (member.planAt <= now) this.#plan(member)
  }

  #plan(member: Member): void {
    const { now } = this.#clock
    if (member.announcedAt !== null && member.answer === null) {
      member.planAt = member.answersAt
      if (now < member.answersAt) return
      const others = this.#list.length - 1
      member.viewer.others = others
      member.answer = {
        others,
        intervalMs: INTERVAL_MS,
        refused: false,
        wanted: member.wanted,
        pairs: true,
      }
    }
    const { wantedWires, maxOffers, maxWires } = this.#world
    const room = maxWires - member.contacts.size
    const coming = member.contacts.size - member.wires
    const plan = planAnnounce({
      now: now * 1000,
      announcedAt: member.announcedAt === null ? null : member.announcedAt * 1000,
      answer: member.answer,
      thinRounds: member.thinRounds,
      hasLost: member.hasLost,
      wires: member.wires,
      wantedWires,
      pending: coming,
      coming,
      offerSlots: Math.max(0, Math.min(maxOffers - member.offersOut, room)),
      jitter: member.jitter,
    })
    member.planAt = plan.at / 1000
    if (member.planAt > now) return
    const isFirst = member.announcedAt === null
    if (plan.isThin) member.thinRounds += 1
    else member.thinRounds = isFirst ? 0 : 1
    member.announcedAt = now
    member.hasLost = false
    member.answer = null
    member.answersAt = now + 2 * latencyBetween(member.viewer.visit, ORIGIN_PLACE)
    member.planAt = member.answersAt
    member.jitter = this.#random.next()
    this.#introduce(member, plan.offers, isFirst)
  }

  /** Hands out the offers of a member, and promises it some of those that are left. */
  #introduce(member: Member, offers: number, isFirst: boolean): void {
    member.wanted = null
    if (offers === 0) return
    const { id } = member.viewer.visit
    const chosen = this.#acquaintances.introduce(id, offers)
    if (isFirst) member.wanted = this.#acquaintances.promise(id)
    for (const other of chosen) this.#offer(member, this.#byId.get(other) as Member)
  }

  #offer(member: Member, other: Member): void {
    member.offersOut += 1
    const settle = (): void => {
      member.offersOut -= 1
      member.planAt = 0
    }
    if (member.contacts.has(other) || other.contacts.size >= this.#world.maxWires) {
      this.#in(offerPatience(member.thinRounds) / 1000, settle) // nobody answers
      return
    }
    member.contacts.add(other)
    other.contacts.add(member)
    const toTracker = (each: Member) => latencyBetween(each.viewer.visit, ORIGIN_PLACE)
    const offered = toTracker(member) + toTracker(other)
    this.#in(offered, () => other.viewer.expect(member.viewer))
    this.#in(2 * offered, () => member.viewer.expect(other.viewer))
    this.#in(this.#random.between(...WIRE_SECONDS), () => {
      settle()
      if (member.place < 0 || other.place < 0) return // gone meanwhile
      this.#connect(member, other)
      this.#connect(other, member)
    })
  }

  #connect(member: Member, other: Member): void {
    const latency = latencyBetween(member.viewer.visit, other.viewer.visit)
    member.viewer.connect(new Wire(other.viewer, latency, this.#clock))
    member.wires += 1
    member.thinRounds = Math.min(1, member.thinRounds)
    member.planAt = 0
  }

  #in(seconds: number, happen: () => void): void {
    const step = Math.ceil((this.#clock.now + seconds) / this.#world.stepSeconds)
    const due = this.#later.get(step)
    if (due) due.push(happen)
    else this.#later.set(step, [happen])
  }
}
