// The real stream that WebTorrent writes to; of the data channel beneath it, what it was given.
import { Duplex } from 'streamx'
import { expect, test } from 'vitest'
import { bundleMessages, bundles, type Channel } from './message-bundles.ts'

const block = (value: number) => new Uint8Array(16 * 1024).fill(value)
const head = (value: number) => new Uint8Array(13).fill(value)

/** Writes as a peer does; calls back when it is told to, as a full channel does. */
class Peer extends Duplex {
  readonly sent: Uint8Array[] = []
  isFull = false
  #done: ((error: Error | null) => void) | null = null

  override _write(chunk: unknown, done: (error: Error | null) => void): void {
    this.sent.push(chunk as Uint8Array)
    if (this.isFull) this.#done = done
    else done(null)
  }

  drainOne(): void {
    const done = this.#done
    this.#done = null
    done?.(null)
  }
}

function peer(): Peer {
  const made = new Peer()
  bundleMessages(made as unknown as Channel)
  return made
}

test('what is written in one go is one message', async () => {
  const made = peer()
  for (let n = 0; n < 16; n += 1) made.write(new Uint8Array(17).fill(n))
  await Promise.resolve()
  expect(made.sent.map(({ length }) => length)).toEqual([16 * 17])
  expect(made.sent[0]?.[17 * 3]).toBe(3)
})

test('a block leaves with its head, and no message is larger', async () => {
  const made = peer()
  for (const value of [1, 2]) {
    made.write(head(value))
    made.write(block(value))
  }
  await Promise.resolve()
  expect(made.sent).toEqual(bundles([head(1), block(1), head(2), block(2)]))
  expect(Buffer.concat(made.sent)).toEqual(Buffer.concat([head(1), block(1), head(2), block(2)]))
  expect(made.sent).toHaveLength(2)
})

test('what comes one after the other is not held back', async () => {
  const made = peer()
  made.write(head(1))
  await new Promise((resolve) => setTimeout(resolve))
  expect(made.sent).toHaveLength(1)
  made.write(head(2))
  await new Promise((resolve) => setTimeout(resolve))
  expect(made.sent).toHaveLength(2)
})

test('a full channel holds up what follows, which then leaves together', async () => {
  const made = peer()
  made.isFull = true
  made.write(block(1))
  made.write(block(2))
  await Promise.resolve()
  expect(made.sent).toHaveLength(1)
  made.write(head(3))
  made.write(head(4))
  made.drainOne()
  expect(made.sent).toHaveLength(2)
  made.drainOne()
  await new Promise((resolve) => setTimeout(resolve))
  expect(made.sent.map(({ length }) => length)).toEqual([16 * 1024, 16 * 1024, 26])
})
