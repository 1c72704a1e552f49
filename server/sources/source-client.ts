// What this server asks of web servers that are not its own: facts about a file, and spans of its
// bytes. The one way out of this process: every request, redirects included, goes to an allowed
// origin and to an address that may be reached (source-policy.ts), or is not made.

/** A file elsewhere, as its server described it. */
export interface SourceFacts {
  /** Bytes. */
  readonly size: number
  /** MIME type without parameters, lower case, or `null`. */
  readonly type: string | null
  /** Strong validator with its quotes, or `null`; weak ones count as none. */
  readonly etag: string | null
  /** HTTP date, or `null`. */
  readonly lastModified: string | null
  /** True when single ranges are answered with 206. */
  readonly ranges: boolean
  /** True when pages of any site may read it, in ranges, and see `Content-Range`. */
  readonly cors: boolean
  /** As `Content-Disposition` names it, or `null`. */
  readonly filename: string | null
}

/** The file as it was when it was inspected; another one is not what was asked for. */
export type KnownSource = Pick<SourceFacts, 'size' | 'etag' | 'lastModified' | 'ranges'>

export interface SourceSpan {
  /** First byte. */
  readonly start: number
  /** The byte after the last one. */
  readonly end: number
  readonly known: KnownSource
  readonly signal: AbortSignal
}

/**
 * The file is not the one that was inspected: its length or its validator is another, or its server
 * does not answer ranges of it as it said. A thorough inspection tells what holds now.
 */
export class SourceChanged extends Error {
  override readonly name = 'SourceChanged'
}

/** Trouble on this side: the source is not to blame, and to ask it again would not help. */
export class OwnTrouble extends Error {
  override readonly name = 'OwnTrouble'
}

/** @typeParam Chunk a stretch of bytes, or what stands for it */
export interface SourceClient<Chunk = Uint8Array> {
  /**
   * One `HEAD`, or where that is not answered or says too little one `GET` of the first byte.
   * @param thorough asks by the `GET` at once: what a file really is counts more than what its
   *   server says of it
   * @throws SlipstreamError `source_not_allowed`, `source_unsuitable` (no length, compressed, too
   *   large, not media), `source_unreachable` (with `Retry-After` where the source named one),
   *   `not_found` when the source says that there is no such file
   */
  inspect(url: URL, signal: AbortSignal, thorough?: boolean): Promise<SourceFacts>
  /**
   * The bytes `start` to `end`: one range by `If-Range`; from a source without ranges the whole file
   * only. Ends early with an error when the source stalls, breaks off or sends more than was asked for.
   * @throws SourceChanged when the answer is not of the known file
   * @throws SlipstreamError as `inspect`
   */
  read(url: URL, span: SourceSpan): Promise<AsyncIterable<Chunk>>
}
