import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { exampleFile } from './hashing-fixture.ts'
import { StreamHasher } from './stream-hasher.ts'

let hasher: StreamHasher

beforeEach(() => {
  hasher = new StreamHasher()
})
afterEach(() => hasher.close())

describe('StreamHasher', () => {
  it('hashes every piece however the bytes are cut, the short last one too', async () => {
    const { bytes, layout, expected } = exampleFile(20 * 262_144 + 7)
    const reports: number[] = []
    const stream = hasher.open(layout, { onProgress: (hashes) => reports.push(hashes.length / 20) })
    let step = 1
    for (let at = 0; at < bytes.length; at += step, step = (step * 7) % 300_007) {
      await stream.write(bytes.subarray(at, at + step))
    }
    expect(Buffer.from(await stream.end())).toEqual(expected)
    expect(reports.at(-1)).toBe(21)
    expect(reports).toEqual(reports.toSorted((a, b) => a - b))
    stream.close()
  })

  it('takes bytes over: who wrote them may overwrite them at once', async () => {
    const { bytes, layout, expected } = exampleFile(3 * 262_144)
    const stream = hasher.open(layout)
    const scratch = Buffer.alloc(100_000)
    for (let at = 0; at < bytes.length; at += scratch.length) {
      const copied = bytes.copy(scratch, 0, at)
      await stream.write(scratch.subarray(0, copied))
    }
    scratch.fill(0)
    expect(Buffer.from(await stream.end())).toEqual(expected)
    stream.close()
  })

  it('goes on from hashes that an earlier run left', async () => {
    const { bytes, layout, expected } = exampleFile(9 * 262_144 + 1)
    const marked = Buffer.from(expected.subarray(0, 3 * 20))
    marked.fill(0xaa, 0, 20) // shows that the piece is taken over
    const stream = hasher.open(layout, { done: marked })
    expect(stream.position).toBe(3 * 262_144)
    await stream.write(bytes.subarray(stream.position))
    const hashes = Buffer.from(await stream.end())
    expect(hashes.subarray(0, 60)).toEqual(marked)
    expect(hashes.subarray(60)).toEqual(expected.subarray(60))
    stream.close()
  })

  it('keeps several streams apart', async () => {
    const films = [exampleFile(6 * 262_144 + 3), exampleFile(5 * 262_144), exampleFile(100)]
    const open = films.map(({ layout }) => hasher.open(layout))
    for (let at = 0; at < 7 * 262_144; at += 50_000) {
      await Promise.all(
        films.map(({ bytes }, place) => open[place]?.write(bytes.subarray(at, at + 50_000))),
      )
    }
    for (const [place, { expected }] of films.entries()) {
      expect(Buffer.from((await open[place]?.end()) ?? [])).toEqual(expected)
      open[place]?.close()
    }
  })

  it('says so when bytes are too many or too few', async () => {
    const { bytes, layout } = exampleFile(262_144)
    const stream = hasher.open(layout)
    await stream.write(bytes.subarray(1))
    await expect(stream.end()).rejects.toThrow(/end at 262143 of 262144/)
    await expect(stream.write(bytes.subarray(0, 2))).rejects.toThrow(/more bytes/)
    stream.close()
  })

  it('fails what is open when it is closed', async () => {
    const { bytes, layout } = exampleFile(64 * 262_144)
    const stream = hasher.open(layout)
    const writing = stream.write(bytes)
    await hasher.close()
    await expect(writing.then(() => stream.end())).rejects.toThrow(/ended/)
    expect(() => hasher.open(layout)).toThrow(/closed/)
  })
})
