// The thread of the stream hasher: takes blocks of bytes in the order of each stream, and answers
// with the block and the SHA-1 of every piece that it completed. Owned and ended by `StreamHasher`.
import { createHash, type Hash } from 'node:crypto'
import { parentPort } from 'node:worker_threads'
import type { PieceLayout } from '#protocol/pieces.ts'
import { threadGivesWay } from '../jobs/give-way.ts'
import { HASH_BYTES, type StreamCommand, type StreamReply } from './hash-task.ts'

threadGivesWay()

interface Stream {
  readonly layout: PieceLayout
  piece: number
  hash: Hash
  /** Bytes of the piece that are still to come. */
  missing: number
}

const streams = new Map<number, Stream>()

const lengthOf = ({ size, pieceLength }: PieceLayout, piece: number): number =>
  Math.min(pieceLength, size - piece * pieceLength)

function take(stream: Stream, bytes: Uint8Array): Uint8Array {
  const hashes: Buffer[] = []
  for (let offset = 0; offset < bytes.length; ) {
    const taken = Math.min(stream.missing, bytes.length - offset)
    stream.hash.update(bytes.subarray(offset, offset + taken))
    offset += taken
    stream.missing -= taken
    if (stream.missing > 0) continue
    hashes.push(stream.hash.digest())
    stream.piece += 1
    stream.hash = createHash('sha1')
    stream.missing = lengthOf(stream.layout, stream.piece)
  }
  const all = new Uint8Array(hashes.length * HASH_BYTES)
  hashes.forEach((hash, place) => {
    all.set(hash, place * HASH_BYTES)
  })
  return all
}

parentPort?.on('message', (command: StreamCommand) => {
  const id = command.stream
  if (command.kind === 'close') {
    streams.delete(id)
    return
  }
  if (command.kind === 'open') {
    const { layout, firstPiece } = command
    const missing = lengthOf(layout, firstPiece)
    streams.set(id, { layout, piece: firstPiece, hash: createHash('sha1'), missing })
    return
  }
  const { block, length } = command
  const stream = streams.get(id)
  const hashes = stream ? take(stream, block.subarray(0, length)) : new Uint8Array()
  const reply: StreamReply = { stream: id, block, hashes }
  parentPort?.postMessage(reply, [block.buffer])
})
