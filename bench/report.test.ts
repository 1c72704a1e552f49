import { describe, expect, it } from 'vitest'
import { isReached, type PartReport, renderPart } from './report.ts'

const part: PartReport = {
  title: 'Piece hashing',
  comparisons: [
    {
      subject: '1 GiB',
      unit: 'MB/s',
      baseline: 'openssl',
      series: [
        { contender: 'openssl', values: [1000, 1000, 1000] },
        { contender: 'ours', values: [1500, 1600, 1400] },
        { contender: 'mktorrent', values: [], failure: 'Debian package mktorrent is missing' },
      ],
      goals: [
        { contender: 'ours', over: 'openssl', bound: 'at least', value: 1.45 },
        { contender: 'ours', over: 'mktorrent', bound: 'more than', value: 1 },
      ],
    },
  ],
  figures: [
    { subject: 'p99', value: 12.34, unit: 'ms', goal: { bound: 'at most', value: 10 } },
    { subject: 'p50', value: 1, unit: 'ms', goal: null },
  ],
  notes: ['Read this.'],
}

describe('renderPart', () => {
  const rows = renderPart(part)
    .split('\n')
    .map((line) => line.replace(/ +/g, ' '))

  it('shows median, ratio with its ends, and whether the goal is reached', () => {
    expect(rows).toContain(
      '| 1 GiB | ours | 1,500 MB/s | **1.50** (1.40–1.60) | openssl | ≥ 1.45 | ✓ |',
    )
    expect(rows).toContain('| p99 | 12.3 ms | ≤ 10 ms | ✗ |')
    expect(rows).toContain('| p50 | 1.00 ms | | |')
  })

  it('says why a contender has no figures and leaves out goals that need it', () => {
    const row = rows.filter((line) => line.includes('mktorrent'))
    expect(row).toEqual(['| 1 GiB | mktorrent | – (Debian package mktorrent is missing) | | | | |'])
  })

  it('ends with the notes', () => {
    expect(rows).toContain('- Read this.')
  })
})

describe('isReached', () => {
  it('accepts the bound itself only for "at least" and "at most"', () => {
    expect(isReached({ bound: 'at least', value: 2 }, 2)).toBe(true)
    expect(isReached({ bound: 'at most', value: 2 }, 2)).toBe(true)
    expect(isReached({ bound: 'more than', value: 2 }, 2)).toBe(false)
  })
})
