// `npm start` and `npm run dev`: settings, client build, app, signals.
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pino } from 'pino'
import { createApp } from './app.ts'
import { type Config, ConfigError, parseConfig } from './config/config.ts'
import { prepareDataFolder } from './config/data-folder.ts'
import { ensureClientBuilt } from './pages/client-build.ts'

const root = join(import.meta.dirname, '..')
const dev = process.argv.includes('--dev')

/** Plain lines for the person at the terminal; the log beside them is JSON. */
function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

function fail(lines: readonly string[]): never {
  process.stderr.write(`${lines.join('\n')}\n`)
  process.exit(1)
}

function readConfig(): Config {
  try {
    return parseConfig(process.env)
  } catch (error) {
    if (error instanceof ConfigError) return fail(error.problems)
    throw error
  }
}

function listenProblem(error: NodeJS.ErrnoException, { host, port }: Config): string {
  if (error.code === 'EADDRINUSE') {
    return `Port ${port} on ${host} is taken. Stop the other program or set PORT to a free one.`
  }
  if (error.code === 'EACCES') return `Port ${port} may not be opened. Set PORT to one above 1023.`
  return `Cannot listen on ${host}:${port}: ${error.message}. Check HOST and PORT.`
}

/** The address to open on this machine. */
function localAddress(address: AddressInfo): string {
  const isEverywhereOrLocal = ['127.0.0.1', '::1', '0.0.0.0', '::'].includes(address.address)
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `http://${isEverywhereOrLocal ? 'localhost' : host}:${address.port}`
}

async function start(): Promise<void> {
  const config = readConfig()
  await prepareDataFolder(config.dataDir) // before the pages are built, which takes its time
  if (!dev) await ensureClientBuilt(root, () => say('Building the pages (first start) …'))
  const log = pino({ level: config.logLevel })
  const app = await createApp(config, root, log, { dev })
  await new Promise<void>((resolve, reject) => {
    app.server.once('error', reject)
    app.server.listen(config.port, config.host, resolve)
  }).catch(async (error: NodeJS.ErrnoException) => {
    await app.close()
    fail([listenProblem(error, config)])
  })
  const address = config.publicUrl ?? localAddress(app.server.address() as AddressInfo)
  const token = await app.setupToken()
  const lines = [`Slipstream is ready: ${address}`]
  if (token !== null) {
    lines.push('There is no account yet. Create the first one here (the link works once):')
    lines.push(`${address}/admin#setup=${token}`)
  }
  say(lines.join('\n'))
  if (config.buildDelayMs > 0) {
    log.warn(`BUILD_DELAY_MS is set: every torrent build is held back by ${config.buildDelayMs} ms`)
  }

  let isStopping = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (isStopping) process.exit(1) // asked twice: at once
      isStopping = true
      app.close().then(
        () => process.exit(0),
        (error) => {
          log.error({ err: error }, 'the server could not stop cleanly')
          process.exit(1)
        },
      )
    })
  }
}

start().catch((error: unknown) => {
  fail([error instanceof Error ? error.message : String(error)])
})
