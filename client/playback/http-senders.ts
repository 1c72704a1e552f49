// Which web servers sent how much, for whoever watches the numbers. Pure.
import type { HttpSender } from './playback.ts'

/**
 * Sums up by web server what came from each web seed.
 * @param bytesFrom payload bytes by URL, or `null` where they are not known
 * @param ownOrigin of the page
 */
export function httpSenders(
  bytesFrom: ReadonlyMap<string, number | null>,
  ownOrigin: string,
): HttpSender[] {
  const senders = new Map<string | null, number | null>()
  for (const [url, bytes] of bytesFrom) {
    const { origin, host: name } = new URL(url, ownOrigin)
    const host = origin === ownOrigin ? null : name
    const before = senders.get(host) ?? 0
    senders.set(host, bytes === null ? null : before + bytes)
  }
  return [...senders].map(([host, bytes]) => ({ host, bytes }))
}
