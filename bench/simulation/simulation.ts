// Runs a scenario: the clock, the origin, the tracker and everybody's coming and going. The same
// scenario always gives the same outcome. What every line carries is divided anew in each step.
import { type PieceLayout, pieceLayout } from '#protocol/pieces.ts'
import { Random } from './random.ts'
import { latencyBetween, type Scenario, type Visit, visits } from './scenario.ts'
import { SimulatedViewer } from './viewer.ts'
import { Wire } from './wire.ts'

/** Offer, answer and ICE: seconds. */
const WIRE_SECONDS = [0.5, 1.5] as const
/** Draws from the tracker's list before an offer finds nobody. */
const DRAWS = 20

/** Two viewers on the way to a connection. */
interface Pending {
  readonly a: Membership
  readonly b: Membership
}

/** A viewer as the tracker knows it. */
interface Membership {
  readonly viewer: SimulatedViewer
  /** Its place in the tracker's list, or -1 when it is not there. */
  listed: number
  /** Connected to, or about to be. */
  readonly connections: Set<Membership>
  announcesAt: number
}

export class Simulation {
  readonly layout: PieceLayout
  readonly world: Scenario
  /** Everybody who has come so far. */
  readonly viewers: SimulatedViewer[] = []
  /** Payload bytes. */
  originBytes = 0
  now = 0
  readonly #clock: { now: number } = { now: 0 }
  readonly #random: Random
  readonly #coming: Visit[]
  #next = 0
  #present: Membership[] = []
  /** The tracker's list. */
  readonly #listed: Membership[] = []
  /** Connections by the number of the step in which they come up. */
  readonly #pending = new Map<number, Pending[]>()
  #steps = 0

  constructor(world: Scenario) {
    this.world = world
    this.layout = pieceLayout(Math.floor((world.clip.seconds * world.clip.bitrate) / 8))
    this.#coming = visits(world)
    this.#random = new Random(world.seed ^ 0x5bd1e995)
  }

  /** @returns false when everybody has come and gone */
  step(): boolean {
    const { stepSeconds, originUplink } = this.world
    this.#steps += 1
    this.now = this.#steps * stepSeconds
    this.#clock.now = this.now
    this.#admit()
    this.#connectPending()
    let flows = 0
    for (const { viewer } of this.#present) {
      viewer.shareUpload()
      if (originUplink !== null) flows += viewer.flows()
    }
    const share = originUplink === null ? Infinity : (originUplink * stepSeconds) / Math.max(1, flows)
    const count = this.#present.length
    const from = (this.#steps * 7919) % Math.max(1, count) // nobody is always served first
    for (let i = 0; i < count; i += 1) {
      const member = this.#present[(from + i) % count] as Membership
      this.originBytes += member.viewer.step(share)
      this.#visitTracker(member)
    }
    this.#dismiss()
    return this.#present.length > 0 || this.#next < this.#coming.length
  }

  /** Until everybody is gone, or for so many seconds. */
  run(seconds = Number.POSITIVE_INFINITY): this {
    while (this.now < seconds && this.step());
    return this
  }

  #admit(): void {
    for (; this.#next < this.#coming.length; this.#next += 1) {
      const visit = this.#coming[this.#next] as Visit
      if (visit.arrivesAt > this.now) break
      const viewer = new SimulatedViewer(visit, this.layout, this.world, this.#clock)
      this.viewers.push(viewer)
      this.#present.push({ viewer, listed: -1, connections: new Set(), announcesAt: Infinity })
    }
  }

  #visitTracker(member: Membership): void {
    if (member.viewer.mayJoin()) {
      member.listed = this.#listed.push(member) - 1
      member.announcesAt = this.now
    }
    if (this.now < member.announcesAt) return
    member.announcesAt = this.now + this.world.announceSeconds
    if (member.connections.size < this.world.thinBelow) this.#announce(member)
  }

  /** The tracker passes each offer on to somebody at random. */
  #announce(member: Membership): void {
    const { offers, maxWires } = this.world
    for (let i = 0; i < offers && member.connections.size < maxWires; i += 1) {
      for (let draw = 0; draw < DRAWS; draw += 1) {
        const other = this.#listed[this.#random.below(this.#listed.length)] as Membership
        if (other === member || member.connections.has(other)) continue
        if (other.connections.size >= maxWires) break // declined
        member.connections.add(other)
        other.connections.add(member)
        const step = Math.ceil(
          this.#steps + this.#random.between(...WIRE_SECONDS) / this.world.stepSeconds,
        )
        const due = this.#pending.get(step) ?? []
        this.#pending.set(step, due)
        due.push({ a: member, b: other })
        break
      }
    }
  }

  #connectPending(): void {
    for (const { a, b } of this.#pending.get(this.#steps) ?? []) {
      if (a.listed < 0 || b.listed < 0) continue // gone meanwhile
      const latency = latencyBetween(a.viewer.visit, b.viewer.visit)
      a.viewer.connect(new Wire(b.viewer, latency, this.#clock))
      b.viewer.connect(new Wire(a.viewer, latency, this.#clock))
    }
    this.#pending.delete(this.#steps)
  }

  #dismiss(): void {
    if (!this.#present.some(({ viewer }) => viewer.leavesAt <= this.now)) return
    this.#present = this.#present.filter((member) => {
      if (member.viewer.leavesAt > this.now) return true
      this.#unlist(member)
      member.viewer.close()
      for (const other of member.connections) {
        other.connections.delete(member)
        other.viewer.disconnect(member.viewer)
      }
      member.connections.clear()
      return false
    })
  }

  #unlist(member: Membership): void {
    if (member.listed < 0) return
    const last = this.#listed.pop() as Membership
    if (last !== member) {
      this.#listed[member.listed] = last
      last.listed = member.listed
    }
    member.listed = -1
  }
}
