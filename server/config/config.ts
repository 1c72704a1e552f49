// The operator's settings, from environment variables. One schema; a wrong value stops the start
// with one line that names the variable and what it wants.
import { resolve } from 'node:path'
import { compile as compileProxies } from 'proxy-addr'
import * as v from 'valibot'
import { newAccountSchema } from '#protocol/accounts.ts'
import { P2P_DEFAULTS, type SiteSettings, siteSettingsSchema } from '#protocol/boot.ts'
import { KEEP, type Keep } from '#protocol/sources.ts'
import { basePathOf, isBasePath } from '../http/base-path.ts'

const LOG_LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const

const wholeNumber = (min: number, max: number, unit: string) =>
  v.pipe(
    v.string(),
    v.regex(/^\d+$/, `must be a whole number of ${unit}`),
    v.transform(Number),
    v.minValue(min, `must be at least ${min}`),
    v.maxValue(max, `must be at most ${max}`),
  )

const publicUrl = v.pipe(
  v.string(),
  v.check(
    (text) => /^https?:\/\//.test(text) && URL.canParse(text),
    'must be an absolute http(s) address such as https://media.example.org',
  ),
  v.transform((text) => new URL(text)),
  v.check(
    (url) => url.search === '' && url.hash === '' && url.username === '' && url.password === '',
    'must have no query, fragment, user name or password',
  ),
  v.transform((url) => url.origin + url.pathname.replace(/\/+$/, '')),
  v.check(
    (address) => isBasePath(basePathOf(address)),
    'must have a path of letters, digits and - . _ ~ that does not begin with one of this ' +
      "server's own such as /media or /api",
  ),
)

const webSeedAccel = v.pipe(
  v.string(),
  v.regex(
    /^(\/[\w.~-]+)+\/?$/,
    "must be the path of an internal location of nginx's such as /slipstream-blobs/",
  ),
  v.transform((prefix) => (prefix.endsWith('/') ? prefix : `${prefix}/`)),
)

const iceServers = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    try {
      return JSON.parse(dataset.value) as unknown
    } catch {
      addIssue({ message: 'must be JSON such as [{"urls":"stun:stun.example.org:3478"}]' })
      return NEVER
    }
  }),
  v.array(siteSettingsSchema.entries.iceServers.item, 'must be a JSON list of {"urls": …}'),
  v.everyItem(
    ({ urls }) => [urls].flat().every((url) => /^(stun|turn)s?:[^/]/i.test(url)),
    'must name servers by stun:, stuns:, turn: or turns: addresses',
  ),
)

/** Scheme, host, port and an optional path prefix; a prefix names a folder. */
export function parseSourceOrigin(text: string): string | null {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : null
  if (url === null || !/^https?:$/.test(url.protocol)) return null
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    return null
  return url.href.endsWith('/') ? url.href : `${url.href}/`
}

const sourceOrigins = v.pipe(
  v.string(),
  v.transform((text) => text.split(',').filter((entry) => entry.trim() !== '')),
  v.everyItem(
    (entry) => parseSourceOrigin(entry) !== null,
    'must list http(s) origins separated by commas, such as https://cdn.example.org/films/',
  ),
  v.transform((entries) => entries.map((entry) => parseSourceOrigin(entry) ?? '')),
)

/**
 * `TRUST_PROXY`: whose `X-Forwarded-*` headers count. `false`: nobody's. A number: that many
 * proxies in front. Otherwise addresses, networks, `loopback`, `linklocal` or `uniquelocal`,
 * separated by commas, as Express takes them.
 */
const trustProxy = v.pipe(
  v.string(),
  v.check(
    (text) => /^(true|false|\d{1,2})$/.test(text) || isProxyList(text),
    'must be true, false, a number of proxies, or addresses and networks separated by commas',
  ),
  v.transform((text): boolean | number | string => {
    if (text === 'true' || text === 'false') return text === 'true'
    return /^\d+$/.test(text) ? Number(text) : text
  }),
)

function isProxyList(text: string): boolean {
  try {
    compileProxies(text.split(',').map((entry) => entry.trim()))
    return true
  } catch {
    return false
  }
}

const environmentSchema = v.object({
  PORT: v.optional(wholeNumber(0, 65_535, 'a TCP port'), '8080'),
  HOST: v.optional(v.pipe(v.string(), v.trim(), v.minLength(1)), '127.0.0.1'),
  DATA_DIR: v.optional(v.pipe(v.string(), v.minLength(1)), './data'),
  PUBLIC_URL: v.optional(publicUrl),
  ADMIN_EMAIL: v.optional(newAccountSchema.entries.email),
  ADMIN_PASSWORD: v.optional(newAccountSchema.entries.password),
  MAX_UPLOAD_BYTES: v.optional(
    wholeNumber(1, Number.MAX_SAFE_INTEGER, 'bytes'),
    String(64 * 1024 ** 3),
  ),
  TRUST_PROXY: v.optional(trustProxy, 'false'),
  WEB_SEED_ACCEL: v.optional(webSeedAccel),
  LOG_LEVEL: v.optional(v.picklist(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`), 'info'),
  ICE_SERVERS: v.optional(iceServers, '[]'),
  P2P_DEFAULT: v.optional(
    v.picklist(P2P_DEFAULTS, `must be one of ${P2P_DEFAULTS.join(', ')}`),
    'ask',
  ),
  SOURCE_ORIGINS: v.optional(sourceOrigins, ''),
  ALLOW_PRIVATE_SOURCES: v.optional(
    v.pipe(
      v.picklist(['0', '1'], 'must be 0 or 1'),
      v.transform((text) => text === '1'),
    ),
    '0',
  ),
  SOURCE_KEEP: v.optional(v.picklist(KEEP, `must be one of ${KEEP.join(', ')}`), 'never'),
  SOURCE_CACHE_BYTES: v.optional(
    wholeNumber(0, Number.MAX_SAFE_INTEGER, 'bytes'),
    String(10 * 1024 ** 3),
  ),
  SOURCE_BYTES_PER_SECOND: v.optional(
    wholeNumber(16 * 1024, Number.MAX_SAFE_INTEGER, 'bytes per second'),
    String(32 * 1024 ** 2),
  ),
  BUILD_DELAY_MS: v.optional(wholeNumber(0, 24 * 3600_000, 'milliseconds'), '0'),
})

/** The settings, parsed. */
export interface Config {
  readonly port: number
  readonly host: string
  /** Absolute path; everything the server writes is below it. */
  readonly dataDir: string
  /**
   * Address that viewers reach the server under: origin and path, without a slash at the end. Or
   * `null`: taken from each request.
   */
  readonly publicUrl: string | null
  /** The first account, made at start when there is none. */
  readonly admin: { readonly email: string; readonly password: string } | null
  readonly maxUploadBytes: number
  readonly trustProxy: boolean | number | string
  /** Internal location of nginx's for the blobs, with slashes around it; `null`: bytes are sent. */
  readonly webSeedAccel: string | null
  readonly logLevel: (typeof LOG_LEVELS)[number]
  readonly iceServers: v.InferOutput<typeof siteSettingsSchema>['iceServers']
  /** What holds for viewers who have not said what they want. */
  readonly p2pDefault: SiteSettings['p2pDefault']
  readonly sources: {
    /** Allowed without an administrator's word; with a slash at the end. */
    readonly origins: readonly string[]
    /** Whether allowed origins may be at private and loopback addresses. */
    readonly allowPrivate: boolean
    /** What is kept of files at `origins`. */
    readonly keep: Keep
    /** Bound of all copies that are kept as a cache. */
    readonly cacheBytes: number
    /** What builds may take from all sources together, bytes per second. */
    readonly bytesPerSecond: number
  }
  /** Holds every build back by so long; for tests. */
  readonly buildDelayMs: number
}

/** One or more settings are wrong; `problems` has a line for each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

/**
 * @param environment usually `process.env`; empty values count as not set
 * @throws ConfigError naming every wrong variable
 */
export function parseConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''))
  const result = v.safeParse(environmentSchema, set)
  const problems = (result.issues ?? []).map((issue) => {
    const name = String(issue.path?.[0]?.key)
    const shown = name === 'ADMIN_PASSWORD' ? '' : ` (it is ${JSON.stringify(set[name])})`
    return `${name} ${issue.message}${shown}`
  })
  if ((set['ADMIN_EMAIL'] === undefined) !== (set['ADMIN_PASSWORD'] === undefined)) {
    problems.push('ADMIN_EMAIL and ADMIN_PASSWORD go together: set both or neither')
  }
  if (!result.success || problems.length > 0) throw new ConfigError(problems)
  const values = result.output
  const { ADMIN_EMAIL: email, ADMIN_PASSWORD: password } = values
  return {
    port: values.PORT,
    host: values.HOST,
    dataDir: resolve(values.DATA_DIR),
    publicUrl: values.PUBLIC_URL ?? null,
    admin: email !== undefined && password !== undefined ? { email, password } : null,
    maxUploadBytes: values.MAX_UPLOAD_BYTES,
    trustProxy: values.TRUST_PROXY,
    webSeedAccel: values.WEB_SEED_ACCEL ?? null,
    logLevel: values.LOG_LEVEL,
    iceServers: values.ICE_SERVERS,
    p2pDefault: values.P2P_DEFAULT,
    sources: {
      origins: values.SOURCE_ORIGINS,
      allowPrivate: values.ALLOW_PRIVATE_SOURCES,
      keep: values.SOURCE_KEEP,
      cacheBytes: values.SOURCE_CACHE_BYTES,
      bytesPerSecond: values.SOURCE_BYTES_PER_SECOND,
    },
    buildDelayMs: values.BUILD_DELAY_MS,
  }
}
