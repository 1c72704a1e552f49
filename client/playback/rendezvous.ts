// Highest random weight ("rendezvous") hashing: all viewers who know the same peers name the same
// one for a piece, without a word between them; when a viewer leaves, only its pieces move.

/**
 * @param piece number of the piece
 * @param ids peer ids, at least one, in any order
 * @returns the id that is to fetch the piece
 */
export function rendezvous(piece: number, ids: readonly string[]): string {
  let winner = ''
  let highest = -1
  for (const id of ids) {
    const weight = hash(`${piece}/${id}`)
    if (weight > highest || (weight === highest && id > winner)) {
      highest = weight
      winner = id
    }
  }
  return winner
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
