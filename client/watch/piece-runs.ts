// A title's pieces in the form that a picture and a sentence need.
import { PIECE, SHARED } from '../playback/piece-states.ts'

/** Neighbouring pieces in the same state. */
export interface PieceRun {
  readonly first: number
  /** The piece after the last one. */
  readonly end: number
  /** A value of `PIECE`. */
  readonly state: number
  readonly shared: boolean
}

/** @param states as in `PlaybackDetails.pieces` */
export function runsOf(states: Uint8Array): PieceRun[] {
  const runs: PieceRun[] = []
  let first = 0
  for (let end = 1; end <= states.length; end += 1) {
    const byte = states[first] ?? 0
    if (end < states.length && states[end] === byte) continue
    runs.push({ first, end, state: byte % SHARED, shared: byte >= SHARED })
    first = end
  }
  return runs
}

export interface PieceCounts {
  readonly total: number
  readonly server: number
  readonly peers: number
  readonly stored: number
  readonly arriving: number
  /** Of those held, whoever brought them. */
  readonly shared: number
}

/** @param states as in `PlaybackDetails.pieces` */
export function countPieces(states: Uint8Array): PieceCounts {
  const counts = { total: states.length, server: 0, peers: 0, stored: 0, arriving: 0, shared: 0 }
  for (const byte of states) {
    if (byte >= SHARED) counts.shared += 1
    const state = byte % SHARED
    if (state === PIECE.server) counts.server += 1
    else if (state === PIECE.peers) counts.peers += 1
    else if (state === PIECE.stored) counts.stored += 1
    else if (state === PIECE.arriving) counts.arriving += 1
  }
  return counts
}

/** The picture for those who do not see it; what is none is left out. */
export function describePieces(counts: PieceCounts): string {
  const { total, server, peers, stored, arriving, shared } = counts
  const held = server + peers + stored
  const from = [
    [server, 'from the server'],
    [peers, 'from other viewers'],
    [stored, 'from an earlier visit'],
  ] as const
  const sources = from.filter(([count]) => count > 0).map(([count, where]) => `${count} ${where}`)
  const parts = [
    `${held} of ${total} pieces are here${sources.length > 0 ? `: ${sources.join(', ')}` : ''}`,
  ]
  if (arriving > 0) parts.push(`${arriving} under way`)
  if (held > 0) parts.push(shared === 0 ? 'none can be shared yet' : `${shared} can be shared`)
  return `${parts.join('; ')}.`
}

/** Somebody who sent a part of what was received. */
export interface Sender {
  readonly name: string
  /** Whole ones of all that was received. */
  readonly percent: number
  /** Has sent nothing at all. */
  readonly isIdle: boolean
}

/** More than that are summed up in one entry. */
const MAX_SENDERS = 12

/**
 * @param received payload bytes of this visit, over HTTP and from all peers there have been
 * @param peers those that are connected
 * @returns who sent how much: the server, then the peers by what they sent; empty before anything
 *   came, and while nobody but the server is there
 */
export function sendersOf(
  received: { readonly server: number; readonly peers: number },
  peers: readonly { readonly number: number; readonly received: number }[],
): Sender[] {
  const total = received.server + received.peers
  if (total === 0 || (peers.length === 0 && received.peers === 0)) return []
  const sorted = [...peers].sort((a, b) => b.received - a.received || a.number - b.number)
  const senders: Sender[] = []
  const add = (name: string, bytes: number): void => {
    senders.push({ name, percent: Math.floor((100 * bytes) / total), isIdle: bytes === 0 })
  }
  add('Server', received.server)
  for (const { number, received: bytes } of sorted.slice(0, MAX_SENDERS)) {
    add(`Peer ${number}`, bytes)
  }
  const rest = sorted.slice(MAX_SENDERS)
  const bytesOf = (some: typeof rest) => some.reduce((sum, peer) => sum + peer.received, 0)
  if (rest.length > 0) add(`${rest.length} more`, bytesOf(rest))
  const left = received.peers - bytesOf(sorted)
  if (left > 0) add('Peers that left', left)
  return senders
}
