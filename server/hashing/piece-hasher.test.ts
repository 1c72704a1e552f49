import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { exampleFile } from './hashing-fixture.ts'
import { PieceHasher } from './piece-hasher.ts'

let folder: string
let hasher: PieceHasher

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipstream-hasher-'))
  hasher = new PieceHasher(2)
})
afterEach(async () => {
  await hasher.close()
  await rm(folder, { recursive: true })
})

async function file(size: number) {
  const { bytes, layout, expected } = exampleFile(size)
  const path = join(folder, 'file')
  await writeFile(path, bytes)
  return { path, layout, expected }
}

/** @returns how many threads of this process leave the cores to others (Linux) */
function yieldingThreads(): number {
  const niceness = readdirSync('/proc/self/task').map((thread) => {
    const status = readFileSync(`/proc/self/task/${thread}/stat`, 'latin1')
    return Number(status.slice(status.lastIndexOf(')') + 2).split(' ')[16])
  })
  return niceness.filter((nice) => nice === constants.priority.PRIORITY_BELOW_NORMAL).length
}

describe('PieceHasher', () => {
  it('keeps its threads between files, ends them when nothing comes, and starts new ones', async () => {
    const { path, layout, expected } = await file(3 * 262_144)
    const brief = new PieceHasher(2, 300)
    try {
      await brief.hash(path, layout)
      expect(Buffer.from(await brief.hash(path, layout))).toEqual(expected)
      expect(brief.warmThreads).toBe(2)
      await expect.poll(() => brief.warmThreads, { timeout: 5_000 }).toBe(0)
      expect(Buffer.from(await brief.hash(path, layout))).toEqual(expected)
    } finally {
      await brief.close()
    }
  })

  it('starts its threads ahead of a file, and ends them when none comes', async () => {
    const { path, layout, expected } = await file(3 * 262_144)
    const brief = new PieceHasher(2, 300)
    try {
      brief.warm()
      brief.warm()
      expect(brief.warmThreads).toBe(2)
      await expect.poll(() => brief.warmThreads, { timeout: 5_000 }).toBe(0)
      brief.warm()
      const hashing = brief.hash(path, layout)
      brief.warm() // another upload ends
      expect(Buffer.from(await hashing)).toEqual(expected)
      expect(brief.warmThreads).toBe(2)
    } finally {
      await brief.close()
    }
    brief.warm()
    expect(brief.warmThreads).toBe(0)
  })

  it.runIf(process.platform === 'linux')('leaves the cores to whoever serves', async () => {
    const { path, layout } = await file(3 * 262_144)
    const before = yieldingThreads()
    await hasher.hash(path, layout)
    expect(yieldingThreads()).toBe(before + 2)
  })

  it('hashes every piece, the short last one too', async () => {
    const { path, layout, expected } = await file(10 * 262_144 + 7)
    expect(Buffer.from(await hasher.hash(path, layout))).toEqual(expected)
  })

  it('goes on from hashes that an earlier run left', async () => {
    const { path, layout, expected } = await file(9 * 262_144)
    const marked = Buffer.from(expected.subarray(0, 3 * 20))
    marked.fill(0xaa, 0, 20) // shows that the piece is taken over and not hashed again
    const hashes = Buffer.from(await hasher.hash(path, layout, { done: marked }))
    expect(hashes.subarray(0, 60)).toEqual(marked)
    expect(hashes.subarray(60)).toEqual(expected.subarray(60))
  })

  it('takes files in turn and serves the next after a failure', async () => {
    const { path, layout, expected } = await file(4 * 262_144)
    const missing = hasher.hash(join(folder, 'missing'), layout)
    const present = hasher.hash(path, layout)
    await expect(missing).rejects.toThrow(/ENOENT/)
    expect(Buffer.from(await present)).toEqual(expected)
  })

  it('says so when the file is shorter than promised', async () => {
    const { path, layout } = await file(4 * 262_144)
    await truncate(path, 3 * 262_144)
    await expect(hasher.hash(path, layout)).rejects.toThrow(/the file ends/)
  })

  it('stops when its signal is aborted', async () => {
    const { path, layout } = await file(64 * 262_144)
    const stop = new AbortController()
    const hashing = hasher.hash(path, layout, { signal: stop.signal })
    stop.abort(new Error('enough'))
    await expect(hashing).rejects.toThrow('enough')
  })
})
