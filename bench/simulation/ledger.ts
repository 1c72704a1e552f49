// What viewers and wires look up about each other in every step, side by side in a few arrays. Of ten
// thousand viewers nothing stays in the processor's cache: as fields of objects, where each number
// is an object of its own, the same figures take twice the time.

/** Numbers of a wire. */
const WIRE_NUMBERS = 8
/** Wires whose numbers are made room for at once. */
const WIRES_AT_ONCE = 4096

/** Made by a simulation for its viewers, who are known by their numbers here. */
export class Ledger {
  /** For each viewer and each piece whether it is held: 1 or 0. */
  readonly held: Uint8Array
  /** When the viewer's latest piece came. */
  readonly newestAt: Float64Array
  /** What each of those it sends to gets in the present step: bytes. */
  readonly uploadShare: Float64Array
  /** Peers that it sends to at present. */
  readonly served: Int32Array
  /** When it last turned a peer away for want of a slot. */
  readonly refusedAt: Float64Array
  #wires = new Float64Array(0)
  #wiresTaken = WIRES_AT_ONCE

  constructor(viewers: number, pieces: number) {
    this.held = new Uint8Array(viewers * pieces)
    this.newestAt = new Float64Array(viewers).fill(Number.NEGATIVE_INFINITY)
    this.uploadShare = new Float64Array(viewers)
    this.served = new Int32Array(viewers)
    this.refusedAt = new Float64Array(viewers).fill(Number.NEGATIVE_INFINITY)
  }

  /** @returns eight zeros for a wire: an array and where in it they begin */
  takeNumbers(): { readonly numbers: Float64Array; readonly from: number } {
    if (this.#wiresTaken === WIRES_AT_ONCE) {
      this.#wires = new Float64Array(WIRES_AT_ONCE * WIRE_NUMBERS)
      this.#wiresTaken = 0
    }
    const from = this.#wiresTaken * WIRE_NUMBERS
    this.#wiresTaken += 1
    return { numbers: this.#wires, from }
  }
}
