// `create-torrent` from npm, WebTorrent's own, in this process.
import { stat } from 'node:fs/promises'
import createTorrent, { type CreateTorrentOptions } from 'create-torrent'
import { pieceLengthFor } from '#protocol/pieces.ts'
import type { HashingContender } from './contender.ts'

/**
 * @param path file of the torrent; the piece length is the one that Slipstream would choose
 * @param options as `create-torrent` takes them; no tracker unless they name one
 * @returns bencoded metainfo
 */
export async function makeTorrent(
  path: string,
  options: CreateTorrentOptions = {},
): Promise<Uint8Array> {
  const pieceLength = pieceLengthFor((await stat(path)).size)
  return new Promise((resolve, reject) => {
    createTorrent(path, { pieceLength, announceList: [], ...options }, (error, torrent) =>
      error ? reject(error) : resolve(torrent),
    )
  })
}

export const createTorrentPackage: HashingContender = {
  name: 'create-torrent',
  async hash(path) {
    const startedAt = performance.now()
    await makeTorrent(path)
    return (performance.now() - startedAt) / 1000
  },
}
