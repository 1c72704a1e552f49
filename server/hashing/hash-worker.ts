// One thread of the piece hasher: draws piece numbers from a shared counter, reads each piece by
// positional reads into one buffer that stays in the processor's cache, and writes its SHA-1 into
// shared memory. Owned and ended by `PieceHasher`.
import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import { fileBuffer } from '../blobs/file-buffer.ts'
import { COUNTER, HASH_BYTES, type HashReply, type HashTask } from './hash-task.ts'

const READ_BYTES = 256 * 1024 // larger reads gain nothing and leave the cache (docs/decisions/0006)
const buffer = fileBuffer(READ_BYTES)

function hashPiece(file: number, start: number, length: number): Buffer {
  const hash = createHash('sha1')
  for (let offset = 0; offset < length; ) {
    const wanted = Math.min(READ_BYTES, length - offset)
    const got = readSync(file, buffer, 0, wanted, start + offset)
    if (got === 0) throw new Error(`the file ends at byte ${start + offset}, before its last piece`)
    hash.update(got === READ_BYTES ? buffer : buffer.subarray(0, got))
    offset += got
  }
  return hash.digest()
}

function run(task: HashTask): void {
  const { size, pieceLength, count } = task.layout
  const counters = new Int32Array(task.counters)
  const hashes = Buffer.from(task.hashes)
  const finished = new Uint8Array(task.finished)
  const file = openSync(task.path, 'r')
  try {
    while (Atomics.load(counters, COUNTER.cancelled) === 0) {
      const index = Atomics.add(counters, COUNTER.next, 1)
      if (index >= count) return
      const start = index * pieceLength
      hashPiece(file, start, Math.min(pieceLength, size - start)).copy(hashes, index * HASH_BYTES)
      Atomics.store(finished, index, 1)
    }
  } finally {
    closeSync(file)
  }
}

parentPort?.on('message', (task: HashTask) => {
  let reply: HashReply
  try {
    run(task)
    reply = { error: null }
  } catch (error) {
    Atomics.store(new Int32Array(task.counters), COUNTER.cancelled, 1)
    reply = { error: error instanceof Error ? error.message : String(error) }
  }
  parentPort?.postMessage(reply)
})
