// The two kinds of torrent as bytes (BEP 3, BEP 12, BEP 19). A placeholder is made from the media
// record alone and has no info hash that could be announced; a real torrent has its info
// dictionary's exact bytes and their SHA-1.
import { createHash } from 'node:crypto'
import bencode from 'bencode'
import { type InfoHash, parseInfoHash } from '#protocol/ids.ts'
import { type PieceLayout, pieceLayout } from '#protocol/pieces.ts'
import { HASH_BYTES } from '../hashing/hash-task.ts'

/** What both kinds are made from. */
export interface TorrentSource {
  /** `info.name`: one safe path segment. */
  readonly filename: string
  /** Bytes. */
  readonly size: number
}

/** URLs around an info dictionary; they depend on the address that the viewer used. */
export interface TorrentAddresses {
  /** `url-list` (BEP 19). */
  readonly webSeeds: readonly string[]
  /** `announce` and `announce-list` (BEP 12), best first. */
  readonly trackers: readonly string[]
}

/** The info dictionary of a real torrent. */
export interface RealInfo {
  readonly infoHash: InfoHash
  /** Bencoded; the info hash is the SHA-1 of just these bytes. */
  readonly info: Uint8Array
}

/**
 * A placeholder torrent: any BEP 3 parser reads it, but its piece hashes are all zero,
 * `info.placeholder` is 1 and it names no tracker.
 * @returns bencoded metainfo
 */
export function placeholderTorrent(source: TorrentSource, webSeeds: readonly string[]): Uint8Array {
  const layout = pieceLayout(source.size)
  const info = {
    ...infoFields(source, layout, new Uint8Array(layout.count * HASH_BYTES)),
    placeholder: 1,
  }
  return bencode.encode({ info, 'url-list': [...webSeeds] })
}

/**
 * @param hashes SHA-1 of every piece, 20 bytes each
 * @throws RangeError when there are not as many hashes as pieces
 */
export function realInfo(source: TorrentSource, hashes: Uint8Array): RealInfo {
  const layout = pieceLayout(source.size)
  if (hashes.length !== layout.count * HASH_BYTES) {
    throw new RangeError(
      `${layout.count} pieces need ${layout.count} hashes of ${HASH_BYTES} bytes`,
    )
  }
  const info = bencode.encode(infoFields(source, layout, hashes))
  const infoHash = parseInfoHash(createHash('sha1').update(info).digest('hex'))
  if (infoHash === null) throw new Error('SHA-1 gave something that is not an info hash')
  return { infoHash, info }
}

/**
 * Puts addresses around the info dictionary of a real torrent, leaving its bytes as they are.
 * @returns bencoded metainfo, the same for the same arguments
 */
export function realTorrent(real: RealInfo, addresses: TorrentAddresses): Uint8Array {
  const { trackers, webSeeds } = addresses
  // Dictionary keys in BEP 3's order: announce, announce-list, info, url-list.
  const head = { announce: trackers[0] ?? '', 'announce-list': trackers.map((url) => [url]) }
  return Buffer.concat([
    bencode.encode(head).subarray(0, -1),
    Buffer.from('4:info'),
    real.info,
    bencode.encode({ 'url-list': [...webSeeds] }).subarray(1),
  ])
}

function infoFields(source: TorrentSource, layout: PieceLayout, pieces: Uint8Array) {
  return {
    length: layout.size,
    name: source.filename,
    'piece length': layout.pieceLength,
    pieces,
  }
}
