import { beforeEach, describe, expect, it } from 'vitest'
import { SharingControl, type SharingSurroundings } from './sharing-control.ts'

/** Storage as browsers have it. */
class MemoryStorage implements Storage {
  readonly #items = new Map<string, string>()
  readonly [name: string]: unknown
  get length() {
    return this.#items.size
  }
  key(index: number) {
    return [...this.#items.keys()][index] ?? null
  }
  getItem(key: string) {
    return this.#items.get(key) ?? null
  }
  setItem(key: string, value: string) {
    this.#items.set(key, value)
  }
  removeItem(key: string) {
    this.#items.delete(key)
  }
  clear() {
    this.#items.clear()
  }
}

const SHARED = { enabled: true, minViewers: 1 }
let local: Storage
let session: Storage
let page: EventTarget

beforeEach(() => {
  local = new MemoryStorage()
  session = new MemoryStorage()
  page = new EventTarget()
})

const open = (changes: Partial<SharingSurroundings> = {}) =>
  new SharingControl({
    operatorDefault: 'ask',
    connection: null,
    localStorage: () => local,
    sessionStorage: () => session,
    page,
    ...changes,
  })

describe('SharingControl', () => {
  it('remembers what was chosen for the next page', () => {
    expect(open().decide(SHARED)).toEqual({ peers: false, because: 'unanswered' })
    open().choose({ share: true })
    open().choose({ uploadRate: 125_000 })
    expect(open().choice).toEqual({ share: true, uploadRate: 125_000, sessionBytes: null })
    expect(open().decide(SHARED)).toMatchObject({ peers: true })
    open().choose({ share: false })
    expect(open().decide(SHARED)).toEqual({ peers: false, because: 'viewer' })
  })

  it('takes the choice for this page alone where storage is refused', () => {
    const refuse = () => {
      throw new DOMException('no', 'SecurityError')
    }
    const control = open({ localStorage: refuse, sessionStorage: refuse })
    control.choose({ share: true })
    expect(control.decide(SHARED)).toMatchObject({ peers: true })
    page.dispatchEvent(new Event('pagehide'))
  })

  it.each([
    '',
    'null',
    '{}',
    '[]',
    '{"share":"yes","uploadRate":null,"sessionBytes":null}',
    '{"share":true,"uploadRate":-1,"sessionBytes":null}',
    '{"share":true,"uploadRate":1e999,"sessionBytes":null}',
    '{"share":tr',
  ])('asks again when what is stored is %j', (text) => {
    local.setItem('slipstream-sharing', text)
    expect(open().decide(SHARED)).toEqual({ peers: false, because: 'unanswered' })
  })

  it('follows another tab', () => {
    const control = open()
    let changes = 0
    const stop = control.subscribe(() => {
      changes += 1
    })
    open().choose({ share: false })
    const tell = (key: string | null) =>
      page.dispatchEvent(
        Object.assign(new Event('storage'), {
          key,
          newValue: key === null ? null : local.getItem(key),
        }),
      )
    tell('something-else')
    expect([control.choice.share, changes]).toEqual([null, 0])
    tell('slipstream-sharing')
    expect([control.choice.share, changes]).toEqual([false, 1])
    tell(null) // everything was cleared
    expect(control.choice.share).toBeNull()
    stop()
    tell('slipstream-sharing')
    expect(changes).toBe(2)
  })

  it('uploads nothing over cellular or with saveData, and notices the change', () => {
    const connection = Object.assign(new EventTarget(), { type: 'wifi', saveData: false })
    const control = open({ connection, operatorDefault: 'on' })
    const withheld = () => {
      const decision = control.decide(SHARED)
      return decision.peers ? decision.withheld : decision.because
    }
    let changes = 0
    control.subscribe(() => {
      changes += 1
    })
    expect(withheld()).toBeNull()
    connection.type = 'cellular'
    connection.dispatchEvent(new Event('change'))
    expect([withheld(), changes]).toEqual(['cellular', 1])
    Object.assign(connection, { type: 'wifi', saveData: true })
    expect(withheld()).toBe('save-data')
    const unknown = open({ connection: new EventTarget(), operatorDefault: 'on' })
    expect(unknown.metering).toBeNull()
  })

  it('counts a session over several titles and reloads', () => {
    const control = open({ operatorDefault: 'on' })
    control.choose({ sessionBytes: 1000 })
    const left = (of: SharingControl) => {
      const decision = of.decide(SHARED)
      return decision.peers ? decision.upload.bytesLeft : null
    }
    let first = 300
    const end = control.count(() => first)
    expect(left(control)).toBe(700)
    first = 400
    end()
    end() // twice is once
    control.count(() => 200)
    expect(left(control)).toBe(400)
    page.dispatchEvent(new Event('pagehide'))
    expect(left(open({ operatorDefault: 'on' }))).toBe(400)
    session = new MemoryStorage() // another tab
    expect(left(open({ operatorDefault: 'on' }))).toBe(1000)
  })
})
