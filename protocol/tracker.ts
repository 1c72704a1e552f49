// What our tracker says to our players beyond the WebTorrent tracker protocol.

/**
 * A key of a message from the tracker: `true` asks to close all connections that came of this
 * swarm, because its publisher does not have its viewers connected any more.
 */
export const PART_KEY = 'slipstream part'

/**
 * A key of the answer to an announce with offers: how many of them, from the first, were handed to
 * viewers; and, to a viewer that has just come, for how many more viewers offers are wanted. Nobody
 * else is asked to make those.
 */
export const OFFERS_KEY = 'slipstream offers'
export interface OffersTaken {
  readonly taken: number
  readonly wanted: number | null
}
