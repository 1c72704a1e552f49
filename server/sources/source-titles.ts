// From the URL of media to its title. A URL that is not known is asked for once, however many want
// it, and becomes a title; a known one is answered from the table, and its source is asked again in
// the background now and then. A file that has changed there becomes the title's next revision.
// Whoever made it closes it, before the database.
import type { Logger } from 'pino'
import { type MediaId, parseMediaId } from '#protocol/ids.ts'
import { ownPathOf } from '../http/base-path.ts'
import { SlipstreamError } from '../http/errors.ts'
import { defaultTitle, safeFilename } from '../ingest/filename.ts'
import { newMediaId } from '../ingest/ingest.ts'
import { type Catalogue, isUnnamed, type Media, type MediaSource } from '../media/catalogue.ts'
import type { InspectionTurns } from './inspection-turns.ts'
import { isAnotherFile, unsuitable } from './source-answer.ts'
import type { SourceClient, SourceFacts } from './source-client.ts'
import type { SourcePolicy } from './source-policy.ts'
import type { FileFacts, SourceRecords } from './source-records.ts'
import { namedType } from './source-type.ts'
import { lastSegmentOf, parseSourceUrl } from './source-url.ts'
import { asBelieved, inCommon, type SteadyFacts } from './steady-facts.ts'

/** A source that was asked more recently is believed. */
const FRESH_MS = 60_000
/** Sources asked again at once, in the background. */
const MOST_RECHECKS = 8
/** A source that failed is left alone for so long, whoever asks. */
const FAILED_MS = 5_000
const MOST_FAILURES = 1_000

/** Why a source is asked again: it is time; somebody was given what looked like another file; an
 * administrator wants the next revision in any case. */
type Occasion = 'due' | 'doubted' | 'wanted'

export interface SourceTitlesPorts {
  readonly catalogue: Pick<Catalogue, 'get'>
  readonly records: SourceRecords
  readonly policy: Pick<SourcePolicy, 'assertAllowed'>
  readonly client: Pick<SourceClient, 'inspect'>
  readonly turns: InspectionTurns
  /** A title has a new revision, or its source can do something that it could not do. */
  readonly onChange: (id: MediaId) => void
  readonly now: () => number
  readonly log: Logger
}

export class SourceTitles {
  readonly #ports: SourceTitlesPorts
  readonly #closing = new AbortController()
  /** Titles in the making, by URL. */
  readonly #making = new Map<string, Promise<Media>>()
  readonly #renewing = new Map<MediaId, Promise<Media | null>>()
  readonly #failures = new Map<
    string,
    { readonly until: number; readonly error: SlipstreamError }
  >()

  constructor(ports: SourceTitlesPorts) {
    this.#ports = ports
  }

  /**
   * @param text URL of media at an allowed origin, or of a title of this server (`/media/…`,
   *   `/watch/…`, `/embed/…`)
   * @param ownOrigin scheme, host and port that the client uses, with the path that this server is
   *   below, if any; without a slash at the end
   * @throws SlipstreamError `bad_request` for no URL, `source_not_allowed`, `not_found`,
   *   `source_unsuitable`, `source_unreachable`, `too_many_requests`
   */
  async resolve(text: unknown, ownOrigin: string): Promise<Media> {
    const url = parseSourceUrl(text)
    const ownPath = ownPathOf(ownOrigin, url)
    if (ownPath !== null) return this.#ownTitle(ownPath)
    await this.#ports.policy.assertAllowed(url)
    const known = await this.#known(url.href)
    if (known === null) return this.#shared(url)
    this.#recheck(known)
    return known
  }

  /** @returns true when a title for the URL is there, or is being made; never throws */
  async isKnown(text: unknown): Promise<boolean> {
    try {
      const { href } = parseSourceUrl(text)
      return this.#making.has(href) || (await this.#ports.records.find(href)) !== null
    } catch {
      return false
    }
  }

  /**
   * Asks the source of a title again, thoroughly, for somebody who was given what looked like another
   * file. Makes a new revision when it is one; validators that differ from look to look are no longer
   * gone by.
   * @returns the title as it is now, `null` when there is none, or it is an upload
   * @throws SlipstreamError as `SourceClient.inspect`, `too_many_requests`
   */
  renew(id: MediaId): Promise<Media | null> {
    return this.#renewOnce(id, 'doubted')
  }

  /**
   * Asks the source of a title again, as if nothing were known of it, and makes a new revision though
   * its file may seem the same: what of it was served or cached before may be of other bytes.
   * @returns as `renew`
   * @throws SlipstreamError as `renew`
   */
  async remake({ id, revision }: Media): Promise<Media | null> {
    await this.#renewing.get(id)?.catch(() => {}) // it has not asked for as much
    const media = await this.#ports.catalogue.get(id)
    return media?.revision === revision ? this.#renewOnce(id, 'wanted') : media
  }

  #renewOnce(id: MediaId, occasion: Occasion): Promise<Media | null> {
    const running = this.#renewing.get(id)
    if (running) return running
    const renewal = this.#renew(id, occasion).finally(() => this.#renewing.delete(id))
    this.#renewing.set(id, renewal)
    return renewal
  }

  /**
   * @param urls of the same file elsewhere, in order of preference
   * @throws SlipstreamError `bad_request` for an upload or no URL, `source_not_allowed`,
   *   `source_unsuitable` when the file there is another or browsers cannot read it, and as `resolve`
   */
  async setMirrors(media: Media, urls: readonly string[]): Promise<void> {
    const { source } = media
    if (source === null) {
      const message = 'Only a title whose file lies elsewhere has mirrors. This one was uploaded.'
      throw new SlipstreamError('bad_request', message)
    }
    const hrefs = new Set(urls.map((url) => parseSourceUrl(url).href))
    hrefs.delete(source.url)
    await Promise.all([...hrefs].map((href) => this.#assertMirror(new URL(href), media.size)))
    await this.#ports.records.setMirrors(media.id, [...hrefs])
    this.#ports.onChange(media.id)
  }

  /** Gives up what is asked of sources, and waits until nothing is written any more. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('the server is stopping'))
    await Promise.allSettled([...this.#making.values(), ...this.#renewing.values()])
  }

  async #ownTitle(path: string): Promise<Media> {
    const id = parseMediaId(/^\/(?:media|watch|embed)\/([^/]+)/.exec(path)?.[1])
    const media = id && (await this.#ports.catalogue.get(id))
    if (media) return media
    const message = 'There is no title at that URL. It may have been deleted.'
    throw new SlipstreamError('not_found', message)
  }

  async #known(href: string): Promise<Media | null> {
    const id = await this.#ports.records.find(href)
    return id && this.#ports.catalogue.get(id)
  }

  #shared(url: URL): Promise<Media> {
    const making = this.#making.get(url.href)
    if (making) return making
    const failure = this.#failures.get(url.href)
    if (failure && this.#ports.now() < failure.until) return Promise.reject(failure.error)
    const made = this.#make(url)
      .catch((error) => {
        this.#remember(url.href, error)
        throw error
      })
      .finally(() => this.#making.delete(url.href))
    this.#making.set(url.href, made)
    return made
  }

  async #make(url: URL): Promise<Media> {
    const { catalogue, records, now, log } = this.#ports
    const facts = await this.#inspect(url, false)
    const file = fileOf(url, facts)
    const at = now()
    const media = {
      id: newMediaId(),
      revision: 1,
      title: defaultTitle(file.filename),
      description: '',
      ...file,
      duration_s: null, // the build looks into the file
      width: null,
      height: null,
      fast_start: 1,
      created_at: at,
    }
    const id = await records.add(media, url.href, facts, at)
    const title = await catalogue.get(id)
    if (title === null) throw new SlipstreamError('not_found', 'The title was deleted just now.')
    const { filename, size, type } = media
    if (id === media.id)
      log.info({ media: id, filename, size, type, host: url.host }, 'title found')
    return title
  }

  /** Failures of the source are remembered for a moment; those of this server are not. */
  #remember(href: string, error: unknown): void {
    if (!(error instanceof SlipstreamError)) return
    if (!['not_found', 'source_unsuitable', 'source_unreachable'].includes(error.code)) return
    this.#failures.delete(href) // to the end of the map: the oldest is dropped first
    this.#failures.set(href, { until: this.#ports.now() + FAILED_MS, error })
    if (this.#failures.size <= MOST_FAILURES) return
    const [oldest] = this.#failures.keys()
    if (oldest !== undefined) this.#failures.delete(oldest)
  }

  /** Asks again in the background when that is due and nobody waits for a turn. */
  #recheck({ id, source }: Media): void {
    const { turns, now, log } = this.#ports
    const isDue = source !== null && now() - source.checked_at > FRESH_MS
    if (!isDue || turns.isBusy || this.#renewing.size >= MOST_RECHECKS) return
    if (this.#closing.signal.aborted || this.#renewing.has(id)) return
    this.#renewOnce(id, 'due').catch((err) => {
      if (!this.#closing.signal.aborted) log.warn({ err, media: id }, 'a source cannot be checked')
    })
  }

  async #renew(id: MediaId, occasion: Occasion): Promise<Media | null> {
    const { catalogue, records, now, onChange, log } = this.#ports
    const media = await catalogue.get(id)
    if (media === null || media.source === null) return null
    const { source } = media
    const url = new URL(source.url)
    const known = knownOf(media.size, source)
    const before = occasion === 'wanted' ? null : source
    const facts = await this.#look(url, before, (seen) => {
      return seen.size === media.size && (occasion !== 'due' || isAnotherFile(known, seen))
    }).catch(async (error) => {
      await records.checked(id, now())
      throw error
    })
    if (facts.varies && source.varies === 0) {
      log.warn({ media: id, host: url.host }, 'a source names the same file differently each time')
    }
    if (occasion !== 'wanted' && !isAnotherFile(known, facts)) {
      await records.confirm(id, facts, now())
      if (!isAsBefore(source, facts)) onChange(id)
      return catalogue.get(id)
    }
    const mirrors = await this.#mirrorsOf(source, facts.size)
    const at = now()
    if (await records.renew(id, media.revision, fileOf(url, facts), { facts, mirrors, at })) {
      log.info(
        { media: id, revision: media.revision + 1, size: facts.size, occasion },
        'a title has a new revision',
      )
      onChange(id)
    }
    return catalogue.get(id)
  }

  /**
   * Asks twice where one look is not enough.
   * @param source as it is known, `null` when that is not to count
   * @returns what can be believed of the source's file
   */
  async #look(
    url: URL,
    source: MediaSource | null,
    isInDoubt: (seen: SteadyFacts) => boolean,
  ): Promise<SteadyFacts> {
    const look = async () => asBelieved(await this.#inspect(url, true), source)
    const first = await look()
    return isInDoubt(first) ? inCommon(first, await look()) : first
  }

  /** @returns the mirrors that have the new file too */
  async #mirrorsOf(source: MediaSource, size: number): Promise<string[]> {
    const checked = await Promise.all(
      source.mirrors.map(async (mirror) => {
        try {
          await this.#assertMirror(new URL(mirror), size)
          return [mirror]
        } catch (err) {
          this.#ports.log.warn({ err, mirror }, 'a mirror has not the new file and is dropped')
          return []
        }
      }),
    )
    return checked.flat()
  }

  async #assertMirror(url: URL, size: number): Promise<void> {
    const facts = await this.#inspect(url, true)
    if (facts.size !== size) {
      throw unsuitable(`The file at ${url.host} has ${facts.size} bytes instead of ${size}.`)
    }
    if (facts.ranges && facts.cors) return
    const missing = facts.ranges ? 'does not let other sites read the file (CORS)' : 'has no ranges'
    throw unsuitable(`${url.host} ${missing}, so that browsers cannot use it as a mirror.`)
  }

  /** The client refuses what is not allowed. */
  #inspect(url: URL, thorough: boolean): Promise<SourceFacts> {
    const { client, turns } = this.#ports
    const { signal } = this.#closing
    return turns.take(url.host, signal, () => client.inspect(url, signal, thorough))
  }
}

function fileOf(url: URL, facts: SourceFacts): FileFacts {
  const name = facts.filename ?? lastSegmentOf(url)
  const named = namedType(facts.type, name)
  if (named === null) throw unsuitable(`The file at ${url.host} is no video or audio.`)
  return { filename: safeFilename(name, named.extensions), size: facts.size, type: named.type }
}

/** Whether viewers and the administrator are told the same of the source as before. */
function isAsBefore(source: MediaSource, facts: SteadyFacts): boolean {
  return (
    !!source.ranges === facts.ranges &&
    !!source.cors === facts.cors &&
    !!source.varies === facts.varies &&
    isUnnamed(source) === isUnnamed({ etag: facts.etag, last_modified: facts.lastModified })
  )
}

function knownOf(size: number, source: MediaSource) {
  return { size, etag: source.etag, lastModified: source.last_modified }
}
