// Has nginx send the bytes of a file (`X-Accel-Redirect`): this server decides who gets what and
// answers with headers alone, nginx reads the file and cuts the range out of it. Only what nginx
// decides as we do is left to it; docs/proxies.md has the locations that it wants. There nginx asks
// before, and remembers the answer for some seconds; without that it is told with each request.
import type { IncomingMessage } from 'node:http'
import type { RangeDecision } from '#protocol/range.ts'
import type { Media } from '../media/catalogue.ts'

export interface Accel {
  /** Internal location of the folder of the blobs, with slashes around it. */
  readonly prefix: string
  /** Whoever is none would get an answer without bytes. */
  readonly isTrustedProxy: (address: string | undefined) => boolean
}

/** nginx would judge them by the date of the file on the disk, which is none of ours. */
const CONDITIONS = ['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since']

/** @returns whether a request wants to know which file it is about, and no byte of it */
export function asksForFile({ headers }: IncomingMessage): boolean {
  return headers['x-slipstream-ask'] !== undefined
}

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
  // Nor one with numbers too large for it.
  const { range } = headers
  const readsAlike = range === undefined || (decision.kind === 'range' && !/\d{19}/.test(range))
  return (
    readsAlike &&
    CONDITIONS.every((name) => headers[name] === undefined) &&
    isTrustedProxy(socket.remoteAddress)
  )
}

/** @returns where nginx finds the file of a title, as `X-Accel-Redirect` names it */
export function placeOf(
  { prefix }: Accel,
  { id, revision }: Pick<Media, 'id' | 'revision'>,
): string {
  return `${prefix}${id}/${revision}`
}
