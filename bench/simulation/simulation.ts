// Runs a scenario: the clock, the origin, and everybody's coming and going. The same scenario always
// gives the same outcome. What every line carries is divided anew in each step.
import { type PieceLayout, pieceLayout } from '#protocol/pieces.ts'
import { Ledger } from './ledger.ts'
import { Random } from './random.ts'
import { type Scenario, type Visit, visits } from './scenario.ts'
import { SimulatedTracker } from './tracker.ts'
import { SimulatedViewer, type Surroundings } from './viewer.ts'

export class Simulation {
  readonly layout: PieceLayout
  readonly world: Scenario
  /** Everybody who has come so far. */
  readonly viewers: SimulatedViewer[] = []
  /** Payload bytes that the origin has sent. */
  originBytes = 0
  readonly #clock = { now: 0 }
  readonly #surroundings: Surroundings
  readonly #tracker: SimulatedTracker
  readonly #coming: readonly Visit[]
  #present: SimulatedViewer[] = []
  #steps = 0

  constructor(world: Scenario) {
    this.world = world
    this.layout = pieceLayout(Math.floor((world.clip.seconds * world.clip.bitrate) / 8))
    this.#coming = visits(world)
    const ledger = new Ledger(this.#coming.length, this.layout.count)
    this.#surroundings = { world, layout: this.layout, clock: this.#clock, ledger }
    this.#tracker = new SimulatedTracker(world, new Random(~world.seed), this.#clock)
  }

  /** Seconds since the start. */
  get now(): number {
    return this.#clock.now
  }

  /** Until everybody is gone, or for so many seconds. */
  run(seconds = Number.POSITIVE_INFINITY): this {
    while (this.now < seconds && this.step());
    return this
  }

  /** @returns false when everybody has come and gone */
  step(): boolean {
    const { stepSeconds } = this.world
    this.#steps += 1
    this.#clock.now = this.#steps * stepSeconds
    this.#admit()
    this.#tracker.step()
    for (const viewer of this.#present) viewer.shareUpload()
    const originShare = this.#shareOrigin()
    const count = this.#present.length
    const from = (this.#steps * 7919) % Math.max(1, count) // nobody is always served first
    for (let i = 0; i < count; i += 1) {
      const viewer = this.#present[(from + i) % count] as SimulatedViewer
      this.originBytes += viewer.step(originShare)
      if (viewer.mayJoin()) this.#tracker.join(viewer)
    }
    this.#dismiss()
    return this.#present.length > 0 || this.viewers.length < this.#coming.length
  }

  #admit(): void {
    for (;;) {
      const visit = this.#coming[this.viewers.length]
      if (!visit || visit.arrivesAt > this.now) return
      const viewer = new SimulatedViewer(visit, this.#surroundings, this.viewers.length)
      this.viewers.push(viewer)
      this.#present.push(viewer)
    }
  }

  /** @returns bytes that each request under way may get in this step */
  #shareOrigin(): number {
    const { originUplink, stepSeconds } = this.world
    if (originUplink === null) return Number.POSITIVE_INFINITY
    const flows = this.#present.reduce((sum, viewer) => sum + viewer.origin.flows(), 0)
    return (originUplink * stepSeconds) / Math.max(1, flows)
  }

  #dismiss(): void {
    if (!this.#present.some(({ leavesAt }) => leavesAt <= this.now)) return
    this.#present = this.#present.filter((viewer) => {
      if (viewer.leavesAt > this.now) return true
      this.#tracker.leave(viewer)
      viewer.close()
      return false
    })
  }
}
