// Which web servers media may come from: those that the operator names in `SOURCE_ORIGINS` and those
// that an administrator allows. Whatever asks a source asks here first, for redirects as well. The
// table is the truth and is read each time, so that an origin that is taken away is gone at once.
import { createHash, randomUUID } from 'node:crypto'
import type { Keep, SourceOrigin } from '#protocol/sources.ts'
import { type Config, ConfigError, parseSourceOrigin } from '../config/config.ts'
import type { Database } from '../database/database.ts'
import { SlipstreamError } from '../http/errors.ts'
import { isAddress, mayReach, notPublic } from './address-guard.ts'
import { isBelow, MAX_URL, parseSourceUrl } from './source-url.ts'

/** More are a mistake, and each request looks at all of them. */
const MOST_ORIGINS = 200

/** What passes for a name of this machine; resolvers agree on it (RFC 6761 §6.3). */
const LOCALHOST = /(^|\.)localhost\.?$/

export interface SourcePolicy {
  /**
   * @param url from `parseSourceUrl`, or where such a URL redirects to
   * @returns the allowed origin that it lies below, the longest one when there are several
   * @throws SlipstreamError `source_not_allowed`
   */
  assertAllowed(url: URL): Promise<SourceOrigin>
  /** @returns what is to be kept of the file at a URL: nothing of what is not allowed */
  keepOf(url: string): Promise<Keep>
  /** @returns all allowed origins, the operator's first */
  list(): Promise<SourceOrigin[]>
  /**
   * @throws SlipstreamError `bad_request` when it is no origin, `source_not_allowed` when it is at a
   *   private address, `conflict` when it is allowed already
   */
  add(url: string, keep: Keep): Promise<SourceOrigin>
  /** @throws SlipstreamError `not_found`, `conflict` when it comes from `SOURCE_ORIGINS` */
  setKeep(id: string, keep: Keep): Promise<SourceOrigin>
  /** Titles that come from it stay, but are not asked for any more. @throws as `setKeep` */
  remove(id: string): Promise<void>
}

/**
 * @param database owned by the caller
 * @throws ConfigError when one of the operator's origins has a path that can be read in two ways
 */
export function createSourcePolicy({
  database,
  sources: { origins, keep, allowPrivate },
  now,
}: {
  readonly database: Database
  readonly sources: Pick<Config['sources'], 'origins' | 'keep' | 'allowPrivate'>
  readonly now: () => number
}): SourcePolicy {
  const fixed: readonly SourceOrigin[] = operatorsOrigins(origins).map((url) => ({
    id: createHash('sha256').update(url).digest('hex').slice(0, 16),
    url,
    keep,
    fixed: true,
  }))

  const list = async (): Promise<SourceOrigin[]> => {
    const rows = await database
      .selectFrom('source_origin')
      .select(['id', 'url', 'keep'])
      .orderBy('created_at')
      .orderBy('id')
      .execute()
    const added = rows.filter(({ url }) => fixed.every((origin) => origin.url !== url))
    return [...fixed, ...added.map((row) => ({ ...row, fixed: false }))]
  }

  const changeable = async (id: string): Promise<SourceOrigin> => {
    const origin = (await list()).find((one) => one.id === id)
    if (origin === undefined) {
      const message = 'There is no such origin. It may have been removed.'
      throw new SlipstreamError('not_found', message)
    }
    if (origin.fixed) {
      const message = `${origin.url} comes from the setting SOURCE_ORIGINS. Change it there and restart.`
      throw new SlipstreamError('conflict', message)
    }
    return origin
  }

  const longest = async (url: URL): Promise<SourceOrigin | undefined> => {
    const [best] = (await list())
      .filter((origin) => isBelow(url, origin.url))
      .sort((a, b) => b.url.length - a.url.length)
    return best
  }

  return {
    list,

    async keepOf(url) {
      return (await longest(new URL(url)))?.keep ?? 'never'
    },

    async assertAllowed(url) {
      if (isAddress(url.hostname) && !mayReach(url.hostname, allowPrivate)) {
        throw notPublic(url.host)
      }
      const best = await longest(url)
      if (best !== undefined) return best
      const message = `Media at this address of ${url.origin} are not allowed on this server. Ask its administrator.`
      throw new SlipstreamError('source_not_allowed', message)
    },

    async add(text, keep) {
      const url = parseOrigin(text, allowPrivate)
      const known = await list()
      if (known.some((origin) => origin.url === url)) {
        throw new SlipstreamError('conflict', `${url} is allowed already.`)
      }
      if (known.length >= MOST_ORIGINS) {
        const message = `There are ${MOST_ORIGINS} origins already. Remove those that are not used.`
        throw new SlipstreamError('conflict', message)
      }
      const id = randomUUID()
      const inserted = await database
        .insertInto('source_origin')
        .values({ id, url, keep, created_at: now() })
        .onConflict((conflict) => conflict.column('url').doNothing())
        .executeTakeFirst()
      if (inserted.numInsertedOrUpdatedRows === 0n) {
        throw new SlipstreamError('conflict', `${url} is allowed already.`)
      }
      return { id, url, keep, fixed: false }
    },

    async setKeep(id, keep) {
      const origin = await changeable(id)
      await database.updateTable('source_origin').set({ keep }).where('id', '=', id).execute()
      return { ...origin, keep }
    },

    async remove(id) {
      await changeable(id)
      await database.deleteFrom('source_origin').where('id', '=', id).execute()
    },
  }
}

function operatorsOrigins(origins: readonly string[]): string[] {
  try {
    return [...new Set(origins.map(normalOrigin))]
  } catch (error) {
    throw new ConfigError([`SOURCE_ORIGINS cannot be used. ${(error as Error).message}`])
  }
}

/** @returns the origin with its path in the form in which media URLs are compared with it */
function normalOrigin(origin: string): string {
  return parseSourceUrl(origin).href
}

function parseOrigin(text: string, allowPrivate: boolean): string {
  const parsed = parseSourceOrigin(text)
  const host = parsed === null ? '' : new URL(parsed).hostname
  if (parsed === null || host.includes('*') || parsed.length > MAX_URL) {
    const message =
      'An origin is an http(s) address such as https://cdn.example.org/films/, without user name, ' +
      'query or wildcard. Name each host by itself.'
    throw new SlipstreamError('bad_request', message)
  }
  const isReachable = isAddress(host)
    ? mayReach(host, allowPrivate)
    : allowPrivate || !LOCALHOST.test(host)
  if (!isReachable) throw notPublic(host)
  return normalOrigin(parsed)
}
