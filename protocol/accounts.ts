// Sign-in and set-up as they pass between the admin page and the server.
import * as v from 'valibot'

const email = v.pipe(
  v.string(),
  v.trim(),
  v.toLowerCase(),
  v.email('is not an e-mail address'),
  v.maxLength(254),
)
/** 1,024 bounds the work of hashing; the least length follows NIST SP 800-63B. */
const newPassword = v.pipe(
  v.string(),
  v.minLength(8, 'must have at least 8 characters'),
  v.maxLength(1024, 'must have at most 1,024 characters'),
)

/** Body of `POST /api/session`. */
export const credentialsSchema = v.object({
  email,
  password: v.pipe(v.string(), v.maxLength(1024)),
})

/** Body of `POST /api/setup`: creates the first account with the token of the set-up link. */
export const setupSchema = v.object({ token: v.string(), email, password: newPassword })

/** What `ADMIN_EMAIL` and `ADMIN_PASSWORD` must look like. */
export const newAccountSchema = v.object({ email, password: newPassword })

/** Answer of `GET`/`POST /api/session` and `POST /api/setup`. */
export const sessionStateSchema = v.object({
  /** `null`: nobody is signed in. */
  account: v.nullable(v.object({ email: v.string() })),
  /** True while no account exists; the set-up link is in the server's log. */
  setupNeeded: v.boolean(),
})
export type SessionState = v.InferOutput<typeof sessionStateSchema>
