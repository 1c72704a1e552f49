// Bundles what is written to a connection in one go: the 16 requests for a piece, a block and its head,
// the `have`s after a piece each leave as one message of the data channel instead of as many. Every
// message is a packet, an acknowledgement and a wake-up of three processes, which costs a browser far
// more than the bytes do. To the other end messages are a stream of bytes, however they are cut.
import type SimplePeer from '@thaunknown/simple-peer/lite.js'

/** A peer, or what writes to its channel as one does. */
export type Channel = Pick<SimplePeer, '_write' | '_writev' | '_writableState'>

/** A block (BEP 3) and what is said with it: a message arrives whole or not at all. */
const MAX_MESSAGE_BYTES = 17 * 1024

export function bundleMessages(channel: Channel): void {
  const send = channel._write
  channel._writev = (chunks, done) => {
    const messages = bundles(chunks)
    const sendFrom = (index: number): void => {
      const message = messages[index]
      if (message === undefined) done(null)
      else send.call(channel, message, (error) => (error ? done(error) : sendFrom(index + 1)))
    }
    sendFrom(0)
  }
  // As streams do that have `_writev` alone: it is given all that waits.
  channel._write = (chunk, done) => channel._writableState.autoBatch(chunk, done)
}

/** @returns the chunks, in their order, as few as the size of a message allows; none is cut */
export function bundles(chunks: readonly Uint8Array[]): Uint8Array[] {
  const bundled: Uint8Array[][] = []
  let size = Number.POSITIVE_INFINITY
  for (const chunk of chunks) {
    size += chunk.length
    if (size <= MAX_MESSAGE_BYTES) bundled.at(-1)?.push(chunk)
    else {
      bundled.push([chunk])
      size = chunk.length
    }
  }
  return bundled.map(joined)
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const [only] = chunks
  if (only && chunks.length === 1) return only
  const whole = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}
