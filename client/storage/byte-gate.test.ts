import { expect, test } from 'vitest'
import { ByteGate } from './byte-gate.ts'

const settled = () => new Promise((resolve) => setTimeout(resolve, 0))

test('work beyond the limit waits its turn, in order', async () => {
  const gate = new ByteGate(100)
  const running: string[] = []
  const ends = new Map<string, () => void>()
  const start = (name: string, bytes: number) =>
    gate.run(bytes, () => {
      running.push(name)
      return new Promise<void>((resolve) => ends.set(name, resolve))
    })
  void start('a', 60)
  void start('b', 40)
  void start('c', 70)
  void start('d', 10)
  await settled()
  expect(running).toEqual(['a', 'b']) // d would fit, but may not overtake c
  ends.get('b')?.()
  await settled()
  expect(running).toEqual(['a', 'b'])
  ends.get('a')?.()
  await settled()
  expect(running).toEqual(['a', 'b', 'c', 'd'])
})

test('work larger than the limit goes through alone, and failed work makes room', async () => {
  const gate = new ByteGate(100)
  const failing = gate.run(500, () => Promise.reject(new Error('no')))
  const next = gate.run(1, async () => 'done')
  await expect(failing).rejects.toThrow('no')
  expect(await next).toBe('done')
})
