import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompress, gzip } from 'node:zlib'
import react from '@vitejs/plugin-react'
import { build, defineConfig, type Plugin } from 'vite'

/** Scripts at addresses of their own that must never change, sharing no chunk with the pages. */
const LONE_SCRIPTS = [
  { name: 'service-worker.js', source: 'client/service-worker/service-worker.ts', format: 'iife' },
  { name: 'embed.js', source: 'client/embed/embed.ts', format: 'es' },
] as const
type LoneScript = (typeof LONE_SCRIPTS)[number]

/** @returns the script as one file */
async function bundleAlone({ source, format }: LoneScript, minify: boolean): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: 'silent',
    publicDir: false,
    build: {
      write: false,
      minify,
      modulePreload: false,
      rolldownOptions: {
        input: fileURLToPath(new URL(source, import.meta.url)),
        output: { format },
      },
    },
  })
  const outputs = (Array.isArray(result) ? result : [result]).flatMap((one) =>
    'output' in one ? one.output : [],
  )
  const script = outputs.find((output) => output.type === 'chunk')
  if (script === undefined) throw new Error(`${source} came out empty`)
  return script.code
}

/** Serves (dev) and emits (build) the scripts at their addresses. */
function loneScripts(): Plugin {
  return {
    name: 'slipstream:lone-scripts',
    configureServer(server) {
      for (const script of LONE_SCRIPTS) {
        server.middlewares.use(
          `${server.config.base}${script.name}`,
          (_request, response, next) => {
            bundleAlone(script, false).then((code) => {
              response.setHeader('Content-Type', 'text/javascript; charset=utf-8')
              response.setHeader('Cache-Control', 'no-store')
              response.end(code)
            }, next)
          },
        )
      }
    },
    async generateBundle() {
      for (const script of LONE_SCRIPTS) {
        const source = await bundleAlone(script, true)
        this.emitFile({ type: 'asset', fileName: script.name, source })
      }
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
  plugins: [react(), loneScripts(), compressed()],
  // WebTorrent's protocol package wants Node's `events`; the slash names the npm package.
  resolve: { alias: { events: 'events/' } },
  build: {
    outDir: '../dist/client',
    emptyOutDir: true,
    manifest: true,
    modulePreload: { polyfill: false },
  },
})
