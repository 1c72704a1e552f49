// Accounts and who may do what: everybody with an account may do everything. Passwords are kept as
// argon2id only; finding out whether an e-mail address has an account takes a guess per answer,
// since an unknown one costs the same time.
import { randomBytes, randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { hash, verify } from '@node-rs/argon2'
import type { RequestHandler } from 'express'
import type { Database } from '../database/database.ts'
import { SlipstreamError } from '../http/errors.ts'
import { type Account, createSessions, type Sessions, sessionTokenOf } from './sessions.ts'
import { createSetupLink } from './setup-link.ts'

/** argon2id as OWASP asks, with little memory (KiB): up to four run at once. */
const ARGON2 = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

interface NewAccount {
  /** Lower case. */
  readonly email: string
  readonly password: string
}

export interface Accounts {
  readonly sessions: Sessions
  /** @returns whether there is any account */
  exist(): Promise<boolean>
  /**
   * For unattended installs: makes the first account when there is none.
   * @returns whether it was made
   */
  ensureFirst(account: NewAccount): Promise<boolean>
  /** @returns the account, `null` when e-mail address and password do not belong together */
  verify(email: string, password: string): Promise<Account | null>
  /** @returns the token of a new set-up link, `null` when there is an account */
  issueSetupToken(): Promise<string | null>
  /**
   * Makes the first account with a set-up link's token.
   * @throws SlipstreamError `setup_closed` or `invalid_credentials`
   */
  setUp(account: NewAccount & { readonly token: string }): Promise<Account>
  /** Whether a request, on Express or not, comes from somebody with an account. */
  isSignedIn(request: IncomingMessage): Promise<boolean>
  /** Express middleware: lets only those pass. */
  readonly requireAccount: RequestHandler
}

/**
 * @param ports.database owned by the caller
 * @param ports.now milliseconds since 1970
 */
export function createAccounts(ports: { database: Database; now: () => number }): Accounts {
  const { database, now } = ports
  const sessions = createSessions(ports)
  const setupLink = createSetupLink(ports)
  /** Nobody's password: verified against when the e-mail address is unknown. */
  const decoy = hashOf(randomBytes(32).toString('hex'))
  decoy.catch(() => {}) // reported by the first sign-in that needs it

  const exist = async (): Promise<boolean> =>
    (await database.selectFrom('account').select('id').limit(1).executeTakeFirst()) !== undefined

  const isSignedIn = async (request: IncomingMessage): Promise<boolean> =>
    (await sessions.find(sessionTokenOf(request))) !== null

  return {
    sessions,
    exist,
    isSignedIn,

    async ensureFirst({ email, password }) {
      if (await exist()) return false
      const row = {
        id: randomUUID(),
        email,
        password_hash: await hashOf(password),
        created_at: now(),
      }
      return await database.transaction().execute(async (transaction) => {
        const other = transaction.selectFrom('account').select('id').limit(1)
        if ((await other.executeTakeFirst()) !== undefined) return false
        await transaction.deleteFrom('setup_link').execute()
        await transaction.insertInto('account').values(row).execute()
        return true
      })
    },

    async verify(email, password) {
      const row = await database
        .selectFrom('account')
        .select(['id', 'email', 'password_hash'])
        .where('email', '=', email)
        .executeTakeFirst()
      const matches = await verify(row?.password_hash ?? (await decoy), normalized(password))
      return row !== undefined && matches ? { id: row.id, email: row.email } : null
    },

    issueSetupToken: () => setupLink.issue(),

    async setUp({ token, email, password }) {
      await setupLink.check(token) // hashing is not done for everybody who asks
      const account = { id: randomUUID(), email }
      await setupLink.redeem(token, { ...account, passwordHash: await hashOf(password) })
      return account
    },

    async requireAccount(request, _response, next) {
      if (!(await isSignedIn(request))) throw notSignedIn()
      next()
    },
  }
}

/** The answer to a request that needs an account and has none. */
export function notSignedIn(): SlipstreamError {
  return new SlipstreamError('not_signed_in', 'You are not signed in, or no longer. Sign in first.')
}

function hashOf(password: string): Promise<string> {
  return hash(normalized(password), ARGON2)
}

/** The same password typed on another system is the same bytes (NIST SP 800-63B, 3.1.1.2). */
function normalized(password: string): string {
  return password.normalize('NFKC')
}
