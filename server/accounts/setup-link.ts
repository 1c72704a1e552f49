// The way in while there is no account: a one-time token, printed at start by the server, that
// makes the first account. There is never more than one, and none once an account exists.

import type { Database } from '../database/database.ts'
import { SlipstreamError } from '../http/errors.ts'
import { hashOfToken, newSecretToken } from './secret-token.ts'
import type { Account } from './sessions.ts'

/** The first account, ready for its table. */
interface FirstAccount extends Account {
  readonly passwordHash: string
}

export interface SetupLink {
  /** @returns a new token that replaces older ones, or `null` when there is an account */
  issue(): Promise<string | null>
  /**
   * @throws SlipstreamError `setup_closed` when there is an account, `invalid_credentials` when the
   *   token is not the newest one
   */
  check(token: string): Promise<void>
  /**
   * Makes the first account and uses the token up; of two at once one wins.
   * @throws as `check`
   */
  redeem(token: string, account: FirstAccount): Promise<void>
}

/** @param ports.now milliseconds since 1970 */
export function createSetupLink(ports: { database: Database; now: () => number }): SetupLink {
  const { database, now } = ports

  const accountExists = async (db: Database): Promise<boolean> =>
    (await db.selectFrom('account').select('id').limit(1).executeTakeFirst()) !== undefined

  return {
    issue: () =>
      database.transaction().execute(async (transaction) => {
        await transaction.deleteFrom('setup_link').execute()
        if (await accountExists(transaction)) return null
        const { token, hash } = newSecretToken()
        await transaction
          .insertInto('setup_link')
          .values({ token_hash: hash, created_at: now() })
          .execute()
        return token
      }),

    async check(token) {
      if (await accountExists(database)) throw closed()
      const link = database
        .selectFrom('setup_link')
        .select('token_hash')
        .where('token_hash', '=', hashOfToken(token) ?? '')
      if ((await link.executeTakeFirst()) === undefined) throw wrongToken()
    },

    redeem: (token, account) =>
      database.transaction().execute(async (transaction) => {
        // Taking the link's row decides who wins, on every database.
        const [taken] = await transaction
          .deleteFrom('setup_link')
          .where('token_hash', '=', hashOfToken(token) ?? '')
          .execute()
        if (await accountExists(transaction)) throw closed()
        if (!taken || taken.numDeletedRows === 0n) throw wrongToken()
        await transaction
          .insertInto('account')
          .values({
            id: account.id,
            email: account.email,
            password_hash: account.passwordHash,
            created_at: now(),
          })
          .execute()
      }),
  }
}

function closed(): SlipstreamError {
  const message =
    'This server has an account already, so it cannot be set up again. Sign in instead.'
  return new SlipstreamError('setup_closed', message)
}

function wrongToken(): SlipstreamError {
  const message =
    'This set-up link is not valid. Every start of the server makes a new one: use the newest from its output.'
  return new SlipstreamError('invalid_credentials', message)
}
