import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import bencode from 'bencode'
import createTorrent from 'create-torrent'
import parseTorrent from 'parse-torrent'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pieceLayout } from '#protocol/pieces.ts'
import { PieceHasher } from '../hashing/piece-hasher.ts'
import { placeholderTorrent, realInfo, realTorrent } from './metainfo.ts'

const addresses = {
  webSeeds: ['http://localhost:8080/media/0123456789abcdef/f%C3%AClm.webm?revision=1'],
  trackers: ['ws://localhost:8080/announce', 'http://localhost:8080/announce'],
}
const hasher = new PieceHasher(2)
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipstream-metainfo-'))
})
afterAll(async () => {
  await hasher.close()
  await rm(folder, { recursive: true })
})

async function hashOf(bytes: Uint8Array, filename: string) {
  const path = join(folder, 'source')
  await writeFile(path, bytes)
  return realInfo(
    { filename, size: bytes.length },
    await hasher.hash(path, pieceLayout(bytes.length)),
  )
}

describe('a real torrent', () => {
  it.each([
    ['one byte', 1],
    ['exactly one piece', 262_144],
    ['one byte more than two pieces', 524_289],
    ['many pieces', 5_000_000],
  ])("has create-torrent's info hash for %s", async (_, size) => {
    const bytes = Buffer.alloc(size, 'slipstream')
    const filename = 'fìlm 🎬 "quoted".webm'
    const real = await hashOf(bytes, filename)
    const theirs = await new Promise<Uint8Array>((resolve, reject) =>
      createTorrent(
        bytes,
        { name: filename, pieceLength: pieceLayout(size).pieceLength },
        (error, torrent) => (error ? reject(error) : resolve(torrent as Uint8Array)),
      ),
    )
    expect(real.infoHash).toBe((await parseTorrent(theirs)).infoHash)
  })

  it('is well-formed bencoding with sorted keys, trackers and web seeds', async () => {
    const real = await hashOf(Buffer.from('slipstream'), 'a.webm')
    const torrent = realTorrent(real, addresses)
    expect(Buffer.from(bencode.encode(bencode.decode(torrent)))).toEqual(Buffer.from(torrent))
    const parsed = await parseTorrent(torrent)
    expect(parsed.infoHash).toBe(real.infoHash)
    expect(parsed.announce).toEqual(addresses.trackers)
    expect(parsed.urlList).toEqual(addresses.webSeeds)
  })

  it('refuses a wrong number of hashes', () => {
    expect(() => realInfo({ filename: 'a', size: 10 }, new Uint8Array(40))).toThrow(RangeError)
  })
})

describe('a placeholder torrent', () => {
  it('is read by parse-torrent, agrees with the real one in all but the hashes, and has no tracker', async () => {
    const source = { filename: 'a film.webm', size: 3_000_000 }
    const torrent = placeholderTorrent(source, addresses.webSeeds)
    const parsed = await parseTorrent(torrent)
    expect(parsed).toMatchObject({ name: 'a film.webm', length: 3_000_000, pieceLength: 262_144 })
    expect(parsed.pieces).toEqual(Array(12).fill('0'.repeat(40)))
    expect(parsed.announce).toEqual([])
    expect(bencode.decode(torrent).info.placeholder).toBe(1)
  })

  it('squeezes to under 1 kB for a 1 GiB title', () => {
    const torrent = placeholderTorrent({ filename: 'a.webm', size: 2 ** 30 }, addresses.webSeeds)
    expect(gzipSync(torrent).length).toBeLessThan(500)
  })
})
