// The server's piece hasher, twice: with its threads there, as after an upload, whose last bytes have
// them started; and with threads that start with the file, as when a build is tried again later.
import '../../server/compile-cache.ts'
import { stat } from 'node:fs/promises'
import { pieceLayout } from '#protocol/pieces.ts'
import { PieceHasher } from '../../server/hashing/piece-hasher.ts'
import type { HashingContender } from './contender.ts'

/** Much longer than the threads take; the server has the end of the upload and the probe for it. */
const AHEAD_MS = 500

export const ours: HashingContender = contender('ours', async (hasher) => {
  hasher.warm()
  await new Promise((resolve) => setTimeout(resolve, AHEAD_MS))
})

export const oursFromCold: HashingContender = contender('ours, threads not started', async () => {})

/** @param prepare what is done before the clock starts */
function contender(
  name: string,
  prepare: (hasher: PieceHasher) => Promise<void>,
): HashingContender {
  return {
    name,
    async hash(path) {
      const layout = pieceLayout((await stat(path)).size)
      const hasher = new PieceHasher()
      try {
        await prepare(hasher)
        const startedAt = performance.now()
        await hasher.hash(path, layout)
        return (performance.now() - startedAt) / 1000
      } finally {
        await hasher.close()
      }
    },
  }
}
