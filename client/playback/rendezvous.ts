// Highest random weight ("rendezvous") hashing: all viewers who know the same peers name the same
// one for a piece, without a word between them; when a viewer leaves, only its pieces move.

/**
 * @param piece number of the piece
 * @param ownId one of the viewers
 * @param others ids of the others, in any order
 * @returns 0 when `ownId` is to fetch the piece, 1 when it is to step in for the first, and so on
 */
export function rank(piece: number, ownId: string, others: Iterable<string>): number {
  const own = weight(piece, ownId)
  let before = 0
  for (const id of others) {
    const other = weight(piece, id)
    if (other > own || (other === own && id > ownId)) before += 1
  }
  return before
}

/** @returns a number from 0 to `below` - 1, always the same for an id */
export function spread(id: string, below: number): number {
  return hash(id) % below
}

/** @returns a number from 0 to 1, 1 not included, always the same for a piece and an id */
export function chance(piece: number, id: string): number {
  return weight(piece, id) / 2 ** 32
}

function weight(piece: number, id: string): number {
  return avalanche(hash(id) ^ Math.imul(piece + 1, 0x9e3779b1))
}

/** An id is hashed once: the policy weighs every wanted piece for every peer, over and over. */
const hashes = new Map<string, number>()
/** Far more than a viewer ever meets; a simulation of many viewers starts over now and then. */
const MAX_HASHES = 20_000

/** FNV-1a of 32 bits with a final avalanche, since ids may differ in their last digit only. */
function hash(text: string): number {
  const known = hashes.get(text)
  if (known !== undefined) return known
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i += 1) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  }
  const hashed = avalanche(value)
  if (hashes.size >= MAX_HASHES) hashes.clear()
  hashes.set(text, hashed)
  return hashed
}

/** The finalizer of MurmurHash3: every bit of the input changes every bit of the output. */
function avalanche(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
