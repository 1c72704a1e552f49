import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompress, gzip } from 'node:zlib'
import react from '@vitejs/plugin-react'
import { build, defineConfig, type Plugin } from 'vite'

const SERVICE_WORKER = fileURLToPath(
  new URL('client/service-worker/service-worker.ts', import.meta.url),
)

/** @returns the service worker as one classic script, sharing no chunk with the pages. */
async function bundleServiceWorker(minify: boolean): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: 'silent',
    publicDir: false,
    build: {
      write: false,
      minify,
      modulePreload: false,
      rolldownOptions: { input: SERVICE_WORKER, output: { format: 'iife' } },
    },
  })
  const outputs = (Array.isArray(result) ? result : [result]).flatMap((one) =>
    'output' in one ? one.output : [],
  )
  const script = outputs.find((output) => output.type === 'chunk')
  if (script === undefined) throw new Error('the service worker came out empty')
  return script.code
}

/** Serves (dev) and emits (build) the worker as `service-worker.js`: its URL must never change. */
function serviceWorker(): Plugin {
  return {
    name: 'slipstream:service-worker',
    configureServer(server) {
      server.middlewares.use(
        `${server.config.base}service-worker.js`,
        (_request, response, next) => {
          bundleServiceWorker(false).then((code) => {
            response.setHeader('Content-Type', 'text/javascript; charset=utf-8')
            response.setHeader('Cache-Control', 'no-store')
            response.end(code)
          }, next)
        },
      )
    },
    async generateBundle() {
      const source = await bundleServiceWorker(true)
      this.emitFile({ type: 'asset', fileName: 'service-worker.js', source })
    },
  }
}

/** Below this, compression saves less than a packet. */
const COMPRESS_FROM_BYTES = 1024

/** Writes each script and style compressed as well, for the server to send as it is. */
function compressed(): Plugin {
  return {
    name: 'slipstream:compressed',
    apply: 'build',
    // Later than Vite's own last touch: looking at the bundle any earlier freezes it.
    async writeBundle({ dir }, bundle) {
      if (dir === undefined) throw new Error('the build has no folder')
      const names = Object.keys(bundle).filter((name) => /\.(js|css)$/.test(name))
      await Promise.all(
        names.map(async (name) => {
          const path = join(dir, name)
          const content = await readFile(path)
          if (content.length < COMPRESS_FROM_BYTES) return
          await writeFile(`${path}.br`, await promisify(brotliCompress)(content))
          await writeFile(`${path}.gz`, await promisify(gzip)(content, { level: 9 }))
        }),
      )
    },
  }
}

export default defineConfig({
  root: 'client',
  base: './', // files find each other wherever the server lies; the page has a <base>
  publicDir: '../public',
  plugins: [react(), serviceWorker(), compressed()],
  // WebTorrent's protocol package wants Node's `events`; the slash names the npm package.
  resolve: { alias: { events: 'events/' } },
  build: {
    outDir: '../dist/client',
    emptyOutDir: true,
    manifest: true,
    modulePreload: { polyfill: false },
  },
})
