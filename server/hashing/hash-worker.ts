// One thread of the piece hasher: draws piece numbers from a shared counter, reads pieces by positional
// reads into one buffer that stays in the processor's cache, and writes their SHA-1 into shared memory.
// Owned and ended by `PieceHasher`.
import { createHash, hash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import { fileBuffer } from '../blobs/file-buffer.ts'
import { threadGivesWay } from '../jobs/give-way.ts'
import { COUNTER, HASH_BYTES, type HashReply, type HashTask } from './hash-task.ts'

/** Several small pieces are read at once; larger reads leave the cache (docs/decisions/0006). */
const READ_BYTES = 1024 * 1024
const buffer = fileBuffer(READ_BYTES)

threadGivesWay()

/** @returns at most `READ_BYTES` bytes of the file, until the next call */
function readBytes(file: number, start: number, length: number): Buffer {
  for (let filled = 0; filled < length; ) {
    const got = readSync(file, buffer, filled, length - filled, start + filled)
    if (got === 0) throw new Error(`the file ends at byte ${start + filled}, before its last piece`)
    filled += got
  }
  return buffer.subarray(0, length)
}

/** Of a piece that does not fit the buffer. */
function hashOfLarge(file: number, start: number, length: number): string {
  const parts = createHash('sha1')
  for (let offset = 0; offset < length; offset += READ_BYTES) {
    parts.update(readBytes(file, start + offset, Math.min(READ_BYTES, length - offset)))
  }
  return parts.digest('hex')
}

function run(task: HashTask): void {
  const { size, pieceLength, count } = task.layout
  const counters = new Int32Array(task.counters)
  const hashes = Buffer.from(task.hashes)
  const finished = new Uint8Array(task.finished)
  const atOnce = Math.max(1, Math.floor(READ_BYTES / pieceLength))
  const note = (index: number, digest: string): void => {
    hashes.write(digest, index * HASH_BYTES, 'hex')
    Atomics.store(finished, index, 1)
  }
  const file = openSync(task.path, 'r')
  try {
    while (Atomics.load(counters, COUNTER.cancelled) === 0) {
      const first = Atomics.add(counters, COUNTER.next, atOnce)
      if (first >= count) return
      const start = first * pieceLength
      const length = Math.min(atOnce * pieceLength, size - start)
      if (length > READ_BYTES) {
        note(first, hashOfLarge(file, start, length))
        continue
      }
      const bytes = readBytes(file, start, length)
      for (let offset = 0; offset < length; offset += pieceLength) {
        const piece = bytes.subarray(offset, Math.min(offset + pieceLength, length))
        // One call costs less than an object for each piece, and text less than a buffer.
        note(first + offset / pieceLength, hash('sha1', piece, 'hex'))
      }
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
