// (b) Speed of piece hashing, from the page cache, beside one core of OpenSSL and the programs
// that people use today.
import { statSync } from 'node:fs'
import { GIB, longClip } from '../inputs.ts'
import type { Part } from '../part.ts'
import type { Comparison } from '../report.ts'
import { runRounds } from '../rounds.ts'
import { createTorrentPackage } from './create-torrent.ts'
import { mktorrent } from './mktorrent.ts'
import { openssl } from './openssl.ts'
import { ours, oursFromCold } from './ours.ts'

interface Input {
  readonly subject: string
  readonly size: number
  readonly rounds: number
  readonly budgetMs: number
  /** Ours ÷ OpenSSL on two cores, or `null` for inputs too small to have one. */
  readonly goal: number | null
}

const INPUTS: readonly Input[] = [
  { subject: '1 GiB', size: GIB, rounds: 7, budgetMs: 45_000, goal: 1.45 },
  { subject: '4 GiB', size: 4 * GIB, rounds: 5, budgetMs: 60_000, goal: 1.75 },
]
const QUICK_INPUTS: readonly Input[] = [
  { subject: '128 MiB', size: GIB / 8, rounds: 3, budgetMs: 10_000, goal: null },
]

export const hashing: Part = {
  name: 'hashing',
  async run({ quick }) {
    const contenders = [ours, oursFromCold, openssl, mktorrent, createTorrentPackage]
    const comparisons: Comparison[] = []
    for (const input of quick ? QUICK_INPUTS : INPUTS) {
      const path = await longClip(input.size)
      const megabytes = statSync(path).size / 1e6
      const speeds = contenders.map(({ name, hash }) => ({
        name,
        measure: async () => megabytes / (await hash(path)),
      }))
      // The first round brings the file into the page cache.
      const series = await runRounds(speeds, { warmUps: 1, ...input })
      const over = (name: string) => ({ contender: 'ours', over: name })
      comparisons.push({
        subject: input.subject,
        unit: 'MB/s',
        baseline: openssl.name,
        series,
        goals: [
          ...(input.goal === null
            ? []
            : [{ ...over(openssl.name), bound: 'at least' as const, value: input.goal }]),
          { ...over(mktorrent.name), bound: 'more than', value: 1 },
          { ...over(createTorrentPackage.name), bound: 'more than', value: 1 },
        ],
      })
    }
    return {
      title: 'Piece hashing',
      comparisons,
      figures: [],
      notes: [
        'From the page cache. The goals are for a machine with two cores. Where the threads are not ' +
          'started, their start counts, as the start of the other programs does.',
      ],
    }
  },
}
