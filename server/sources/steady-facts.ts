// Which validators of a source can be believed. Some servers name the same file differently each time:
// a strong ETag made anew for each answer, or two servers behind a balancer that count differently.
// What differs between two looks says nothing of the file. Pure.
import type { MediaSource } from '../media/catalogue.ts'
import { isAnotherFile } from './source-answer.ts'
import type { SourceFacts } from './source-client.ts'

/** What a source says of its file, without the validators that cannot be believed. */
export interface SteadyFacts extends SourceFacts {
  /** Some were left out. */
  readonly varies: boolean
}

/** @returns what two looks in a row have in common; of another length, the later one counts */
export function inCommon(first: SteadyFacts, second: SteadyFacts): SteadyFacts {
  if (first.size !== second.size || !isAnotherFile(first, second)) return second
  return {
    ...second,
    etag: first.etag === second.etag ? second.etag : null,
    lastModified: first.lastModified === second.lastModified ? second.lastModified : null,
    varies: true,
  }
}

/** @returns the facts without the validators that were found not to be believed before, if any were */
export function asBelieved(
  facts: SourceFacts,
  known: Pick<MediaSource, 'etag' | 'last_modified' | 'varies'> | null,
): SteadyFacts {
  if (known === null || known.varies === 0) return { ...facts, varies: false }
  return {
    ...facts,
    etag: known.etag && facts.etag,
    lastModified: known.last_modified && facts.lastModified,
    varies: true,
  }
}
