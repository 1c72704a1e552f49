// Highest random weight ("rendezvous") hashing: all viewers who know the same peers name the same
// one for a piece, without a word between them; when a viewer leaves, only its pieces move.

/**
 * @param piece number of the piece
 * @param ownId one of the viewers
 * @param others ids of the others, in any order
 * @returns 0 when `ownId` is to fetch the piece, 1 when it is to step in for the first, and so on
 */
export function rank(piece: number, ownId: string, others: Iterable<string>): number {
  const own = hash(`${piece}/${ownId}`)
  let before = 0
  for (const id of others) {
    const weight = hash(`${piece}/${id}`)
    if (weight > own || (weight === own && id > ownId)) before += 1
  }
  return before
}

/** @returns a number from 0 to `below` - 1, always the same for an id */
export function spread(id: string, below: number): number {
  return hash(id) % below
}

/** FNV-1a of 32 bits with a final avalanche, since ids may differ in their last digit only. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i += 1) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  }
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}
