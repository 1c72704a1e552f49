// nginx with sendfile and one worker, on loopback, with a configuration of its own in a temporary
// folder: the measure of a web server that sends files.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { requireProgram } from '../programs.ts'
import type { WebSeedContender } from './contender.ts'

const START_TIMEOUT_MS = 5_000

function configuration(port: number, root: string): string {
  // Started as root, a worker would be "nobody", who may not read the checkout.
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${kind};`)
    .join('\n')
  return `${user}
daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
  ${temporary}
  access_log off;
  sendfile on;
  tcp_nodelay on;
  keepalive_requests 100000000;
  open_file_cache max=16;
  default_type application/octet-stream;
  server {
    listen 127.0.0.1:${port};
    root ${JSON.stringify(root)};
  }
}
`
}

/** @throws Error naming the Debian package when nginx is missing */
export async function nginx(path: string): Promise<WebSeedContender> {
  const env = requireProgram('nginx')
  const folder = await mkdtemp(join(tmpdir(), 'slipstream-nginx-'))
  const port = await freePort()
  await writeFile(join(folder, 'nginx.conf'), configuration(port, dirname(path)))
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
  const url = `http://127.0.0.1:${port}/${encodeURIComponent(basename(path))}`
  try {
    await untilAnswering(url, child)
  } catch (error) {
    await close()
    throw error
  }
  return { name: 'nginx', url, size: (await stat(path)).size, pid: child.pid as number, close }
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

/** nginx cannot choose a free port itself; somebody could take it in between, which it then says. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
