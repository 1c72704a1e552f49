// nginx and Caddy in front of a server, with the configuration files of docs/proxies: only names,
// ports, paths and certificates are put in. Each has both sites of its file, a host of its own and a
// path of a larger site, on two ports. Who starts a proxy stops it.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const FILES = join(import.meta.dirname, '../../docs/proxies')
const START_TIMEOUT_MS = 10_000

/** What the files of docs/proxies have where an operator puts something of his own in. */
const EXAMPLE = {
  certificate: '/etc/ssl/slipstream/fullchain.pem',
  key: '/etc/ssl/slipstream/privkey.pem',
  blobs: '/var/lib/slipstream/blobs/',
  cache: '/var/cache/slipstream-nginx',
  site: '/var/www/html',
  upstream: '127.0.0.1:8080',
} as const

export interface Certificate {
  /** Of `localhost`, signed by itself. */
  readonly pem: string
  readonly path: string
  readonly keyPath: string
  /** SHA-256 of its public key in base64, as Chromium's `--ignore-certificate-errors-spki-list` has it. */
  readonly fingerprint: string
}

export interface ProxiedServer {
  readonly port: number
  /** Of the server; its blobs are in there. */
  readonly dataDir: string
}

export interface FrontProxy {
  readonly name: 'nginx' | 'Caddy'
  /** Address of the site that has a host of its own; without a slash at the end. */
  readonly root: string
  /** Address of the one below a path of a larger site. */
  readonly below: string
  readonly pid: number
  stop(): Promise<void>
}

/** @param folder where its files are put */
export async function makeCertificate(folder: string): Promise<Certificate> {
  const path = join(folder, 'certificate.pem')
  const keyPath = join(folder, 'key.pem')
  const run = spawnSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
      ...['-keyout', keyPath, '-out', path],
    ],
    { encoding: 'utf8' },
  )
  if (run.status !== 0) {
    throw new Error(`openssl made no certificate: ${run.error?.message ?? run.stderr}`)
  }
  const pem = await readFile(path, 'utf8')
  const publicKey = new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' })
  const fingerprint = createHash('sha256').update(publicKey).digest('base64')
  return { pem, path, keyPath, fingerprint }
}

/** nginx with one worker. */
export async function startNginx(
  server: ProxiedServer,
  certificate: Certificate,
): Promise<FrontProxy> {
  const folder = await mkdtemp(join(tmpdir(), 'slipstream-nginx-'))
  const [root, below] = [await freePort(), await freePort()]
  const sites = await nginxSites(server, { root, below, folder })
  const text = putIn(sites, [
    [EXAMPLE.certificate, certificate.path],
    [EXAMPLE.key, certificate.keyPath],
  ])
  await writeFile(join(folder, 'slipstream.conf'), text)
  await writeFile(join(folder, 'nginx.conf'), nginxMain(DEBIAN_HTTP, 'include slipstream.conf;'))
  const child = spawn('nginx', ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr'], {
    env: withSystemPrograms(),
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  return untilListening({ name: 'nginx', child, folder, root, below })
}

/** @returns the file of docs/proxies with everything put in but the certificate */
async function nginxSites(
  { port, dataDir }: ProxiedServer,
  place: { readonly root: number; readonly below: number; readonly folder: string },
): Promise<string> {
  let text = putIn(await readFile(join(FILES, 'nginx.conf'), 'utf8'), [
    [EXAMPLE.upstream, `127.0.0.1:${port}`],
    [EXAMPLE.blobs, `${join(dataDir, 'blobs')}/`],
    [EXAMPLE.cache, 'slipstream-cache'], // beside its configuration
    [EXAMPLE.site, place.folder],
    [/ +listen \[::\]:443 .*\n/, ''],
    ['media.example.org;', 'localhost;'],
    ['www.example.org;', 'localhost;'],
  ])
  for (const own of [place.root, place.below]) {
    text = text.replace('listen 443 ', `listen 127.0.0.1:${own} `)
  }
  return text
}

/**
 * The site with a host of its own, without TLS: for measuring what nginx does besides.
 * @param listen port on loopback
 */
export async function plainNginxSite(server: ProxiedServer, listen: number): Promise<string> {
  const text = await nginxSites(server, { root: listen, below: listen, folder: '/nowhere' })
  const [own = ''] = text.split('# Below a path')
  return putIn(own, [
    [' ssl http2;', ';'],
    [/ +ssl_.*\n/, ''],
  ])
}

/** What Debian's nginx.conf says before the sites. */
const DEBIAN_HTTP = `
  sendfile on;
  tcp_nopush on;
  types_hash_max_size 2048;
  default_type application/octet-stream;
  gzip on;`

/**
 * The file that nginx is started with: one worker, in the foreground, all it writes in its own folder.
 * @param http directives for all sites
 */
export function nginxMain(http: string, sites: string): string {
  // Started as root, a worker would be "nobody", who may not read files of a checkout.
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${kind};`)
    .join('\n  ')
  return `${user}
daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
  ${temporary}
  access_log off;
  ${http}
  ${sites}
}
`
}

/** Caddy without its administration and without a port for plain HTTP. */
export async function startCaddy(
  server: ProxiedServer,
  certificate: Certificate,
): Promise<FrontProxy> {
  const folder = await mkdtemp(join(tmpdir(), 'slipstream-caddy-'))
  const [root, below] = [await freePort(), await freePort()]
  const text = putIn(await readFile(join(FILES, 'Caddyfile'), 'utf8'), [
    [EXAMPLE.upstream, `127.0.0.1:${server.port}`],
    [EXAMPLE.certificate, certificate.path],
    [EXAMPLE.key, certificate.keyPath],
    [EXAMPLE.site, folder],
    ['\nmedia.example.org {', `\nhttps://localhost:${root} {`],
    ['\nwww.example.org {', `\nhttps://localhost:${below} {`],
  ])
  await mkdir(join(folder, 'home'))
  await writeFile(join(folder, 'Slipstream'), text)
  await writeFile(
    join(folder, 'Caddyfile'),
    '{\n\tadmin off\n\tauto_https disable_redirects\n\tdefault_bind 127.0.0.1\n' +
      '\tlog {\n\t\tlevel ERROR\n\t}\n}\nimport Slipstream\n',
  )
  const child = spawn('caddy', ['run', '--config', 'Caddyfile', '--adapter', 'caddyfile'], {
    cwd: folder,
    env: { ...withSystemPrograms(), HOME: join(folder, 'home') },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  return untilListening({ name: 'Caddy', child, folder, root, below })
}

/** @throws Error when the text lacks something that is to be replaced: then it was changed */
function putIn(text: string, pairs: readonly (readonly [string | RegExp, string])[]): string {
  return pairs.reduce((filled, [example, own]) => {
    const pattern = typeof example === 'string' ? example : new RegExp(example, 'g')
    const replaced = filled.replaceAll(pattern, own)
    if (replaced === filled) throw new Error(`the file of docs/proxies has no ${example}`)
    return replaced
  }, text)
}

interface Starting {
  readonly name: FrontProxy['name']
  readonly child: ChildProcess
  /** Removed when the proxy ends. */
  readonly folder: string
  readonly root: number
  readonly below: number
}

async function untilListening({ name, child, folder, root, below }: Starting): Promise<FrontProxy> {
  let problem = ''
  child.on('error', (error) => {
    problem += `${error.message}. On Debian: apt-get install nginx-light caddy`
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    problem += text
  })
  const stop = async () => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      await exited
    }
    await rm(folder, { recursive: true, force: true })
  }
  const deadline = performance.now() + START_TIMEOUT_MS
  for (const port of [root, below]) {
    while (!(await answers(port))) {
      if (child.pid === undefined || child.exitCode !== null || performance.now() > deadline) {
        await stop()
        throw new Error(`${name} does not start: ${problem.trim()}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  return {
    name,
    root: `https://localhost:${root}`,
    below: `https://localhost:${below}/video`,
    pid: child.pid as number,
    stop,
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
      .on('error', () => resolve(false))
      .on('connect', () => {
        socket.destroy()
        resolve(true)
      })
  })
}

/** Neither proxy can choose a free port itself. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Debian keeps nginx where only root looks for programs. */
function withSystemPrograms(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/usr/local/sbin` }
}
