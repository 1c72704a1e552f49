// Serves the client's modules one by one, so that a test can call them in a real browser without
// the application around them. Whoever started it closes it.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer } from 'vite'

const ROOT = join(import.meta.dirname, '../..')
/** A page without anything on it. */
const BLANK = '/blank'

export interface ModuleServer {
  /** Of an empty page; modules are at `/<path below client>` on the same origin. */
  readonly blankPage: string
  close(): Promise<void>
}

export async function serveModules(): Promise<ModuleServer> {
  const cacheDir = await mkdtemp(join(tmpdir(), 'slipstream-modules-'))
  const server = await createServer({
    configFile: false,
    root: join(ROOT, 'client'),
    cacheDir,
    logLevel: 'error',
    appType: 'custom',
    optimizeDeps: { noDiscovery: true },
    server: { port: 0, hmr: false, watch: null, fs: { allow: [ROOT] } },
  })
  server.middlewares.use((request, response, next) => {
    if (request.url !== BLANK) return next()
    response.setHeader('Content-Type', 'text/html; charset=utf-8')
    response.end('<!doctype html><title>Blank</title>')
  })
  await server.listen()
  const address = server.httpServer?.address()
  if (!address || typeof address === 'string') throw new Error('the module server has no port')
  return {
    blankPage: `http://localhost:${address.port}${BLANK}`,
    async close() {
      await server.close()
      await rm(cacheDir, { recursive: true, force: true })
    },
  }
}
