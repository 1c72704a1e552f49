import { afterEach, describe, expect, test, vi } from 'vitest'
import { clearStoredTitles, noteStored, storedBytes, wasStored } from './stored-titles.ts'

/** The browser's, in memory; refuses when it is `blocked`. */
class Storage {
  readonly #items = new Map<string, string>()
  blocked = false

  getItem(key: string): string | null {
    if (this.blocked) throw new DOMException('Refused.', 'SecurityError')
    return this.#items.get(key) ?? null
  }

  setItem(key: string, value: string): void {
    if (this.blocked) throw new DOMException('Full.', 'QuotaExceededError')
    this.#items.set(key, value)
  }

  removeItem(key: string): void {
    if (this.blocked) throw new DOMException('Refused.', 'SecurityError')
    this.#items.delete(key)
  }
}

const storage = new Storage()
vi.stubGlobal('localStorage', storage)
afterEach(() => {
  storage.blocked = false
  storage.removeItem('slipstream.stored')
})

test('a title is remembered, the 200 newest at most', () => {
  for (let title = 0; title <= 200; title += 1) noteStored(`title-${title}`)
  expect(wasStored('title-0')).toBe(false)
  expect(wasStored('title-1')).toBe(true)
  expect(wasStored('title-200')).toBe(true)
})

test('a list that somebody has damaged counts for nothing', () => {
  for (const text of ['', '{', '{"a":1}', '[1]']) {
    storage.setItem('slipstream.stored', text)
    expect(wasStored('title')).toBe(false)
  }
  noteStored('title')
  expect(wasStored('title')).toBe(true)
})

// What happens to the files is tested in a real browser, by e2e/storage.e2e.ts.
describe('where the browser keeps no files', () => {
  test('nothing is stored, and deleting it forgets which titles were', async () => {
    noteStored('title')
    expect(await storedBytes()).toBe(0)
    await clearStoredTitles()
    expect(wasStored('title')).toBe(false)
  })

  test('blocked storage is no error', async () => {
    storage.blocked = true
    noteStored('title')
    expect(wasStored('title')).toBe(false)
    await clearStoredTitles()
  })
})
