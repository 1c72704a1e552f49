// Who is signed in: a random token in a cookie, its hash in the table. A session ends 30 days after
// it was last used, or when it is revoked.
import type { IncomingMessage } from 'node:http'
import { parseCookie, stringifySetCookie } from 'cookie'
import type { Database } from '../database/database.ts'
import { hashOfToken, newSecretToken } from './secret-token.ts'

const COOKIE = 'slipstream_session'
const DAY_MS = 24 * 3600 * 1000
const LIFETIME_MS = 30 * DAY_MS
/** A session in use is prolonged once a day, not with every request. */
const RENEW_BELOW_MS = LIFETIME_MS - DAY_MS

/** Somebody with an account. */
export interface Account {
  readonly id: string
  readonly email: string
}

interface FoundSession {
  readonly account: Account
  /** It was prolonged just now: send the cookie again. */
  readonly renewed: boolean
}

export interface Sessions {
  /** @returns the token for the cookie */
  create(accountId: string): Promise<string>
  /** @returns whose session the token opens, `null` when it opens none */
  find(token: string | null): Promise<FoundSession | null>
  /** Ends a session; one that does not exist is fine. */
  revoke(token: string | null): Promise<void>
}

/** @param ports.now milliseconds since 1970 */
export function createSessions(ports: { database: Database; now: () => number }): Sessions {
  const { database, now } = ports
  return {
    async create(accountId) {
      const { token, hash } = newSecretToken()
      await database.deleteFrom('session').where('expires_at', '<=', now()).execute()
      await database
        .insertInto('session')
        .values({
          token_hash: hash,
          account_id: accountId,
          created_at: now(),
          expires_at: now() + LIFETIME_MS,
        })
        .execute()
      return token
    },

    async find(token) {
      const hash = hashOfToken(token)
      if (hash === null) return null
      const row = await database
        .selectFrom('session')
        .innerJoin('account', 'account.id', 'session.account_id')
        .select(['account.id', 'account.email', 'session.expires_at'])
        .where('session.token_hash', '=', hash)
        .where('session.expires_at', '>', now())
        .executeTakeFirst()
      if (row === undefined) return null
      const renewed = row.expires_at - now() < RENEW_BELOW_MS
      if (renewed) {
        await database
          .updateTable('session')
          .set({ expires_at: now() + LIFETIME_MS })
          .where('token_hash', '=', hash)
          .execute()
      }
      return { account: { id: row.id, email: row.email }, renewed }
    },

    async revoke(token) {
      const hash = hashOfToken(token)
      if (hash === null) return
      await database.deleteFrom('session').where('token_hash', '=', hash).execute()
    },
  }
}

/** @returns the session token a request carries, or `null` */
export function sessionTokenOf(request: IncomingMessage): string | null {
  return parseCookie(request.headers.cookie ?? '')[COOKIE] ?? null
}

/**
 * @param token `null` to take the cookie away
 * @param secure whether the client came over https
 * @param basePath of the server as the client sees it, empty at the root
 * @returns a `Set-Cookie` header
 */
export function sessionCookie(token: string | null, secure: boolean, basePath = ''): string {
  return stringifySetCookie({
    name: COOKIE,
    value: token ?? '',
    maxAge: token === null ? 0 : LIFETIME_MS / 1000,
    httpOnly: true,
    sameSite: 'lax',
    path: basePath || '/',
    secure,
  })
}
