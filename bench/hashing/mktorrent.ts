// mktorrent in C on two threads. Start of the program included (some milliseconds).
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pieceLengthFor } from '#protocol/pieces.ts'
import { runProgram } from '../programs.ts'
import type { HashingContender } from './contender.ts'

export const mktorrent: HashingContender = {
  name: 'mktorrent -t 2',
  async hash(path) {
    const exponent = Math.log2(pieceLengthFor((await stat(path)).size))
    const folder = await mkdtemp(join(tmpdir(), 'slipstream-mktorrent-'))
    try {
      const args = ['-t', '2', '-l', String(exponent), '-a', 'http://localhost/announce']
      const run = await runProgram('mktorrent', [...args, '-o', join(folder, 'out.torrent'), path])
      return run.seconds
    } finally {
      await rm(folder, { recursive: true })
    }
  },
}
