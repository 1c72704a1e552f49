// How far ahead of playback pieces are wanted, whoever brings them: as little as smooth playback
// allows until the swarm is there, then more and more. Pure; the numbers are explained in
// docs/decisions/0010.
import { START_SECONDS } from '#protocol/early-request.ts'

export interface PolicySettings {
  /** Nothing is fetched that is needed later than that. */
  readonly lookAheadSeconds: number
  /** Nor anything further ahead of the reader than that. */
  readonly lookAheadBytes: number
  /** Playback shall not wait for a far origin: at least twice the way to it is looked ahead. */
  readonly bridgesLatency: boolean
}

/**
 * While the swarm is not there yet, every byte costs the origin a byte, however eagerly the browser
 * asks for more: just enough is fetched ahead to ride out a hiccup.
 */
const WAITING_SETTINGS: PolicySettings = {
  lookAheadSeconds: 8,
  lookAheadBytes: 64 * 1024 * 1024,
  bridgesLatency: true,
}

/** Before the first frame: what the decoder needs for it, with nothing beside it on the line. */
export const STARTING_SETTINGS: PolicySettings = {
  ...WAITING_SETTINGS,
  lookAheadSeconds: START_SECONDS,
  bridgesLatency: false,
}

/** The picture stands there, and may stand there for ever: whoever presses play has that to begin with. */
const RESTING_SETTINGS: PolicySettings = { ...STARTING_SETTINGS, lookAheadSeconds: 0 }

/** As `WAITING_SETTINGS` while the swarm is expected within seconds: peers will bring what is not fetched yet. */
export const JOINING_SETTINGS: PolicySettings = { ...WAITING_SETTINGS, lookAheadSeconds: 1.25 }

/** In the swarm, and without hope for one. */
export const SWARM_SETTINGS: PolicySettings = { ...WAITING_SETTINGS, lookAheadSeconds: 60 }

/** The tracker and WebRTC bring the first peer within some seconds, or there is none. */
const FIRST_PEER_SECONDS = 6
/** Beyond so many, more are not connected to. */
const MOST_STRANGERS = 16
/** Who has been in the swarm for `s` seconds looks ahead so much, and `s` times the growth. */
const FIRST_LOOK_AHEAD_SECONDS = 4
const LOOK_AHEAD_GROWTH = 1

/**
 * A viewer who has just met the first of its peers would take itself for one of two, and fetch half
 * of what everybody needs. So it looks further ahead only as it gets to know them.
 * @param seconds since the swarm was joined, 0 before
 * @param peers connected or expected, strangers as well
 */
function swarmSettings(seconds: number, peers: number): PolicySettings {
  if (peers === 0) return seconds < FIRST_PEER_SECONDS ? JOINING_SETTINGS : SWARM_SETTINGS
  const ahead = FIRST_LOOK_AHEAD_SECONDS + LOOK_AHEAD_GROWTH * seconds
  if (ahead >= SWARM_SETTINGS.lookAheadSeconds) return SWARM_SETTINGS
  return { ...SWARM_SETTINGS, lookAheadSeconds: ahead }
}

/**
 * @param seconds since the swarm was joined, 0 before
 * @param others viewers that the tracker knows besides us
 * @param known those that are connected or expected
 * @returns those that will soon be
 */
export function strangersAmong(seconds: number, others: number, known: number): number {
  return seconds < FIRST_PEER_SECONDS ? Math.max(0, Math.min(others, MOST_STRANGERS) - known) : 0
}

/** While the disk cannot keep up with the network, as little as playback can do with. */
const PRESSED_SETTINGS = { lookAheadSeconds: 4, lookAheadBytes: 8 * 1024 * 1024 }

/** How things stand for a viewer, as far as the look-ahead depends on it. */
export interface Standing {
  /**
   * `starting`: there is no picture yet, on a line that is not too slow for it. `resting`: there is,
   * and nobody has asked for more.
   */
  readonly stage: 'starting' | 'resting' | 'watching'
  /** `soon`: within seconds, for there is a torrent. `later`: for all we know there will be one. */
  readonly swarm: 'joined' | 'soon' | 'later' | 'never'
  /** Since the swarm was joined: seconds, 0 before. */
  readonly joinedSeconds: number
  /** Peers connected or expected, strangers as well. */
  readonly others: number
  /** The disk cannot keep up with the network. */
  readonly isPressed: boolean
}

export function lookAheadFor(standing: Standing): PolicySettings {
  const settings = unpressed(standing)
  if (!standing.isPressed) return settings
  const { lookAheadSeconds, lookAheadBytes } = PRESSED_SETTINGS
  return {
    ...settings,
    lookAheadSeconds: Math.min(settings.lookAheadSeconds, lookAheadSeconds),
    lookAheadBytes,
  }
}

function unpressed({ stage, swarm, joinedSeconds, others }: Standing): PolicySettings {
  if (stage === 'starting') return STARTING_SETTINGS
  if (stage === 'resting') return RESTING_SETTINGS
  switch (swarm) {
    case 'never':
      return SWARM_SETTINGS
    case 'later':
      return WAITING_SETTINGS
    case 'soon':
      return JOINING_SETTINGS
    case 'joined':
      return swarmSettings(joinedSeconds, others)
  }
}
