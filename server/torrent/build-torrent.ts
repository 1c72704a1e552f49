// The build job's handler: hashes the pieces of a title's blob, or has its bytes fetched from where
// they lie, and makes the info dictionary of its real torrent. Idempotent: the same bytes and record
// give the same torrent.
import type { MediaId } from '#protocol/ids.ts'
import { pieceLayout } from '#protocol/pieces.ts'
import type { PieceHasher } from '../hashing/piece-hasher.ts'
import type { BuildJob } from '../jobs/build-queue.ts'
import type { Catalogue } from '../media/catalogue.ts'
import { isRemote, type RemoteMedia } from '../sources/source-copies.ts'
import { type RealInfo, realInfo } from './metainfo.ts'

interface BuildPorts {
  readonly catalogue: Pick<Catalogue, 'get'>
  readonly blobs: { path(id: MediaId, revision: number): string }
  readonly hasher: Pick<PieceHasher, 'hash'>
  /** Builds what lies elsewhere. */
  readonly buildRemote: (job: BuildJob, media: RemoteMedia) => Promise<RealInfo>
}

/**
 * @returns the handler for `BuildQueue`; it throws when the blob cannot be read or the title is
 *   gone
 */
export function torrentBuilder({ catalogue, blobs, hasher, buildRemote }: BuildPorts) {
  return async (job: BuildJob): Promise<RealInfo> => {
    const media = await catalogue.get(job.mediaId)
    if (media === null || media.revision !== job.revision) {
      throw new Error('the title was deleted or has a newer revision')
    }
    if (isRemote(media)) return buildRemote(job, media)
    const hashes = await hasher.hash(
      blobs.path(job.mediaId, job.revision),
      pieceLayout(media.size),
      { done: job.checkpoint, onProgress: job.saveProgress, signal: job.signal },
    )
    return realInfo(media, hashes)
  }
}
