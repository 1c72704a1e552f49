import { expect, test } from 'vitest'
import type { MediaId } from '#protocol/ids.ts'
import { isWorthKeeping, ViewingMemory } from './viewing-memory.ts'

const title = (name: string, revision = 1) => ({ id: name as MediaId, revision })

/** A storage as browsers have it, filled with that. */
function storage(items: Record<string, string> = {}): Storage {
  const map = new Map(Object.entries(items))
  return {
    get length() {
      return map.size
    },
    clear: () => map.clear(),
    key: (index) => [...map.keys()][index] ?? null,
    getItem: (key) => map.get(key) ?? null,
    setItem: (key, value) => void map.set(key, value),
    removeItem: (key) => void map.delete(key),
  }
}

test('a place is worth keeping in the middle of a title that is long enough', () => {
  expect(isWorthKeeping(300, 600)).toBe(true)
  expect(isWorthKeeping(30, 59)).toBe(false)
  expect(isWorthKeeping(2, 600)).toBe(false)
  expect(isWorthKeeping(571, 600)).toBe(false)
  expect(isWorthKeeping(30, Number.NaN)).toBe(false)
  expect(isWorthKeeping(30, Number.POSITIVE_INFINITY)).toBe(true)
})

test('another visit finds the place, and not that of another revision', () => {
  const shared = storage()
  new ViewingMemory(() => shared).keepPosition(title('a'), 100, 600)
  const later = new ViewingMemory(() => shared)
  expect(later.position(title('a'))).toBe(100)
  expect(later.position(title('a', 2))).toBeNull()
  expect(later.position(title('b'))).toBeNull()
})

test('a title seen to its end, or started anew, is forgotten', () => {
  const memory = new ViewingMemory(() => shared)
  const shared = storage()
  for (const end of [599, 0]) {
    memory.keepPosition(title('a'), 100, 600)
    memory.keepPosition(title('a'), end, 600)
    expect(memory.position(title('a'))).toBeNull()
  }
})

test('the oldest titles go when there are too many', () => {
  const shared = storage()
  const memory = new ViewingMemory(() => shared)
  for (let i = 0; i < 130; i += 1) memory.keepPosition(title(`t${i}`), 100, 600)
  expect(memory.position(title('t0'))).toBeNull()
  expect(memory.position(title('t129'))).toBe(100)
  expect(JSON.parse(shared.getItem('slipstream-positions') ?? '')).toHaveLength(100)
})

test('preferences come back', () => {
  const shared = storage()
  const memory = new ViewingMemory(() => shared)
  expect(memory.preferences).toBeNull()
  memory.keepPreferences({ volume: 0.4, muted: true, rate: 1.5 })
  expect(new ViewingMemory(() => shared).preferences).toEqual({
    volume: 0.4,
    muted: true,
    rate: 1.5,
  })
})

test('keys work on the whole page until the viewer says otherwise', () => {
  const shared = storage()
  const memory = new ViewingMemory(() => shared)
  expect(memory.pageKeys).toBe(true)
  memory.keepPageKeys(false)
  expect(new ViewingMemory(() => shared).pageKeys).toBe(false)
})

test('nonsense in the storage is as good as nothing', () => {
  for (const text of ['', '{', '[]', '7', '{"volume":9,"muted":true,"rate":1}', '[{"of":1}]']) {
    const memory = new ViewingMemory(() =>
      storage({
        'slipstream-player': text,
        'slipstream-positions': text,
        'slipstream-page-keys': text,
      }),
    )
    expect(memory.preferences).toBeNull()
    expect(memory.position(title('a'))).toBeNull()
    expect(memory.pageKeys).toBe(true)
  }
})

test('a storage that is refused or full changes nothing but the memory', () => {
  const refused = new ViewingMemory(() => {
    throw new DOMException('denied', 'SecurityError')
  })
  const full = new ViewingMemory(() => ({
    ...storage(),
    setItem() {
      throw new DOMException('full', 'QuotaExceededError')
    },
  }))
  for (const memory of [refused, full]) {
    memory.keepPosition(title('a'), 100, 600)
    memory.keepPreferences({ volume: 1, muted: false, rate: 1 })
    expect(memory.position(title('a'))).toBeNull()
    expect(memory.preferences).toBeNull()
  }
})
