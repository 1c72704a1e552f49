// nginx with sendfile and one worker, on loopback, with a configuration of its own in a temporary
// folder: the measure of a web server that sends files. And the same nginx in front of Slipstream,
// which has it send them (`X-Accel-Redirect`), with the site of docs/proxies.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { freePort, nginxMain, plainNginxSite } from '../../e2e/harness/proxies.ts'
import { startServer } from '../../e2e/harness/server.ts'
import { requireProgram } from '../programs.ts'
import type { WebSeedContender } from './contender.ts'

const START_TIMEOUT_MS = 5_000

const HTTP = `
  sendfile on;
  tcp_nodelay on;
  keepalive_requests 100000000;
  open_file_cache max=16;
  default_type application/octet-stream;`

/** @throws Error naming the Debian package when nginx is missing */
export async function nginx(path: string): Promise<WebSeedContender> {
  const port = await freePort()
  const root = JSON.stringify(dirname(path))
  const url = `http://127.0.0.1:${port}/${encodeURIComponent(basename(path))}`
  const { pid, close } = await start(`server { listen 127.0.0.1:${port}; root ${root}; }`, url)
  return { name: 'nginx', url, size: (await stat(path)).size, pids: [pid], close }
}

/** Slipstream with the file as a title, behind nginx. */
export async function behindNginx(path: string): Promise<WebSeedContender> {
  const server = await startServer({
    TRUST_PROXY: 'loopback',
    WEB_SEED_ACCEL: '/slipstream-blobs/',
  })
  try {
    const { webSeeds, size } = await server.upload(path)
    const port = await freePort()
    const proxied = { port: Number(new URL(server.url).port), dataDir: server.dataDir }
    const { pathname, search } = new URL(webSeeds[0] ?? '')
    const url = `http://127.0.0.1:${port}${pathname}${search}`
    const { pid, close } = await start(await plainNginxSite(proxied, port), url)
    return {
      name: 'ours behind nginx',
      url,
      size,
      pids: [pid, server.pid],
      async close() {
        await close()
        await server.stop()
      },
    }
  } catch (error) {
    await server.stop()
    throw error
  }
}

/** @param url of a file in one of the sites, to tell that it is there */
async function start(sites: string, url: string) {
  const env = requireProgram('nginx')
  const folder = await mkdtemp(join(tmpdir(), 'slipstream-nginx-'))
  await writeFile(join(folder, 'nginx.conf'), nginxMain(HTTP, sites))
  const child = spawn('nginx', ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr'], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const close = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      await exited
    }
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await untilAnswering(url, child)
  } catch (error) {
    await close()
    throw error
  }
  return { pid: child.pid as number, close }
}

async function untilAnswering(url: string, child: ChildProcess): Promise<void> {
  let problem = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    problem += text
  })
  const deadline = performance.now() + START_TIMEOUT_MS
  for (;;) {
    const response = await fetch(url, { method: 'HEAD' }).catch(() => null)
    if (response?.ok) return
    if (child.exitCode !== null || performance.now() > deadline) {
      throw new Error(`nginx does not start: ${problem.trim() || `HTTP ${response?.status}`}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
