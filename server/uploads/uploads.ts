// Resumable uploads (tus 1.0.0) at `/api/uploads`, on the bare `node:http` server. An upload whose
// last byte arrived becomes exactly one title, however often its last request is repeated and
// wherever the server died in between. Whoever made it closes it.
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Server } from '@tus/server'
import type { Logger } from 'pino'
import type { MediaId } from '#protocol/ids.ts'
import { UPLOADED_MEDIA_HEADER } from '#protocol/media.ts'
import { notSignedIn } from '../accounts/accounts.ts'
import { SlipstreamError, toSlipstreamError } from '../http/errors.ts'
import type { OriginOf } from '../http/request-address.ts'
import { assertSameOrigin } from '../http/same-origin.ts'
import { logError, sendError } from '../http/send-error.ts'
import { type Ingest, newMediaId } from '../ingest/ingest.ts'
import { PROBE_PATIENCE, ProbeTimeout } from '../ingest/probe.ts'
import { type UploadRecord, UploadStore } from './upload-store.ts'

const PATH = '/api/uploads'
const UPLOAD_ID = /^[0-9a-f]{32}$/
const LIFETIME_MS = 7 * 24 * 3600 * 1000
const SWEEP_MS = 3600 * 1000
/** A file is given so many chances to be read in time, each longer than the one before. */
const MAX_TIMEOUTS = 3
/** A request that another one for the same upload supersedes writes down what it has so long. */
const HANDOVER_MS = 200
/** After an early refusal the client has so long to stop sending; then the connection is cut. */
const HANG_UP_MS = 2_000

export interface Uploads {
  /** Answers a request below `/api/uploads`. */
  handle(request: IncomingMessage, response: ServerResponse): void
  /**
   * Makes titles of uploads that were complete when the server died, then removes expired ones.
   * Call it at start.
   */
  finishInterrupted(): Promise<void>
  /** @returns the titles that uploads were to become, and did not yet; their bytes may be blobs */
  reserved(): Promise<ReadonlySet<MediaId>>
  /** Gives up what is under way; it is taken up again by client or next start. */
  close(): Promise<void>
}

export function createUploads(ports: {
  /** Holds nothing but uploads under way; best on the file system of the blobs. */
  readonly directory: string
  readonly maxBytes: number
  readonly isSignedIn: (request: IncomingMessage) => Promise<boolean>
  readonly originOf: OriginOf
  /** Path of the server as clients see it; empty, the default, at the root. */
  readonly basePath?: string
  readonly ingest: Pick<Ingest, 'ingest'>
  /** Told again and again while the last bytes of an upload arrive. */
  readonly onNearEnd?: () => void
  /** Milliseconds since 1970. */
  readonly now?: () => number
  /** How long reading a file's structure may take at first, milliseconds. */
  readonly probePatience?: number
  readonly log: Logger
}): Uploads {
  const { directory, maxBytes, isSignedIn, originOf, ingest, now = Date.now, log } = ports
  const { probePatience = PROBE_PATIENCE, basePath = '' } = ports
  const store = new UploadStore(directory, LIFETIME_MS, ports.onNearEnd)
  const closing = new AbortController()
  const finishing = new Map<string, Promise<MediaId>>()

  /** Makes a complete upload a title; all who ask at once get the one outcome. */
  function finish(id: string): Promise<MediaId> {
    const underWay = finishing.get(id)
    if (underWay) return underWay
    const outcome = finishOnce(id).finally(() => finishing.delete(id))
    finishing.set(id, outcome)
    return outcome
  }

  async function finishOnce(id: string): Promise<MediaId> {
    const record = await store.record(id)
    if (record === undefined) throw notThere()
    if (record.finished && record.mediaId !== undefined) return record.mediaId
    if (record.refusal !== undefined) throw refused(record.refusal)
    const mediaId = record.mediaId ?? newMediaId()
    await store.reserve(record, mediaId)
    try {
      await ingest.ingest({
        path: store.path(id),
        filename: record.metadata?.['filename'] ?? undefined,
        title: record.metadata?.['title'] ?? undefined,
        id: mediaId,
        signal: closing.signal,
        patience: probePatience * (record.timeouts + 1),
      })
    } catch (error) {
      if (error instanceof ProbeTimeout) await giveUpIfEndless({ ...record, mediaId })
      if (error instanceof SlipstreamError && error.code === 'unsupported_media') {
        await store.discard(id)
      }
      throw error
    }
    await store.finish(record, mediaId)
    return mediaId
  }

  /**
   * Keeps a file that the parser does not come to an end with from being read again at every start.
   * @throws SlipstreamError `unsupported_media` when it had all its chances
   */
  async function giveUpIfEndless(record: UploadRecord): Promise<void> {
    // Whose bytes are with their title was read before: a busy machine is to blame.
    if (!(await store.hasBytes(record.id))) return
    const isEndless = record.timeouts + 1 >= MAX_TIMEOUTS
    await store.countTimeout(record, isEndless ? ENDLESS : null)
    if (!isEndless) return
    const facts = { upload: record.id, path: store.path(record.id) }
    log.warn(facts, 'an upload is refused: reading it never ends. Its bytes stay until it expires')
    throw refused(ENDLESS)
  }

  const tus = new JsonTusServer({
    path: PATH,
    datastore: store,
    maxSize: maxBytes,
    // Without scheme and host, which a proxy may have changed.
    generateUrl: (_request, { path, id }) => `${basePath}${path}/${id}`,
    allowedOrigins: () => false, // pages of other sites have no business here
    disableTerminationForFinishedUploads: true,
    lockDrainTimeout: HANDOVER_MS,
    namingFunction: () => randomBytes(16).toString('hex'),
    getFileIdFromRequest: (request) => uploadIdOf(new URL(request.url).pathname) ?? undefined,
    async onUploadCreate(_request, upload) {
      if (upload.size === 0) {
        throw new SlipstreamError('unsupported_media', 'The file is empty. Choose another one.')
      }
      return {}
    },
    async onUploadFinish(_request, upload) {
      return { headers: { [UPLOADED_MEDIA_HEADER]: await finish(upload.id) } }
    },
    onResponseError(request, thrown) {
      const error = explain(thrown, maxBytes)
      const facts = { method: request.method, code: error.code }
      if (error.code === 'internal' && closing.signal.aborted) {
        log.info(facts, 'upload interrupted by the end of the server')
      } else logError(error, facts, log)
      return { status_code: error.status, body: JSON.stringify(error.body) }
    },
  })

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    assertSameOrigin(request, originOf)
    if (!(await isSignedIn(request))) throw notSignedIn()
    const path = (request.url ?? '').split('?', 1)[0] ?? ''
    const id = uploadIdOf(path)
    if (id === null && path !== PATH && path !== `${PATH}/`) throw notThere()
    const allowed = id === null ? ['POST', 'OPTIONS'] : ['HEAD', 'PATCH', 'DELETE', 'OPTIONS']
    if (!allowed.includes(request.method ?? '')) {
      const message = `${request.method} is not possible here, only ${allowed.join(', ')}.`
      const headers = { Allow: allowed.join(', ') }
      throw new SlipstreamError('method_not_allowed', message, { headers })
    }
    if (id !== null && request.method === 'HEAD') {
      // Whoever lost the last answer asks so; and a crash may have come before the title was made.
      const record = await store.record(id)
      if (record && (await store.isComplete(record))) {
        response.setHeader(UPLOADED_MEDIA_HEADER, await finish(id))
      }
    }
    if (id !== null && request.method === 'DELETE') {
      // Complete, which `@tus/server` takes for a title; but it never becomes one.
      const record = await store.record(id)
      if (record?.refusal !== undefined) {
        await store.discard(id)
        response.writeHead(204, { 'Tus-Resumable': '1.0.0' }).end()
        return
      }
    }
    await tus.handle(request, response)
  }

  const removeExpired = async (): Promise<void> => {
    const removed = await store.discardExpired(now())
    if (removed > 0) log.info({ removed }, 'expired uploads removed')
  }
  let swept = Promise.resolve()
  const sweep = (): void => {
    swept = removeExpired().catch((err) => log.error({ err }, 'expired uploads cannot be removed'))
  }
  const sweeping = setInterval(sweep, SWEEP_MS).unref()

  return {
    handle(request, response) {
      answer(request, response)
        .catch((error: unknown) => {
          if (!response.headersSent) response.setHeader('Tus-Resumable', '1.0.0')
          sendError(request, response, error, log)
        })
        .finally(() => hangUp(request))
    },

    async finishInterrupted() {
      for (const id of await store.list()) {
        const record = await store.record(id)
        if (!record || record.finished || record.refusal !== undefined) continue
        if (!(await store.isComplete(record))) continue
        try {
          log.info({ media: await finish(id) }, 'an interrupted upload was finished')
        } catch (thrown) {
          if (closing.signal.aborted) return
          logError(toSlipstreamError(thrown), { upload: id }, log)
        }
      }
      sweep() // not before: a whole upload may have waited for this start longer than any may take
    },

    reserved: () => store.reserved(),

    async close() {
      clearInterval(sweeping)
      closing.abort(new Error('the server is stopping'))
      await Promise.allSettled([swept, ...finishing.values()])
    },
  }
}

/** Answers its errors as our JSON. */
class JsonTusServer extends Server {
  override async write(...args: Parameters<Server['write']>): ReturnType<Server['write']> {
    const [context, headers, status, body = ''] = args
    if (status < 400) return super.write(...args)
    headers.set('Content-Type', 'application/json; charset=utf-8')
    headers.set('Cache-Control', 'no-store')
    if (status === 412) headers.set('Tus-Version', '1.0.0')
    // What was refused before any handler ran did not come through `onResponseError`.
    const isOurs = body.startsWith('{"error":')
    const json = isOurs ? body : JSON.stringify(explain({ status_code: status, body }, 0).body)
    return super.write(context, headers, status, json)
  }
}

interface TusError {
  readonly status_code?: number
  readonly body?: string
}

/** Translates what `@tus/server` throws: objects and errors with a status and a line of text. */
function explain(thrown: Error | TusError, maxBytes: number): SlipstreamError {
  const { status_code: status, body = '' } = thrown as TusError
  if (status === undefined) return toSlipstreamError(thrown)
  const cause = { cause: thrown }
  const line = body.trim().replace(/\.$/, '')
  switch (status) {
    case 404:
      return notThere()
    case 409:
      return new SlipstreamError(
        'conflict',
        'The upload goes on at another place than the one named. Ask for its offset and resume there.',
        cause,
      )
    case 410:
      return new SlipstreamError('gone', 'This upload has expired. Start it again.', cause)
    case 412:
      return new SlipstreamError(
        'precondition_failed',
        'Uploads need the header "Tus-Resumable: 1.0.0" (see tus.io).',
        cause,
      )
    case 413:
      return new SlipstreamError(
        'payload_too_large',
        /max/i.test(line)
          ? `The file is too large: this server takes at most ${inUnits(maxBytes)}.`
          : 'More bytes were sent than the upload was said to have.',
        cause,
      )
    case 500:
      if (/lock/.test(line)) {
        const message = 'Another request for this upload is still under way. Try again.'
        return new SlipstreamError('conflict', message, cause)
      }
      return toSlipstreamError(thrown)
    default:
      if (/already completed/.test(line)) {
        const message = 'This upload is complete. Delete its title instead.'
        return new SlipstreamError('conflict', message, cause)
      }
      return new SlipstreamError('bad_request', `The upload request is not valid: ${line}.`, cause)
  }
}

const ENDLESS =
  'This file keeps the server busy for ever: its structure seems to be damaged. Export or copy it ' +
  'again and upload the new one.'

function refused(reason: string): SlipstreamError {
  return new SlipstreamError('unsupported_media', reason)
}

function notThere(): SlipstreamError {
  const message = 'There is no such upload. It may have been refused or removed: start it again.'
  return new SlipstreamError('not_found', message)
}

function uploadIdOf(path: string): string | null {
  const id = path.startsWith(`${PATH}/`) ? path.slice(PATH.length + 1).replace(/\/$/, '') : ''
  return UPLOAD_ID.test(id) ? id : null
}

/** @returns `2.5 GB (2,500,000,000 bytes)` */
function inUnits(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB']
  const step = Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1)
  const exact = `${bytes.toLocaleString('en')} bytes`
  if (step <= 0) return exact
  const rounded = (bytes / 1000 ** step).toLocaleString('en', { maximumFractionDigits: 1 })
  return `${rounded} ${units[step]} (${exact})`
}

/** Ends what a client goes on to send after it was answered, without cutting the answer off. */
function hangUp(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return
  request.on('error', () => {}) // the client hung up first
  request.resume()
  const timer = setTimeout(() => request.destroy(), HANG_UP_MS)
  request.once('end', () => clearTimeout(timer)).once('close', () => clearTimeout(timer))
}
