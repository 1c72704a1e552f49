// Signing in and out, and making the first account, over HTTP: `/api/session` and `/api/setup`.
// Guessing is limited per address, within this process; not per account, or a stranger could lock
// its owner out.
import { type Request, type RequestHandler, type Response, Router } from 'express'
import { ipKeyGenerator, rateLimit } from 'express-rate-limit'
import type { Logger } from 'pino'
import * as v from 'valibot'
import { credentialsSchema, type SessionState, setupSchema } from '#protocol/accounts.ts'
import { basePathOf } from '../http/base-path.ts'
import { SlipstreamError } from '../http/errors.ts'
import type { OriginOf } from '../http/request-address.ts'
import { assertSameOrigin } from '../http/same-origin.ts'
import type { Accounts } from './accounts.ts'
import { type Account, sessionCookie, sessionTokenOf } from './sessions.ts'

const WINDOW_MS = 15 * 60 * 1000
const MAX_FAILURES = 10

/** @returns routes for the root of the app, behind `express.json` */
export function accountRoutes(ports: {
  readonly accounts: Accounts
  readonly originOf: OriginOf
  readonly log: Logger
}): Router {
  const { accounts, originOf, log } = ports
  const { sessions } = accounts
  const router = Router()

  const isSecure = (request: Request): boolean =>
    request.headers.origin?.startsWith('https:') ??
    (request.secure || originOf(request).startsWith('https:'))

  const cookie = (request: Request, token: string | null): string =>
    sessionCookie(token, isSecure(request), basePathOf(originOf(request)))

  const sameOrigin: RequestHandler = (request, _response, next) => {
    assertSameOrigin(request, originOf)
    next()
  }

  const perAddress = failureLimit((request) =>
    request.ip === undefined ? 'unknown' : ipKeyGenerator(request.ip),
  )

  /** Starts a session, ends the one the browser had, and tells who is signed in. */
  async function signIn(request: Request, response: Response, account: Account): Promise<void> {
    await sessions.revoke(sessionTokenOf(request))
    const token = await sessions.create(account.id)
    response.append('Set-Cookie', cookie(request, token))
    const state: SessionState = { account: { email: account.email }, setupNeeded: false }
    response.set('Cache-Control', 'no-store').json(state)
  }

  router.get('/api/session', async (request, response) => {
    const token = sessionTokenOf(request)
    const session = await sessions.find(token)
    if (session?.renewed) {
      response.append('Set-Cookie', cookie(request, token))
    }
    const state: SessionState = {
      account: session && { email: session.account.email },
      setupNeeded: session === null && !(await accounts.exist()),
    }
    response.set('Cache-Control', 'no-store').json(state)
  })

  router.post(
    '/api/session',
    sameOrigin,
    wellFormed(credentialsSchema),
    perAddress,
    async (request, response) => {
      const { email, password } = v.parse(credentialsSchema, request.body)
      const account = await accounts.verify(email, password)
      if (account === null) {
        const message = 'E-mail address and password do not belong together. Check both.'
        throw new SlipstreamError('invalid_credentials', message)
      }
      log.info({ account: account.id }, 'signed in')
      await signIn(request, response, account)
    },
  )

  router.delete('/api/session', sameOrigin, async (request, response) => {
    await sessions.revoke(sessionTokenOf(request))
    response.append('Set-Cookie', cookie(request, null))
    response.set('Cache-Control', 'no-store').status(204).end()
  })

  router.post(
    '/api/setup',
    sameOrigin,
    wellFormed(setupSchema),
    perAddress,
    async (request, response) => {
      const account = await accounts.setUp(v.parse(setupSchema, request.body))
      log.info({ account: account.id }, 'first account made')
      await signIn(request, response, account)
    },
  )

  return router
}

/** Refuses a body that does not fit, naming the first field that is wrong. */
function wellFormed(schema: typeof credentialsSchema | typeof setupSchema): RequestHandler {
  return (request, _response, next) => {
    const parsed = v.safeParse(schema, request.body)
    if (!parsed.success) {
      const [issue] = parsed.issues
      const field = v.getDotPath(issue)
      const wrong =
        field === null
          ? `The request must carry JSON with ${Object.keys(schema.entries).join(' and ')}.`
          : issue.kind === 'schema'
            ? `The field ${field} is missing or is not text.`
            : `The field ${field} ${issue.message}.`
      throw new SlipstreamError('bad_request', wrong)
    }
    next()
  }
}

/** Lets nobody fail more than ten times in 15 minutes; what succeeds does not count. */
function failureLimit(keyOf: (request: Request) => string): RequestHandler {
  return rateLimit({
    windowMs: WINDOW_MS,
    limit: MAX_FAILURES,
    keyGenerator: keyOf,
    skipSuccessfulRequests: true,
    requestWasSuccessful: (_request, response) => ![401, 429].includes(response.statusCode),
    legacyHeaders: false,
    standardHeaders: false,
    validate: false, // its warnings go to the console; TRUST_PROXY is the operator's choice
    handler: (request, _response, next) => {
      const reset = (request as Request & { rateLimit?: { resetTime?: Date } }).rateLimit?.resetTime
      const waitMs = reset ? reset.getTime() - Date.now() : WINDOW_MS
      const seconds = Math.max(1, Math.ceil(waitMs / 1000))
      const minutes = Math.ceil(seconds / 60)
      const wait = minutes === 1 ? 'a minute' : `${minutes} minutes`
      const message = `Too many failed attempts. Wait ${wait} and try again.`
      const headers = { 'Retry-After': String(seconds) }
      next(new SlipstreamError('too_many_requests', message, { headers }))
    },
  })
}
