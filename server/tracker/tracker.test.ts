import { describe, expect, it } from 'vitest'
import { OFFERS_KEY, PART_KEY } from '#protocol/tracker.ts'
import type { SwarmRules } from '../media/catalogue.ts'
import {
  announce,
  announcement,
  type Browser,
  binary,
  browser,
  FOREIGN,
  KNOWN,
  offersFor,
  percent,
  scene,
} from './tracker-fixture.ts'

describe('the tracker over WebSocket', () => {
  it('passes the offer of one browser to another and the answer back', async () => {
    const [one, two] = [await browser(), await browser()]
    one.send(announcement(KNOWN, 'one'))
    expect(await one.next()).toMatchObject({ action: 'announce', incomplete: 1 })
    const offers = [{ offer: { type: 'offer', sdp: 'x' }, offer_id: 'o'.repeat(20) }]
    two.send(announcement(KNOWN, 'two', { offers }))
    expect(await one.next()).toMatchObject({ offer: { sdp: 'x' }, peer_id: 'two'.padEnd(20, '-') })
    expect(await two.next()).toMatchObject({ incomplete: 2 })
    const answer = { answer: { type: 'answer', sdp: 'y' }, to_peer_id: 'two'.padEnd(20, '-') }
    one.send(announcement(KNOWN, 'one', { ...answer, offer_id: 'o'.repeat(20), event: undefined }))
    expect(await two.next()).toMatchObject({ answer: { sdp: 'y' } })
    two.close()
    const peers = async () => {
      one.send(announcement(KNOWN, 'one', { event: undefined }))
      return (await one.next())['incomplete']
    }
    await expect.poll(peers).toBe(1)
    one.close()
  })

  it('has every two browsers introduced once, by whoever comes later', async () => {
    const names = ['one', 'two', 'three', 'four']
    const browsers = await Promise.all(names.map(() => browser()))
    const heard = names.map(() => [] as unknown[])
    const say = async (index: number, count: number, isNew = false) => {
      const one = browsers[index] as Browser
      const event = isNew ? 'started' : undefined
      one.send(announcement(KNOWN, names[index] as string, { event, offers: offersFor(count) }))
      for (;;) {
        const message = await one.next()
        if ('complete' in message) return message[OFFERS_KEY]
        heard[index]?.push(message['peer_id'])
      }
    }
    expect(await say(0, 1, true)).toEqual({ taken: 0, wanted: 0 })
    expect(await say(1, 1, true)).toEqual({ taken: 1, wanted: 0 })
    expect(await say(2, 1, true)).toEqual({ taken: 1, wanted: 1 })
    expect(await say(3, 1, true)).toEqual({ taken: 1, wanted: 2 })
    expect(await say(1, 5)).toEqual({ taken: 0, wanted: null }) // others have it in hand
    expect(await say(3, 2)).toEqual({ taken: 2, wanted: null })
    expect(await say(2, 5)).toEqual({ taken: 1, wanted: null })
    expect(await say(0, 5)).toEqual({ taken: 0, wanted: null })
    for (const index of names.keys()) expect(await say(index, 0)).toBeUndefined()
    const ids = (...indexes: number[]) => indexes.map((index) => names[index]?.padEnd(20, '-'))
    expect(heard[0]?.sort()).toEqual(ids(1, 2, 3).sort())
    expect(heard[1]?.concat(heard[2]).sort()).toEqual(ids(2, 3, 3).sort())
    for (const one of browsers) one.close()
  })

  it('refuses a foreign info hash with a reason', async () => {
    const one = await browser()
    one.send(announcement(FOREIGN, 'one'))
    expect((await one.next())['failure reason']).toMatch(/does not know/)
    one.close()
  })

  it.each([
    ['no JSON', '{nonsense'],
    ['null', 'null'],
    ['a number', '7'],
    ['no action', '{}'],
    ['a short info hash', { action: 'announce', info_hash: 'abc', peer_id: 'x'.repeat(20) }],
    ['offers that are no list', announcement(KNOWN, 'bad', { offers: 'xxxxx' })],
    ['offers of null', announcement(KNOWN, 'bad', { offers: [null] })],
    ['a scrape of a number', { action: 'scrape', info_hash: 7 }],
    ['an unknown event', announcement(KNOWN, 'bad', { event: '__proto__' })],
  ])('answers %s with a reason and goes on', async (_, message) => {
    const [steady, bad] = [await browser(), await browser()]
    steady.send(announcement(KNOWN, 'steady'))
    await steady.next()
    bad.send(message)
    expect((await bad.next())['failure reason']).toBeTypeOf('string')
    steady.send(announcement(KNOWN, 'steady', { event: undefined }))
    expect(await steady.next()).toMatchObject({ action: 'announce' })
    steady.close()
    bad.close()
  })

  it.each(['null', ' null', '7', '"x"', 'true', '[]', '[{"action":"announce"}]', '', '{nonsense'])(
    'says what is wrong with %j in words of its own',
    async (message) => {
      const bad = await browser()
      bad.send(message)
      const answer = await bad.next()
      expect(answer['failure reason']).toMatch(/JSON/)
      expect(answer['failure reason']).not.toMatch(/undefined|null|propert(y|ies) of/)
      bad.send(announcement(KNOWN, 'bad'))
      expect(await bad.next()).toMatchObject({ action: 'announce', incomplete: 1 })
      bad.close()
    },
  )

  it('does not let one connection pose as many peers', async () => {
    const one = await browser()
    one.send(announcement(KNOWN, 'one'))
    await one.next()
    one.send(announcement(KNOWN, 'two'))
    expect((await one.next())['failure reason']).toMatch(/one peer id/)
    one.send(announcement(KNOWN, 'one', { event: undefined }))
    expect(await one.next()).toMatchObject({ incomplete: 1 })
    one.close()
  })
})

describe('the publisher', () => {
  const offers = [{ offer: { type: 'offer', sdp: 'x' }, offer_id: 'o'.repeat(20) }]
  const offering = { offers, event: undefined }
  const change = (changed: SwarmRules) => {
    scene.rules = changed
    return scene.tracker.rulesChanged(KNOWN)
  }
  /** @returns what arrived between now and the answer to another announce */
  const untilAnswered = async (one: Browser, peer: string) => {
    one.send(announcement(KNOWN, peer, { event: undefined, left: 7 }))
    const before: Record<string, unknown>[] = []
    for (;;) {
      const message = await one.next()
      if ('complete' in message && message['interval'] !== 1) return before
      before.push(message)
    }
  }
  const native = (peer: string, port: number) =>
    announce(
      `info_hash=${percent(KNOWN)}&peer_id=${peer.padEnd(20, '-')}&port=${port}&left=1&compact=0`,
    )

  it('lets nobody hear of anybody before enough viewers are there, then all at once', async () => {
    scene.rules = { enabled: true, minViewers: 3 }
    const [one, two, three] = [await browser(), await browser(), await browser()]
    one.send(announcement(KNOWN, 'one', { offers }))
    const waits = /^the publisher wants 3 viewers .*, there is 1$/
    expect(await one.next()).toMatchObject({
      incomplete: 1,
      'warning message': expect.stringMatching(waits),
    })
    two.send(announcement(KNOWN, 'two', { offers }))
    expect(await two.next()).toMatchObject({ incomplete: 2 })
    expect(await untilAnswered(one, 'one')).toEqual([])
    three.send(announcement(KNOWN, 'three'))
    const opened = { action: 'announce', incomplete: 3, interval: 1 }
    expect(await one.next()).toMatchObject(opened)
    expect(await two.next()).toMatchObject(opened)
    const last = await three.next()
    expect(last['interval']).toBeGreaterThan(1)
    expect(last).not.toHaveProperty('warning message')
    two.send(announcement(KNOWN, 'two', offering))
    const offered = await Promise.race([one.next(), three.next()])
    expect(offered).toHaveProperty('offer')
    three.close()
    one.close()
    two.close()
  })

  it('closes the gate again when viewers leave', async () => {
    scene.rules = { enabled: true, minViewers: 2 }
    const [one, two] = [await browser(), await browser()]
    one.send(announcement(KNOWN, 'one'))
    await one.next()
    two.send(announcement(KNOWN, 'two'))
    await two.next()
    expect(await one.next()).toMatchObject({ interval: 1 })
    two.close()
    const incomplete = async () => {
      one.send(announcement(KNOWN, 'one', { event: undefined }))
      return (await one.next())['incomplete']
    }
    await expect.poll(incomplete).toBe(1)
    expect(await untilAnswered(one, 'one')).toEqual([]) // it may keep whom it has
    const three = await browser()
    await change({ enabled: true, minViewers: 3 })
    three.send(announcement(KNOWN, 'three', { offers }))
    expect(await three.next()).toMatchObject({ incomplete: 2 })
    expect(await untilAnswered(one, 'one')).toEqual([])
    one.close()
    three.close()
  })

  it('opens the gate for those who wait when it is lowered', async () => {
    scene.rules = { enabled: true, minViewers: 9 }
    const one = await browser()
    one.send(announcement(KNOWN, 'one'))
    await one.next()
    await change({ enabled: true, minViewers: 1 })
    expect(await one.next()).toMatchObject({ interval: 1 })
    one.close()
  })

  it('has viewers part when it asks for more than there are, and goes on counting them', async () => {
    const [one, two] = [await browser(), await browser()]
    one.send(announcement(KNOWN, 'one'))
    await one.next()
    two.send(announcement(KNOWN, 'two'))
    await two.next()
    await change({ enabled: true, minViewers: 3 })
    for (const viewer of [one, two]) {
      const told = await viewer.next()
      expect(told).toMatchObject({ incomplete: 2, [PART_KEY]: true })
      expect(told['warning message']).toMatch(/wants 3 viewers/)
    }
    await change({ enabled: true, minViewers: 4 }) // they have parted
    expect(await untilAnswered(one, 'one')).toEqual([])
    await change({ enabled: true, minViewers: 2 })
    const opened = await two.next()
    expect(opened).toMatchObject({ incomplete: 2, interval: 1 })
    expect(opened).not.toHaveProperty(PART_KEY)
    one.close()
    two.close()
  })

  it('holds native clients back as well, and has them come back soon', async () => {
    scene.rules = { enabled: true, minViewers: 3 }
    await native('one', 1)
    expect(await native('two', 2)).toMatchObject({ peers: [], incomplete: 2, interval: 10 })
    const third = await native('three', 3)
    expect(third.peers.length).toBeGreaterThan(0)
    expect(third.interval).toBeGreaterThan(10)
  })

  it('may switch sharing off: announced peers are told, and nobody gets them any more', async () => {
    const [one, two] = [await browser(), await browser()]
    one.send(announcement(KNOWN, 'one'))
    await one.next()
    await change({ enabled: false, minViewers: 1 })
    expect(await one.next()).toMatchObject({
      info_hash: binary(KNOWN),
      'failure reason': expect.stringMatching(/publisher has switched sharing off/),
      [PART_KEY]: true,
    })
    two.send(announcement(KNOWN, 'two', { offers }))
    expect((await two.next())['failure reason']).toMatch(/publisher has switched sharing off/)
    expect(Buffer.from((await native('n', 1))['failure reason']).toString()).toMatch(/switched/)
    one.send(announcement(KNOWN, 'one', { answer: {}, to_peer_id: 'two'.padEnd(20, '-') }))
    expect((await one.next())['failure reason']).toMatch(/switched sharing off/)
    await change({ enabled: true, minViewers: 1 })
    two.send(announcement(KNOWN, 'two', { offers }))
    expect(await two.next()).toMatchObject({ incomplete: 1 }) // the one who was announced is forgotten
    one.close()
    two.close()
  })
})

it('leaves those connected who watch a title that is deleted', async () => {
  const one = await browser()
  one.send(announcement(KNOWN, 'one'))
  await one.next()
  scene.rules = null
  await scene.tracker.rulesChanged(KNOWN)
  const told = await one.next()
  expect(told['failure reason']).toMatch(/does not know/)
  expect(told).not.toHaveProperty(PART_KEY)
  one.close()
})

describe('the tracker over HTTP', () => {
  it('answers a native client', async () => {
    const query = (peer: string, port: number) =>
      `info_hash=${percent(KNOWN)}&peer_id=${peer.padEnd(20, '-')}&port=${port}&left=1&compact=1`
    await announce(query('one', 6881))
    const answer = await announce(query('two', 6882))
    expect(answer).toMatchObject({ incomplete: 2 })
    expect(answer.peers.length % 6).toBe(0)
  })

  it('believes X-Forwarded-For only of a trusted proxy, and there only an address', async () => {
    const ask = (peer: string, port: number, forwarded: string) =>
      announce(
        `info_hash=${percent(KNOWN)}&peer_id=${peer.padEnd(20, '-')}&port=${port}&left=1&compact=0`,
        { 'X-Forwarded-For': forwarded },
      )
    await ask('one', 1, '198.51.100.1')
    scene.trusts = true
    await ask('two', 2, '203.0.113.9, 198.51.100.2')
    await ask('three', 3, 'unknown')
    const { peers } = await ask('four', 4, '198.51.100.4')
    const seen = peers.map((peer: { ip: Uint8Array; port: number }) => [
      peer.port,
      Buffer.from(peer.ip).toString(),
    ])
    expect(Object.fromEntries(seen)).toEqual({
      1: '127.0.0.1',
      2: '198.51.100.2',
      3: '127.0.0.1',
      4: '198.51.100.4',
    })
  })

  it.each([
    ['a foreign info hash', `info_hash=${percent(FOREIGN)}&peer_id=${'x'.repeat(20)}&port=1`],
    ['no parameters', ''],
    ['a broken escape', 'info_hash=%zz'],
    ['port 0', `info_hash=${percent(KNOWN)}&peer_id=${'x'.repeat(20)}&port=0`],
  ])('refuses %s with a failure reason', async (_, query) => {
    expect((await announce(query))['failure reason']).toBeTruthy()
  })
})
