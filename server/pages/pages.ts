// The pages: one HTML for all of them, into which the server writes what the first render needs,
// and the client's files. `--dev` takes both from Vite with hot reload, production from `dist`.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import { join } from 'node:path'
import { type Request, type RequestHandler, type Response, Router } from 'express'
import expressStaticGzip from 'express-static-gzip'
import helmet from 'helmet'
import { BOOT_ELEMENT_ID, type Boot, type SiteSettings } from '#protocol/boot.ts'
import { earlyRequestOf } from '#protocol/early-request.ts'
import { escapeHtml } from '#protocol/embed.ts'
import type { MediaRecord } from '#protocol/media.ts'
import { SlipstreamError } from '../http/errors.ts'
import { watchHead, withoutScript } from './page-head.ts'

/** A script in the page itself, as `client/index.html` has one. */
const INLINE_SCRIPT = /<script>(.*?)<\/script>/gs
const BOOT_PLACE = '<!--slipstream-boot-->'
const HEAD_PLACE = '<!--slipstream-head-->'
/** What all addresses in the page and of its scripts are relative to. */
const BASE_PLACE = '<base href="/" />'
const NOSCRIPT = /<noscript>.*?<\/noscript>/s
/** Paths that the client has pages for, besides those of titles. */
const PAGES = /^\/(?:admin\/?)?$/
/** Pages of one title, which is named by its id, or on an embed page by `?url=`. */
const TITLE_PAGE = /^\/(?:(watch)\/[^/]+|(embed)(?:\/[^/]*)?)\/?$/
/** Files that pages of any site load. */
const FOR_ANY_SITE = ['/embed.js', '/embed.d.ts']
/**
 * A player cannot begin before its script is there. So a page takes the one that its visitor has; when
 * that is older than 5 minutes, it is asked meanwhile whether there is another, for the next page.
 */
const FOR_ANY_SITE_CACHE = 'public, max-age=300, stale-while-revalidate=604800'

export interface PagesOptions {
  /** Folder of the project. */
  readonly root: string
  /** Path of the server as viewers see it; empty at the root. */
  readonly basePath: string
  readonly settings: SiteSettings
  /**
   * @returns the record of a watch or embed page's title
   * @throws SlipstreamError when there is none: `not_found`, or what speaks against its URL
   */
  readonly findRecord: (request: Request) => Promise<MediaRecord>
  /** Address of this server as the client sees it, without a slash at its end. */
  readonly baseOf: (request: Request) => string
  /** Viewers of the title that one more would be introduced to. */
  readonly viewersOf: (media: MediaRecord) => number
  /** Sites that may embed the title, or what cannot be told for want of one; `null`: every site. */
  readonly embedSitesOf: (media: MediaRecord | null) => Promise<readonly string[] | null>
  /** The HTTP server for hot reload, or `null` in production. */
  readonly hotReload: Server | null
}

interface Front {
  /** What the content security policy must let run, beside the site's own files. */
  readonly scriptSources: readonly string[]
  readonly files: RequestHandler
  /** @returns the HTML before the boot data is written into it */
  template(url: string): Promise<string>
  close(): Promise<void>
}

/** @returns the router of all pages and files, last in line; and what ends it */
export async function createPages(options: PagesOptions) {
  const { root, basePath, settings, findRecord, baseOf, viewersOf, embedSitesOf, hotReload } =
    options
  const front = hotReload
    ? await developmentFront(root, basePath, hotReload)
    : await builtFront(root, basePath)
  const router = Router()
  router.use(securityHeaders(front.scriptSources))
  const earlyRequest = (media: MediaRecord, request: Request, isEmbedded: boolean) => {
    const early = earlyRequestOf(media, baseOf(request))
    // Several players on one page would hold all connections of a browser.
    return early && isEmbedded ? { ...early, headEnd: null } : early
  }
  const sendPage: RequestHandler = async (request, response) => {
    const [isTitlePage, watch, embed] = TITLE_PAGE.exec(request.path) ?? []
    const found = isTitlePage === undefined ? null : await outcomeOf(findRecord(request))
    const media = found?.media ?? null
    const failure = found?.failure ?? null
    if (embed) allowFrames(response, await embedSitesOf(media))
    if (failure) response.status(failure.status).set(failure.headers)
    else if (!isTitlePage && !PAGES.test(request.path)) response.status(404)
    const boot = bootElement({
      settings,
      media,
      early: media && earlyRequest(media, request, embed !== undefined),
      viewers: media ? viewersOf(media) : 0,
      failure: failure?.body.error ?? null,
    })
    let html = (await front.template(request.originalUrl)).replace(BOOT_PLACE, () => boot)
    if (media) {
      const page = watch ? 'watch' : 'embed'
      const title = escapeHtml(watch ? `${media.title} · Slipstream` : media.title)
      html = html
        .replace(/<title>.*?<\/title>/, () => `<title>${title}</title>`)
        .replace(HEAD_PLACE, () => (watch ? watchHead(media, baseOf(request)) : ''))
        .replace(NOSCRIPT, () => `<noscript>${withoutScript(media, page)}</noscript>`)
    } else if (embed && failure) {
      const why = `<p style="color:#fff;font:1rem system-ui">${escapeHtml(failure.message)}</p>`
      html = html.replace(NOSCRIPT, () => `<noscript>${why}</noscript>`)
    }
    response.set('Cache-Control', 'no-cache').type('html').send(html)
  }
  router.use((request, _response, next) => {
    if (request.method === 'GET' || request.method === 'HEAD') return next()
    const message = 'Pages answer GET and HEAD only.'
    throw new SlipstreamError('method_not_allowed', message, { headers: { Allow: 'GET, HEAD' } })
  })
  router.get('/', sendPage)
  router.get('/index.html', (_request, response) => response.redirect(301, `${basePath}/`))
  router.get(FOR_ANY_SITE, (request, response, next) => {
    response
      .set('Access-Control-Allow-Origin', '*')
      .set('Cross-Origin-Resource-Policy', 'cross-origin')
      .set('Cache-Control', FOR_ANY_SITE_CACHE)
    if (request.path.endsWith('.d.ts')) response.type('text/plain')
    next()
  })
  router.use(front.files)
  router.get('/{*path}', sendPage)
  return { router, close: () => front.close() }
}

interface Outcome {
  readonly media?: MediaRecord
  readonly failure?: SlipstreamError
}

/** The page of a title that cannot be shown says why. */
async function outcomeOf(found: Promise<MediaRecord>): Promise<Outcome> {
  try {
    return { media: await found }
  } catch (error) {
    if (error instanceof SlipstreamError) return { failure: error }
    throw error
  }
}

/** Lets the pages of these sites, and our own, put this page into a frame; `null`: any page. */
function allowFrames(response: Response, sites: readonly string[] | null): void {
  const policy = String(response.get('Content-Security-Policy'))
  const ancestors = sites === null ? '*' : ["'self'", ...sites].join(' ')
  response
    .set(
      'Content-Security-Policy',
      policy
        .replace(/frame-ancestors [^;]*/, `frame-ancestors ${ancestors}`)
        // The company's own picture before the film begins.
        .replace(/img-src [^;]*/, '$& http: https:'),
    )
    .set('Cross-Origin-Resource-Policy', 'cross-origin')
}

/** JSON in a data block, which `script-src` does not concern; `<` cannot end the element early. */
function bootElement(boot: Boot): string {
  const json = JSON.stringify(boot).replace(/</g, '\\u003c')
  return `<script type="application/json" id="${BOOT_ELEMENT_ID}">${json}</script>`
}

/** @returns the HTML with the folder that the server's own paths are below */
function withBase(html: string, basePath: string): string {
  return html.replace(BASE_PLACE, `<base href="${basePath}/" />`)
}

async function builtFront(root: string, basePath: string): Promise<Front> {
  const folder = join(root, 'dist/client')
  const html = withBase(await readFile(join(folder, 'index.html'), 'utf8'), basePath)
  const files = expressStaticGzip(folder, {
    enableBrotli: true,
    orderPreference: ['br', 'gz'],
    index: false,
    serveStatic: {
      redirect: false, // it knows nothing of the base path
      setHeaders(response, path) {
        const isHashed = path.startsWith(join(folder, 'assets'))
        // `FOR_ANY_SITE` have theirs.
        if (!isHashed && response.hasHeader('Cache-Control')) return
        response.setHeader(
          'Cache-Control',
          isHashed ? 'public, max-age=31536000, immutable' : 'no-cache',
        )
      },
    },
  })
  const scriptSources = [...html.matchAll(INLINE_SCRIPT)].map(
    ([, script = '']) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`,
  )
  return { scriptSources, files, template: async () => html, close: async () => {} }
}

async function developmentFront(root: string, basePath: string, server: Server): Promise<Front> {
  const { createServer } = await import('vite')
  const vite = await createServer({
    configFile: join(root, 'vite.config.ts'),
    base: `${basePath}/`,
    appType: 'custom',
    server: { middlewareMode: true, ws: { server } },
  })
  return {
    scriptSources: ["'unsafe-inline'"], // Vite's hot reload
    files(request, response, next) {
      const { url } = request
      request.url = basePath + url
      vite.middlewares(request, response, (error?: unknown) => {
        request.url = url
        next(error)
      })
    },
    async template(url) {
      const html = await readFile(join(root, 'client/index.html'), 'utf8')
      return vite.transformIndexHtml(basePath + url, withBase(html, basePath))
    },
    close: () => vite.close(),
  }
}

/** @param scriptSources of the content security policy, beside `'self'` */
function securityHeaders(scriptSources: readonly string[]): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        'default-src': ["'self'"],
        'script-src': ["'self'", ...scriptSources],
        // The component library writes its variables into <style> elements.
        'style-src': ["'self'", "'unsafe-inline'"],
        'img-src': ["'self'", 'data:', 'blob:'],
        // Web seeds and trackers may be anywhere that the operator allows.
        'media-src': ["'self'", 'blob:', 'http:', 'https:'],
        'connect-src': ["'self'", 'http:', 'https:', 'ws:', 'wss:'],
        'worker-src': ["'self'"],
        'object-src': ["'none'"],
        'base-uri': ["'self'"],
        'form-action': ["'self'"],
        'frame-ancestors': ["'self'"], // see `allowFrames`
      },
    },
    // Set by whoever ends TLS; a plain http server must not promise https.
    strictTransportSecurity: false,
    crossOriginOpenerPolicy: false,
    xFrameOptions: false,
    referrerPolicy: { policy: 'strict-origin-when-cross-origin' },
  })
}
