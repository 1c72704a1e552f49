import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type Response as Answer, type NextFunction, type Request } from 'express'
import { pino } from 'pino'
import * as v from 'valibot'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { sessionStateSchema } from '#protocol/accounts.ts'
import { type Database, openDatabase } from '../database/database.ts'
import { requestOrigin } from '../http/request-address.ts'
import { sendError } from '../http/send-error.ts'
import { type Accounts, createAccounts } from './accounts.ts'
import { accountRoutes } from './routes.ts'

const DAY_MS = 24 * 3600 * 1000
const ADMIN = { email: 'admin@example.org', password: 'correct horse' }
const log = pino({ level: 'silent' })

let database: Database
let accounts: Accounts
let server: Server
let origin: string
let now: number

beforeEach(async () => {
  now = 1_700_000_000_000
  database = await openDatabase(':memory:')
  accounts = createAccounts({ database, now: () => now })
  const app = express().set('trust proxy', true)
  const originOf = requestOrigin({ publicUrl: null, isTrustedProxy: () => true })
  app.use('/api', express.json({ limit: '16kb' }))
  app.use(accountRoutes({ accounts, originOf, log }))
  app.get('/secret', accounts.requireAccount, (_request, response) => {
    response.send('secret')
  })
  app.use((error: unknown, request: Request, response: Answer, _next: NextFunction) => {
    sendError(request, response, error, log)
  })
  server = createServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await database.destroy()
})

function send(method: string, path: string, body?: unknown, headers = {}): Promise<Response> {
  return fetch(origin + path, {
    method,
    headers: { ...(body !== undefined && { 'Content-Type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
}

const signIn = (body: unknown = ADMIN, headers = {}) => send('POST', '/api/session', body, headers)
const cookieOf = (response: Response) => response.headers.getSetCookie()[0] ?? ''
const asCookie = (response: Response) => ({ Cookie: cookieOf(response).split(';', 1)[0] ?? '' })

async function state(headers = {}) {
  const response = await send('GET', '/api/session', undefined, headers)
  return v.parse(sessionStateSchema, await response.json())
}

async function problem(response: Response) {
  const { error } = (await response.json()) as { error: { code: string; message: string } }
  return { status: response.status, ...error }
}

describe('signing in', () => {
  beforeEach(() => accounts.ensureFirst(ADMIN))

  test('opens what needs an account, until signing out', async () => {
    expect(await problem(await send('GET', '/secret'))).toMatchObject({ code: 'not_signed_in' })
    const response = await signIn({ ...ADMIN, email: ' Admin@Example.ORG ' })
    expect(await response.json()).toEqual({ account: { email: ADMIN.email }, setupNeeded: false })
    expect(cookieOf(response)).toMatch(
      /^slipstream_session=[\w-]{43}; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Lax$/,
    )
    const cookie = asCookie(response)
    expect((await send('GET', '/secret', undefined, cookie)).status).toBe(200)
    expect(await state(cookie)).toEqual({ account: { email: ADMIN.email }, setupNeeded: false })

    const out = await send('DELETE', '/api/session', undefined, cookie)
    expect(out.status).toBe(204)
    expect(cookieOf(out)).toContain('Max-Age=0')
    expect((await send('GET', '/secret', undefined, cookie)).status).toBe(401)
    expect((await send('DELETE', '/api/session')).status).toBe(204)
  })

  test('over https makes the cookie secure', async () => {
    const proxied = await signIn(ADMIN, { 'X-Forwarded-Proto': 'https' })
    expect(cookieOf(proxied)).toContain('; Secure')
    const { host } = new URL(origin)
    expect(cookieOf(await signIn(ADMIN, { Origin: `https://${host}` }))).toContain('; Secure')
    expect(cookieOf(await signIn(ADMIN, { Origin: origin }))).not.toContain('; Secure')
  })

  test('again ends the session before', async () => {
    const first = asCookie(await signIn())
    const second = asCookie(await signIn(ADMIN, first))
    expect((await state(first)).account).toBeNull()
    expect((await state(second)).account).not.toBeNull()
  })

  test('is refused alike for a wrong password and an unknown e-mail address', async () => {
    const wrong = await problem(await signIn({ ...ADMIN, password: 'wrong' }))
    const unknown = await problem(await signIn({ ...ADMIN, email: 'nobody@example.org' }))
    expect(wrong).toMatchObject({ status: 401, code: 'invalid_credentials' })
    expect(unknown).toEqual(wrong)
  })

  test('takes the same password in another Unicode form', async () => {
    await database.deleteFrom('account').execute()
    await accounts.ensureFirst({ ...ADMIN, password: 'caf\u00e9 noir' })
    expect((await signIn({ ...ADMIN, password: 'cafe\u0301 noir' })).status).toBe(200)
  })

  test.each([
    ['no password', { email: 'a@b.example' }, 'The field password is missing'],
    ['a number', { email: 5, password: 'x' }, 'The field email is missing or is not text'],
    ['no address', { email: 'nonsense', password: 'x' }, 'email is not an e-mail address'],
    ['a list', { email: ['a@b.example'], password: 'x' }, 'The field email'],
    ['an endless password', { email: 'a@b.example', password: 'x'.repeat(2000) }, 'password'],
    ['an empty list', [], 'The field email'],
    ['JSON that is no object', 'text', 'could not be read'],
  ])('with %s is a bad request that says so', async (_name, body, said) => {
    const refused = await problem(await signIn(body))
    expect(refused).toMatchObject({ status: 400, code: 'bad_request' })
    expect(refused.message).toContain(said)
  })

  test('without a body is a bad request', async () => {
    const refused = await problem(await send('POST', '/api/session'))
    expect(refused).toMatchObject({ status: 400, code: 'bad_request' })
    expect(refused.message).toContain('JSON with email and password')
  })

  test('with a garbage cookie is being a stranger', async () => {
    for (const value of ['', 'x', 'x'.repeat(43), '%ff', '"; DROP TABLE session']) {
      expect((await state({ Cookie: `slipstream_session=${value}` })).account).toBeNull()
    }
  })

  test('from a page of another site is refused', async () => {
    for (const [method, path] of [
      ['POST', '/api/session'],
      ['DELETE', '/api/session'],
      ['POST', '/api/setup'],
    ] as const) {
      const response = await send(method, path, {}, { Origin: 'http://evil.example' })
      expect(await problem(response)).toMatchObject({ status: 403, code: 'cross_origin' })
    }
  })

  test('is limited per address after ten failures, and successes do not count', async () => {
    for (let i = 0; i < 12; i++) expect((await signIn()).status).toBe(200)
    for (let i = 0; i < 10; i++) {
      const body = { email: `nobody${i}@example.org`, password: 'x' }
      expect((await signIn(body)).status).toBe(401)
    }
    const limited = await signIn()
    expect(Number(limited.headers.get('Retry-After'))).toBeGreaterThan(800)
    expect(await problem(limited)).toMatchObject({ status: 429, code: 'too_many_requests' })
    expect((await signIn(ADMIN, { 'X-Forwarded-For': '192.0.2.7' })).status).toBe(200)
  })

  test('of the owner works while a stranger guesses from elsewhere', async () => {
    for (let i = 0; i < 11; i++) await signIn({ ...ADMIN, password: 'x' })
    expect((await signIn()).status).toBe(429)
    expect((await signIn(ADMIN, { 'X-Forwarded-For': '192.0.2.99' })).status).toBe(200)
  })
})

describe('a session', () => {
  beforeEach(() => accounts.ensureFirst(ADMIN))

  test('ends after 30 days without use and is prolonged by use', async () => {
    const used = asCookie(await signIn())
    const unused = asCookie(await signIn())
    now += 20 * DAY_MS
    const visit = await send('GET', '/api/session', undefined, used)
    expect(cookieOf(visit)).toContain('Max-Age=2592000')
    expect(cookieOf(await send('GET', '/api/session', undefined, used))).toBe('')
    now += 10 * DAY_MS
    expect((await state(used)).account).not.toBeNull()
    expect((await state(unused)).account).toBeNull()
  })

  test('is in the table as a hash only, and goes when it is over', async () => {
    const { Cookie } = asCookie(await signIn())
    const [row] = await database.selectFrom('session').selectAll().execute()
    expect(row?.token_hash).toMatch(/^[0-9a-f]{64}$/)
    expect(Cookie).not.toContain(row?.token_hash)
    now += 31 * DAY_MS
    await signIn()
    expect(await database.selectFrom('session').selectAll().execute()).toHaveLength(1)
  })
})

describe('set-up', () => {
  const setUp = (token: string | null, email = ADMIN.email) =>
    send('POST', '/api/setup', { ...ADMIN, email, token })

  test('with the newest link makes the first account and signs in', async () => {
    expect(await state()).toEqual({ account: null, setupNeeded: true })
    const old = await accounts.issueSetupToken()
    const token = await accounts.issueSetupToken()
    expect(await problem(await setUp(old))).toMatchObject({ code: 'invalid_credentials' })
    const response = await setUp(token)
    expect(response.status).toBe(200)
    expect((await state(asCookie(response))).account).toEqual({ email: ADMIN.email })
    expect(await state()).toEqual({ account: null, setupNeeded: false })
    expect((await signIn()).status).toBe(200)
    expect(await accounts.issueSetupToken()).toBeNull()
  })

  test('is closed once there is an account', async () => {
    const token = await accounts.issueSetupToken()
    await setUp(token)
    expect(await problem(await setUp(token))).toMatchObject({ status: 403, code: 'setup_closed' })
  })

  test('by two at once lets one win', async () => {
    const token = await accounts.issueSetupToken()
    const answers = await Promise.all([
      setUp(token, 'a@example.org'),
      setUp(token, 'b@example.org'),
    ])
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 403])
    expect(await database.selectFrom('account').selectAll().execute()).toHaveLength(1)
  })

  test('wants a password of eight characters', async () => {
    const token = await accounts.issueSetupToken()
    const body = { token, email: ADMIN.email, password: 'short' }
    const refused = await problem(await send('POST', '/api/setup', body))
    expect(refused).toMatchObject({ status: 400, code: 'bad_request' })
    expect(refused.message).toBe('The field password must have at least 8 characters.')
    expect((await setUp(token)).status).toBe(200)
  })

  test('by the operator makes the first account only', async () => {
    const token = await accounts.issueSetupToken()
    expect(await accounts.ensureFirst(ADMIN)).toBe(true)
    expect(await accounts.ensureFirst({ ...ADMIN, email: 'other@example.org' })).toBe(false)
    expect(await problem(await setUp(token))).toMatchObject({ code: 'setup_closed' })
    expect(await database.selectFrom('setup_link').selectAll().execute()).toEqual([])
    const [row] = await database.selectFrom('account').selectAll().execute()
    expect(row?.password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  })
})
