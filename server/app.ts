// The composition root: every module gets just the ports it uses, and this is the only place that
// knows them all. Byte-heavy and frequent paths are answered before Express sees them.
// Whoever made the app closes it.
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import express, { type NextFunction, type Request, type Response } from 'express'
import { ipKeyGenerator } from 'express-rate-limit'
import type { Logger } from 'pino'
import type { SiteSettings } from '#protocol/boot.ts'
import type { MediaId } from '#protocol/ids.ts'
import type { MediaRecord } from '#protocol/media.ts'
import { createAccounts } from './accounts/accounts.ts'
import { accountRoutes } from './accounts/routes.ts'
import { createDiskBlobStore } from './blobs/disk-blob-store.ts'
import type { Config } from './config/config.ts'
import { prepareDataFolder, unusableDataFolder } from './config/data-folder.ts'
import { type Database, openDatabase } from './database/database.ts'
import { MediaEvents } from './events/media-events.ts'
import { PieceHasher } from './hashing/piece-hasher.ts'
import { refuseOtherMethods } from './http/allowed-methods.ts'
import { basePathOf, withoutBase, withSlash } from './http/base-path.ts'
import { SlipstreamError } from './http/errors.ts'
import { jsonBody } from './http/json-body.ts'
import { clientAddress, requestOrigin } from './http/request-address.ts'
import { sendError } from './http/send-error.ts'
import { createIngest } from './ingest/ingest.ts'
import { BuildQueue } from './jobs/build-queue.ts'
import { createCatalogue, type Media, toRecord } from './media/catalogue.ts'
import { RecentMedia } from './media/recent-media.ts'
import { mediaIdOfPage, mediaRoutes } from './media/routes.ts'
import { trackRoutes } from './media/track-routes.ts'
import { createTracks } from './media/tracks.ts'
import { createMetrics } from './metrics/metrics.ts'
import { oembedRoutes } from './pages/oembed.ts'
import { createPages } from './pages/pages.ts'
import { settingsRoutes } from './settings/routes.ts'
import { SettingsStore } from './settings/settings.ts'
import { BuildThread } from './sources/build-thread.ts'
import { HttpSourceClient } from './sources/http-source-client.ts'
import { InspectionTurns } from './sources/inspection-turns.ts'
import { newUrlLimit } from './sources/new-url-limit.ts'
import { Pace } from './sources/politeness.ts'
import { remoteBuilder } from './sources/remote-build.ts'
import { openToAnySite, resolveRoutes } from './sources/resolve-routes.ts'
import type { Lookup } from './sources/source-connection.ts'
import { SourceCopies } from './sources/source-copies.ts'
import { createSourcePolicy } from './sources/source-policy.ts'
import { createSourceRecords } from './sources/source-records.ts'
import { sourceRoutes } from './sources/source-routes.ts'
import { SourceTitles } from './sources/source-titles.ts'
import { torrentBuilder } from './torrent/build-torrent.ts'
import { torrentEndpoint } from './torrent/torrent-endpoint.ts'
import { Tracker } from './tracker/tracker.ts'
import { createUploads } from './uploads/uploads.ts'
import { PassingOn } from './web-seed/passing-on.ts'
import { WebSeed } from './web-seed/web-seed.ts'

/** How long requests under way may take to finish when the server stops. */
const DRAIN_MS = 5_000
/** How long the head of a request may take to arrive. */
const HEADERS_TIMEOUT_MS = 60_000
/** How long the JSON body of a request may take to arrive. */
const BODY_PATIENCE_MS = 30_000

export interface AppOverrides {
  readonly now?: () => number
  /** How long the JSON body of a request may take to arrive, milliseconds. */
  readonly bodyPatience?: number
  /** Resolves the names of sources instead of the system. */
  readonly lookup?: Lookup
  /** Pages with hot reload from Vite instead of the built client. */
  readonly dev?: boolean
}

export interface App {
  /** Not listening yet. */
  readonly server: Server
  /** @returns the token of the set-up link while there is no account, else `null` */
  setupToken(): Promise<string | null>
  /** Stops taking requests, lets those under way finish, hands jobs back and closes everything. */
  close(): Promise<void>
}

/**
 * @param root folder of the project
 * @throws Error when the data folder or the database cannot be used
 */
export async function createApp(
  config: Config,
  root: string,
  log: Logger,
  overrides: AppOverrides = {},
): Promise<App> {
  const now = overrides.now ?? Date.now
  const database = await openDataFolder(config.dataDir)
  const blobs = createDiskBlobStore(join(config.dataDir, 'blobs'))
  const catalogue = createCatalogue(database)
  const metrics = createMetrics()
  const hasher = new PieceHasher()
  const recent = new RecentMedia(catalogue, now)
  const events = new MediaEvents(catalogue, log)
  const changed = (id: MediaId): void => {
    recent.forget(id)
    events.changed(id)
  }
  const via = `slipstream-${randomUUID()}`
  const policy = createSourcePolicy({ database, sources: config.sources, now })
  const sourceOptions = {
    policy,
    allowPrivate: config.sources.allowPrivate,
    maxBytes: config.maxUploadBytes,
    // Any name will do where the own one is not known: a source that names the sites it lets read
    // cannot name this one then.
    pageOrigin: new URL(config.publicUrl ?? 'https://slipstream.invalid').origin,
    via,
    lookup: overrides.lookup,
  }
  const sourceClient = new HttpSourceClient(sourceOptions)
  const buildThread = new BuildThread(sourceOptions)
  const titles = new SourceTitles({
    catalogue,
    records: createSourceRecords(database),
    policy,
    client: sourceClient,
    turns: new InspectionTurns(),
    onChange: changed,
    now,
    log,
  })
  const renew = (id: MediaId) => titles.renew(id)
  const reader = {
    client: sourceClient,
    pace: new Pace(config.sources.bytesPerSecond, now),
    now,
  }
  const copies = new SourceCopies({
    database,
    blobs,
    reader,
    keepOf: (url) => policy.keepOf(url),
    cacheBytes: config.sources.cacheBytes,
    onChange(id, revision) {
      webSeed.forget(id, revision)
      changed(id)
    },
    now,
    log,
  })
  const buildRemote = remoteBuilder({
    reader,
    thread: buildThread,
    copies,
    catalogue,
    blobs,
    renew,
    onChange: changed,
    log,
  })
  const queue = new BuildQueue({
    database,
    build: torrentBuilder({ catalogue, blobs, hasher, buildRemote }),
    onChange: changed,
    now,
    buildDelayMs: config.buildDelayMs,
    log,
  })

  const web = express()
  web.disable('x-powered-by').disable('etag').set('trust proxy', config.trustProxy)
  const isTrusted = web.get('trust proxy fn') as (
    address: string | undefined,
    hop: number,
  ) => boolean
  const isTrustedProxy = (address: string | undefined) => isTrusted(address, 0)
  const addressOf = clientAddress(isTrusted)
  const basePath = basePathOf(config.publicUrl)
  const originOf = requestOrigin({ publicUrl: config.publicUrl, isTrustedProxy })

  const accounts = createAccounts({ database, now })
  if (config.admin) await accounts.ensureFirst(config.admin)
  const ingest = createIngest({ blobs, catalogue, now, log })
  const uploads = createUploads({
    directory: join(config.dataDir, 'uploads'),
    maxBytes: config.maxUploadBytes,
    isSignedIn: accounts.isSignedIn,
    originOf,
    basePath,
    ingest,
    onNearEnd: () => hasher.warm(),
    log,
  })
  const removeBytes = async (id: MediaId): Promise<void> => {
    await blobs.remove(id)
    await catalogue.bytesRemoved(id)
  }
  for (const id of await catalogue.removed()) {
    await removeBytes(id).then(
      () => log.info({ media: id }, 'the bytes of a deleted title, left by a crash, are removed'),
      (err) => log.error({ err, media: id }, 'the bytes of a deleted title cannot be removed'),
    )
  }
  await ingest.reportOrphans(uploads.reserved)
  const caughtUp = uploads.finishInterrupted().catch((err) => {
    log.error({ err }, 'interrupted uploads cannot be looked for')
  })
  const tracker = new Tracker({
    rulesOf: (infoHash) => catalogue.swarmRules(infoHash),
    addressOf,
    log,
  })
  const webSeed = new WebSeed({
    catalogue: recent,
    blobs,
    passingOn: new PassingOn({ client: sourceClient, copies, renew, log }),
    clientOf: (request) => ipKeyGenerator(addressOf(request) ?? ''),
    onWanted: (id, revision) => copies.wanted(id, revision),
    accel: config.webSeedAccel === null ? null : { prefix: config.webSeedAccel, isTrustedProxy },
    onSent: (bytes) => metrics.webSeedBytes.inc(bytes),
  })
  const sendTorrent = torrentEndpoint({ recent, catalogue, queue, originOf })

  const deleteMedia = async (media: Media): Promise<void> => {
    await catalogue.remove(media.id)
    changed(media.id)
    webSeed.forget(media.id, media.revision)
    if (media.info_hash) await tracker.rulesChanged(media.info_hash)
    await copies.forget(media.id)
    await removeBytes(media.id)
    log.info({ media: media.id }, 'title deleted')
  }

  const server = createServer(
    {
      requestTimeout: 0, // uploads may take their time
      headersTimeout: HEADERS_TIMEOUT_MS,
      keepAliveTimeout: 65_000,
      shouldUpgradeCallback: isWebSocket,
    },
    (request, response) => {
      dispatch(request, response).catch((error) => sendError(request, response, error, log))
    },
  )

  async function dispatch(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // By another of its names this server may be below an allowed origin. Titles made of its titles
    // would pass each byte on many times.
    if (request.headers.via?.includes(via)) {
      const message = 'This server cannot be its own source. Name the file where it lies.'
      throw new SlipstreamError('source_unsuitable', message)
    }
    if (isScrape(request)) return sendMetrics(request, response)
    const slashed = withSlash(basePath, request.url ?? '')
    if (slashed !== null) return void response.writeHead(301, { Location: slashed }).end()
    const url = parseUrl(request, basePath)
    if (url.pathname.startsWith('/media/')) await webSeed.handle(request, response, url)
    else if (/^\/api\/media\/[^/]+\/torrent$/.test(url.pathname))
      await sendTorrent(request, response, url)
    else if (url.pathname === '/announce') tracker.handle(request, response)
    else if (/^\/api\/uploads(\/|$)/.test(url.pathname)) uploads.handle(request, response)
    else web(request, response)
  }

  async function sendMetrics(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { type, text } = await metrics.render()
    response.writeHead(200, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(text) })
    response.end(request.method === 'HEAD' ? undefined : text)
  }

  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => {}) // the client is gone
    const path = withoutBase(basePath, request.url ?? '').split('?', 1)[0]
    if (path === '/announce') tracker.upgrade(request, socket, head)
    else if (!overrides.dev) socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n')
  })
  // Malformed HTTP; Node's own answer is fine, without a stack in the log.
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')
    else socket.destroy()
  })

  let isClosing = false
  web.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' })
  })
  web.get('/readyz', async (_request, response) => {
    const isReady = !isClosing && (await databaseAnswers(database))
    response.status(isReady ? 200 : 503).json({ status: isReady ? 'ready' : 'not ready' })
  })
  web.use('/api/resolve', openToAnySite)
  web.use('/api', jsonBody(overrides.bodyPatience ?? BODY_PATIENCE_MS))
  web.use(accountRoutes({ accounts, originOf, log }))
  web.get('/api/media/:id/events', events.handle)
  web.use(
    '/api/media',
    mediaRoutes({
      catalogue,
      queue,
      originOf,
      requireAccount: accounts.requireAccount,
      setMirrors: (media, urls) => titles.setMirrors(media, urls),
      remake: (media) => titles.remake(media),
      async onEdit(media) {
        changed(media.id)
        if (media.info_hash) await tracker.rulesChanged(media.info_hash)
      },
      deleteMedia,
    }),
  )
  web.use(
    '/api/media',
    trackRoutes({
      catalogue,
      tracks: createTracks(database),
      originOf,
      requireAccount: accounts.requireAccount,
    }),
  )
  const admit = newUrlLimit(titles)
  web.use('/api/resolve', resolveRoutes({ titles, admit, originOf }))
  web.use(
    '/api/sources',
    sourceRoutes({
      policy,
      onKeepChange: () => copies.keepWithinBound(),
      originOf,
      requireAccount: accounts.requireAccount,
      log,
    }),
  )
  const siteSettings = new SettingsStore(database, now)
  web.use(
    '/api/settings',
    settingsRoutes({ settings: siteSettings, originOf, requireAccount: accounts.requireAccount }),
  )
  const findRecord = async (id: MediaId | null, request: Request): Promise<MediaRecord | null> => {
    const media = id && (await catalogue.get(id))
    return media && toRecord(media, originOf(request))
  }
  const embedSitesOf = async (media: MediaRecord | null) =>
    media?.embedSites ?? (await siteSettings.get()).embedSites
  web.use(oembedRoutes({ baseOf: originOf, findRecord, embedSitesOf }))
  web.use(refuseOtherMethods(web))
  web.all('/api/{*path}', () => {
    throw new SlipstreamError('not_found', 'There is nothing at this address of the API.')
  })
  const settings: SiteSettings = {
    iceServers: config.iceServers,
    p2pDefault: config.p2pDefault,
    maxUploadBytes: config.maxUploadBytes,
  }
  const pages = await createPages({
    root,
    basePath,
    settings,
    hotReload: overrides.dev ? server : null,
    async findRecord(request) {
      const url = /^\/embed\/?$/.test(request.path) ? request.query['url'] : undefined
      if (url !== undefined) {
        await admit(request)
        const origin = originOf(request)
        return toRecord(await titles.resolve(url, origin), origin)
      }
      const record = await findRecord(mediaIdOfPage(request.path), request)
      if (record) return record
      const message = 'This title is not here. It was deleted, or the address is not complete.'
      throw new SlipstreamError('not_found', message)
    },
    baseOf: originOf,
    viewersOf: (media) => (media.state === 'ready' ? tracker.viewersOf(media.infoHash) : 0),
    embedSitesOf,
  })
  web.use(pages.router)
  web.use((error: unknown, request: Request, response: Response, _next: NextFunction) => {
    sendError(request, response, error, log)
  })

  await copies.start()
  queue.start()
  return {
    server,
    setupToken: () => accounts.issueSetupToken(),
    async close() {
      isClosing = true
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      events.close()
      await tracker.close()
      server.closeIdleConnections()
      const cut = setTimeout(() => server.closeAllConnections(), DRAIN_MS)
      await Promise.all([closed, queue.close(), copies.close()])
      await titles.close()
      clearTimeout(cut)
      webSeed.close()
      await Promise.all([
        hasher.close(),
        buildThread.close(),
        uploads.close(),
        caughtUp,
        pages.close(),
        sourceClient.close(),
      ])
      await database.destroy()
    },
  }
}

async function openDataFolder(path: string): Promise<Database> {
  await prepareDataFolder(path)
  try {
    return await openDatabase(join(path, 'slipstream.db'))
  } catch (cause) {
    throw unusableDataFolder(path, cause)
  }
}

/**
 * Metrics are for who reaches this server directly. Proxies are told to refuse that path, so it has no
 * other spelling that they would let through: no base path, no capitals, no slash at the end.
 */
function isScrape({ method = '', url = '' }: IncomingMessage): boolean {
  return ['GET', 'HEAD'].includes(method) && url.split('?', 1)[0] === '/metrics'
}

/** Leaves the request with an address as our own routes have it. */
function parseUrl(request: IncomingMessage, basePath: string): URL {
  // The absolute form, which every server must take (RFC 9112 §3.2.2).
  const target = request.url?.replace(/^https?:\/\/([\w.-]+|\[[\da-f:]+\])(:\d+)?\/?/i, '/')
  request.url = withoutBase(basePath, target ?? '/')
  // A path such as `//host` must not be read as another host.
  const path = (request.url ?? '/').replace(/^\/{2,}/, '/')
  const url = path.startsWith('/') ? URL.parse(path, 'http://localhost') : null
  if (!url) throw new SlipstreamError('bad_request', 'The address of the request is malformed.')
  return url
}

/** Other upgrades are ignored, as RFC 9110 §7.8 lets a server do: the request is answered plainly. */
const isWebSocket = (request: IncomingMessage): boolean =>
  request.headers.upgrade?.toLowerCase() === 'websocket'

async function databaseAnswers(database: Database): Promise<boolean> {
  try {
    await database.selectFrom('media').select('id').limit(1).execute()
    return true
  } catch {
    return false
  }
}
