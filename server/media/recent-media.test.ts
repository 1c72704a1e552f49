import { describe, expect, it } from 'vitest'
import type { MediaId } from '#protocol/ids.ts'
import type { Media } from './catalogue.ts'
import { RecentMedia } from './recent-media.ts'

const id = (number: number) => String(number).padStart(16, '0') as MediaId

function setUp() {
  const state = { time: 0, lookUps: 0, fails: false }
  const recent = new RecentMedia(
    {
      async get(media) {
        state.lookUps += 1
        if (state.fails) throw new Error('the database is locked')
        return { id: media } as Media
      },
    },
    () => state.time,
  )
  return { state, recent }
}

describe('RecentMedia', () => {
  it('looks a title up once a second, however many ask', async () => {
    const { state, recent } = setUp()
    await Promise.all([recent.get(id(1)), recent.get(id(1)), recent.get(id(2))])
    expect(state.lookUps).toBe(2)
    state.time = 1_000
    await recent.get(id(1))
    expect(state.lookUps).toBe(3)
  })

  it('sees a change of this process at once', async () => {
    const { state, recent } = setUp()
    await recent.get(id(1))
    recent.forget(id(1))
    await recent.get(id(1))
    expect(state.lookUps).toBe(2)
  })

  it('remembers no failure', async () => {
    const { state, recent } = setUp()
    state.fails = true
    await expect(recent.get(id(1))).rejects.toThrow('locked')
    state.fails = false
    expect(await recent.get(id(1))).toMatchObject({ id: id(1) })
  })

  it('forgets the oldest titles beyond 2,000', async () => {
    const { state, recent } = setUp()
    for (let number = 0; number <= 2_000; number += 1) await recent.get(id(number))
    await recent.get(id(2_000))
    expect(state.lookUps).toBe(2_001)
    await recent.get(id(0))
    expect(state.lookUps).toBe(2_002)
  })
})
