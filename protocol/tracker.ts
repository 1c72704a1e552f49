// What our tracker says to our players beyond the WebTorrent tracker protocol.

/**
 * A key of a message from the tracker: `true` asks to close all connections that came of this
 * swarm, because its publisher does not have its viewers connected any more.
 */
export const PART_KEY = 'slipstream part'
