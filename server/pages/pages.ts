// The pages: one HTML for all of them, into which the server writes what the first render needs,
// and the client's files. `--dev` takes both from Vite with hot reload, production from `dist`.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import { join } from 'node:path'
import { type Request, type RequestHandler, Router } from 'express'
import expressStaticGzip from 'express-static-gzip'
import helmet from 'helmet'
import { BOOT_ELEMENT_ID, type Boot, type SiteSettings } from '#protocol/boot.ts'
import { earlyRequestOf } from '#protocol/early-request.ts'
import type { MediaRecord } from '#protocol/media.ts'
import { SlipstreamError } from '../http/errors.ts'

/** A script in the page itself, as `client/index.html` has one. */
const INLINE_SCRIPT = /<script>(.*?)<\/script>/gs
const BOOT_PLACE = '<!--slipstream-boot-->'
/** What all addresses in the page and of its scripts are relative to. */
const BASE_PLACE = '<base href="/" />'
/** Paths that the client has pages for. */
const PAGES = /^\/(?:admin\/?|watch\/[^/]+\/?|embed\/[^/]+\/?)?$/

export interface PagesOptions {
  /** Folder of the project. */
  readonly root: string
  /** Path of the server as viewers see it; empty at the root. */
  readonly basePath: string
  readonly settings: SiteSettings
  /** @returns the record of a watch or embed page's title, or `null` */
  readonly findRecord: (request: Request) => Promise<MediaRecord | null>
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
  const { root, basePath, settings, findRecord, hotReload } = options
  const front = hotReload
    ? await developmentFront(root, basePath, hotReload)
    : await builtFront(root, basePath)
  const router = Router()
  router.use(securityHeaders(front.scriptSources))
  const sendPage: RequestHandler = async (request, response) => {
    const media = await findRecord(request)
    const isFound = PAGES.test(request.path) && !isMissingTitle(request.path, media)
    const template = await front.template(request.originalUrl)
    response
      .status(isFound ? 200 : 404)
      .set('Cache-Control', 'no-cache')
      .type('html')
      .send(
        template.replace(BOOT_PLACE, () =>
          bootElement({ settings, media, early: media && earlyRequestOf(media) }),
        ),
      )
  }
  router.use((request, _response, next) => {
    if (request.method === 'GET' || request.method === 'HEAD') return next()
    const message = 'Pages answer GET and HEAD only.'
    throw new SlipstreamError('method_not_allowed', message, { headers: { Allow: 'GET, HEAD' } })
  })
  router.get('/', sendPage)
  router.get('/index.html', (_request, response) => response.redirect(301, `${basePath}/`))
  router.use(front.files)
  router.get('/{*path}', sendPage)
  return { router, close: () => front.close() }
}

/** A watch or embed page whose title is unknown, or whose id is not even one. */
function isMissingTitle(path: string, media: MediaRecord | null): boolean {
  return /^\/(?:watch|embed)\//.test(path) && media === null
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
  const headers = (frameAncestors: string[]) =>
    helmet({
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
          'frame-ancestors': frameAncestors,
        },
      },
      // Set by whoever ends TLS; a plain http server must not promise https.
      strictTransportSecurity: false,
      crossOriginOpenerPolicy: false,
      xFrameOptions: false,
      referrerPolicy: { policy: 'strict-origin-when-cross-origin' },
    })
  const anywhere = headers(['*'])
  const nowhere = headers(["'self'"])
  return (request, response, next) =>
    (request.path.startsWith('/embed/') ? anywhere : nowhere)(request, response, next)
}
