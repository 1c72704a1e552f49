// Who is signed in, and the calls that change it.
import { queryOptions } from '@tanstack/react-query'
import { type SessionState, sessionStateSchema } from '#protocol/accounts.ts'
import { request, requestJson } from './request.ts'

export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: ({ signal }) => requestJson('/api/session', sessionStateSchema, { signal }),
})

export interface Credentials {
  readonly email: string
  readonly password: string
}

export function signIn(credentials: Credentials): Promise<SessionState> {
  return requestJson('/api/session', sessionStateSchema, { method: 'POST', body: credentials })
}

/** Creates the first account and signs in. */
export function setUp(setup: Credentials & { readonly token: string }): Promise<SessionState> {
  return requestJson('/api/setup', sessionStateSchema, { method: 'POST', body: setup })
}

export async function signOut(): Promise<void> {
  await request('/api/session', { method: 'DELETE' })
}
