import { openSync } from 'node:fs'
import { expect, test } from 'vitest'
import { QuickReads } from './quick-reads.ts'

const file = openSync(import.meta.filename, 'r')

/** @returns reads six bytes while the clock goes on by so much with each look at it, and tells how */
function reader(fd = file) {
  let now = 0
  let looks = 0
  const steps: number[] = []
  const reads = new QuickReads(() => {
    looks += 1
    now += steps.shift() ?? 0
    return now
  })
  return async (...passing: number[]) => {
    steps.push(...passing)
    looks = 0
    let how = ''
    const buffer = Buffer.alloc(6)
    const bytes = await new Promise<number>((resolve, reject) => {
      reads.read(fd, buffer, 6, 2, (error, count) => (error ? reject(error) : resolve(count)))
      how = looks === 1 ? 'at once' : 'by a thread' // which is timed from here on
    })
    expect(buffer.toString('latin1', 0, bytes)).toBe('port {')
    return how
  }
}

test('a thread reads first, and again after a slow read or a long pause', async () => {
  const read = reader()
  expect(await read()).toBe('by a thread')
  expect(await read()).toBe('at once')
  expect(await read(0, 0, 5)).toBe('at once') // took 5 ms
  expect(await read()).toBe('by a thread')
  expect(await read()).toBe('at once')
  expect(await read(10_001)).toBe('by a thread')
  expect(await read(0, 0, 5)).toBe('at once')
  expect(await read(0, 0, 5)).toBe('by a thread') // took 5 ms as well
  expect(await read()).toBe('by a thread')
})

test('others have their turn of the event loop before a read at once', async () => {
  const read = reader()
  await read()
  const order: string[] = []
  setImmediate(() => order.push('another'))
  await read().then(() => order.push('read'))
  expect(order).toEqual(['another', 'read'])
})

test('errors come through', async () => {
  await expect(reader(-1)()).rejects.toThrow()
})
