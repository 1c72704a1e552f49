// Has nginx send the bytes of a file (`X-Accel-Redirect`): this server decides who gets what and
// answers with headers alone, nginx reads the file and cuts the range out of it. Only what nginx
// decides as we do is left to it; docs/proxies.md has the location that it wants.
import type { IncomingMessage } from 'node:http'
import type { RangeDecision } from '#protocol/range.ts'

export interface Accel {
  /** Internal location of the folder of the blobs, with slashes around it. */
  readonly prefix: string
  /** Whoever is none would get an answer without bytes. */
  readonly isTrustedProxy: (address: string | undefined) => boolean
}

/** nginx would judge them by the date of the file on the disk, which is none of ours. */
const CONDITIONS = ['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since']

/**
 * @param decision what is to be sent
 * @returns whether nginx may be asked to send it
 */
export function mayHandOver(
  { isTrustedProxy }: Accel,
  { headers, socket }: IncomingMessage,
  decision: RangeDecision,
): boolean {
  // A range that we pass over (several, or `If-Range` names another file) nginx might not.
  const readsAlike = headers.range === undefined || decision.kind === 'range'
  return (
    readsAlike &&
    CONDITIONS.every((name) => headers[name] === undefined) &&
    isTrustedProxy(socket.remoteAddress)
  )
}
