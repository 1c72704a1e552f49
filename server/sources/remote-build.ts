// Builds the torrent of a file elsewhere: finds out what it is from some parts of it, then hashes its
// bytes as they come, from the first piece on that is not hashed. Where a copy is kept, the bytes are
// read from that while it grows. What fails says in a sentence for a person whether it is worth
// another attempt.
import { buffer } from 'node:stream/consumers'
import type { Logger } from 'pino'
import type { MediaId } from '#protocol/ids.ts'
import { type PieceLayout, pieceLayout } from '#protocol/pieces.ts'
import { HASH_BYTES } from '../hashing/hash-task.ts'
import { SlipstreamError } from '../http/errors.ts'
import type { MediaFacts } from '../ingest/media-facts.ts'
import { probe, probeRemote } from '../ingest/probe.ts'
import type { BuildJob } from '../jobs/build-queue.ts'
import { BuildFailure } from '../jobs/retry.ts'
import type { Catalogue } from '../media/catalogue.ts'
import { type RealInfo, realInfo } from '../torrent/metainfo.ts'
import type { BuildThread } from './build-thread.ts'
import { CopyFailed } from './growing-copy.ts'
import type { HashStream } from './hash-stream.ts'
import {
  isFinal,
  PersistentReader,
  type ReaderPorts,
  SourceExhausted,
} from './persistent-reader.ts'
import { retryAfterMs } from './politeness.ts'
import { SourceChanged, type SourceClient } from './source-client.ts'
import { knownOf, type RemoteMedia, type SourceCopies } from './source-copies.ts'
import type { ThreadBytes } from './thread-bytes.ts'

const CHANGED =
  'The file changed at its source; its new revision is built when it is asked for. Reload the page.'
const VARIES =
  'The source names the same file differently each time. The build goes on by its length and date.'
const UNCHANGED =
  'The source answered as if its file had changed, and then that it has not. Have every server ' +
  'behind its address send the same file with the same ETag and Last-Modified.'

interface RemoteBuildPorts {
  readonly reader: ReaderPorts
  readonly thread: Pick<BuildThread, 'open' | 'read'>
  readonly copies: Pick<SourceCopies, 'wants' | 'fill' | 'drop'>
  readonly catalogue: Pick<Catalogue, 'describe' | 'get'>
  readonly blobs: { path(id: MediaId, revision: number): string }
  /** Makes a new revision of a title whose file changed at its source. */
  readonly renew: (id: MediaId) => Promise<unknown>
  /** Told after the title's record has changed. */
  readonly onChange: (id: MediaId) => void
  readonly log: Logger
}

/** @returns builds the torrent of a title with a source; it throws BuildFailure, or when it is to stop */
export function remoteBuilder(ports: RemoteBuildPorts) {
  return async (job: BuildJob, media: RemoteMedia): Promise<RealInfo> => {
    try {
      return realInfo(media, await build(ports, job, media))
    } catch (error) {
      job.signal.throwIfAborted()
      throw await explain(ports, media, error)
    }
  }
}

interface Task extends RemoteBuildPorts {
  readonly job: BuildJob
  readonly media: RemoteMedia
  readonly layout: PieceLayout
  readonly stream: HashStream
}

/** @returns the hashes of all pieces */
async function build(ports: RemoteBuildPorts, job: BuildJob, media: RemoteMedia) {
  const layout = pieceLayout(media.size)
  const stream = ports.thread.open(layout, {
    done: job.checkpoint,
    onProgress: job.saveProgress,
  })
  try {
    return await run({ ...ports, job, media, layout, stream })
  } finally {
    stream.close()
  }
}

async function run(task: Task): Promise<Uint8Array> {
  const { job, media, stream, copies, blobs, reader, thread } = task
  const { id, revision, source, size } = media
  const { signal } = job
  const hasRanges = source.ranges === 1
  const isUnknown = media.duration_s === null
  const file = {
    url: source.url,
    mirrors: source.mirrors,
    known: knownOf(source, size),
    signal,
  }
  if (isUnknown && hasRanges && job.checkpoint.length === 0) {
    const parts = new PersistentReader(reader, file)
    const read = (start: number, end: number) => buffer(parts.bytes(start, end))
    await describe(task, () => probeRemote({ size, read }, { signal }))
  }
  const copy = (await copies.wants(media)) ? copies.fill(media) : null
  try {
    if (copy) {
      for await (const chunk of copy.read(stream.position, size, { signal })) {
        await stream.write(chunk)
      }
      await copy.whole
    }
  } catch (error) {
    // A full disk ends the copy; only a source without ranges cannot be built without one.
    if (!(error instanceof CopyFailed && hasRanges)) throw error
  }
  const inspect: SourceClient['inspect'] = (...what) => reader.client.inspect(...what)
  const client = { inspect, read: thread.read.bind(thread) }
  const remote = new PersistentReader<ThreadBytes>(
    { ...reader, client },
    { ...file, agrees: (bytes) => hasLastPiece(task, bytes) },
  )
  for await (const chunk of remote.bytes(stream.position, size)) await stream.write(chunk)
  if (isUnknown && !hasRanges) {
    try {
      await describe(task, () => probe(blobs.path(id, revision), { signal }))
    } catch (error) {
      await copies.drop(id, revision)
      throw error
    }
  }
  return stream.end()
}

/** Writes what the file is into the title's record. @throws when it is nothing that can be played */
async function describe(
  { media: { id, revision }, catalogue, onChange, log }: Task,
  find: () => Promise<MediaFacts>,
): Promise<void> {
  try {
    if (await catalogue.describe(id, revision, await find())) onChange(id)
  } catch (error) {
    if (isTelling(error)) throw error
    log.warn({ err: error, media: id }, 'what a file elsewhere is could not be found out')
  }
}

/** Whether a mirror has the last piece that was hashed. */
async function hasLastPiece(
  { stream, layout, thread }: Task,
  read: (start: number, end: number) => AsyncIterable<ThreadBytes>,
): Promise<boolean> {
  const expected = Buffer.from(stream.hashes.slice(-HASH_BYTES))
  if (expected.length === 0) return true
  const start = (stream.hashes.length / HASH_BYTES - 1) * layout.pieceLength
  const size = Math.min(layout.pieceLength, layout.size - start)
  const single = thread.open({ size, pieceLength: size, count: 1 })
  try {
    for await (const chunk of read(start, start + size)) await single.write(chunk)
    return expected.equals(await single.end())
  } finally {
    single.close()
  }
}

/** Says something of the source or its file; anything else is trouble of ours. */
function isTelling(error: unknown): boolean {
  return error instanceof SourceChanged || error instanceof SourceExhausted || isFinal(error)
}

/** @returns the error that tells the queue, and a person, how the job goes on */
async function explain(
  { renew, catalogue, reader, log }: RemoteBuildPorts,
  { id, revision }: RemoteMedia,
  error: unknown,
): Promise<unknown> {
  if (error instanceof SourceChanged) {
    log.info({ media: id }, 'a file seems to have changed at its source')
    try {
      await renew(id)
    } catch (cause) {
      return new BuildFailure('The file changed at its source, which cannot be asked now.', {
        cause,
      })
    }
    const now = await catalogue.get(id)
    if (now?.revision !== revision)
      return new BuildFailure(CHANGED, { cause: error, isFinal: true })
    return new BuildFailure(now.source?.varies === 1 ? VARIES : UNCHANGED, { cause: error })
  }
  if (isFinal(error)) return new BuildFailure(error.message, { cause: error, isFinal: true })
  if (error instanceof SourceExhausted) {
    const { message, retryAfterMs } = error
    return new BuildFailure(message, { cause: error, retryAfterMs })
  }
  if (error instanceof CopyFailed) {
    const reason =
      'The source does not answer ranges, and there is no room for a copy of the file on this ' +
      'server. Free some disk space.'
    return new BuildFailure(reason, { cause: error })
  }
  if (error instanceof SlipstreamError && error.code === 'source_unreachable') {
    return new BuildFailure(error.message, {
      cause: error,
      retryAfterMs: retryAfterMs(error, reader.now()),
    })
  }
  return error
}
