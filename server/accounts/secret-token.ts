// Secrets that somebody holds by having been given them: session cookies and set-up links. Only
// their SHA-256 is stored; 256 random bits need no slow hash.
import { createHash, randomBytes } from 'node:crypto'

const TOKEN = /^[A-Za-z0-9_-]{43}$/

export interface SecretToken {
  /** For the holder: 43 characters that are safe in URLs and cookies. */
  readonly token: string
  /** For the table: hex. */
  readonly hash: string
}

export function newSecretToken(): SecretToken {
  const token = randomBytes(32).toString('base64url')
  return { token, hash: sha256(token) }
}

/** @returns what the table would hold for this token, or `null` when it cannot be one of ours. */
export function hashOfToken(token: unknown): string | null {
  return typeof token === 'string' && TOKEN.test(token) ? sha256(token) : null
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
