// A file for tests of hashing, with the hashes that its torrent must have.
import { createHash, randomBytes } from 'node:crypto'
import { pieceLayout } from '#protocol/pieces.ts'

/** @returns `size` random bytes, their pieces, and the SHA-1 of each piece, one after the other */
export function exampleFile(size: number) {
  const bytes = randomBytes(size)
  const layout = pieceLayout(size)
  const expected = Buffer.concat(
    Array.from({ length: layout.count }, (_, index) =>
      createHash('sha1')
        .update(bytes.subarray(index * layout.pieceLength, (index + 1) * layout.pieceLength))
        .digest(),
    ),
  )
  return { bytes, layout, expected }
}
