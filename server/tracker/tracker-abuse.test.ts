// What strangers may send to the tracker. An error that nobody catches fails the run of the tests.
import { get } from 'node:http'
import { describe, expect, it } from 'vitest'
import { OFFERS_KEY } from '#protocol/tracker.ts'
import {
  announce,
  announcement,
  type Browser,
  browser,
  KNOWN,
  offersFor,
  percent,
  scene,
} from './tracker-fixture.ts'

const query = (more: Record<string, string> = {}) =>
  new URLSearchParams({ port: '1', left: '1', compact: '0', ...more }).toString() +
  `&info_hash=${percent(KNOWN)}&peer_id=${'n'.repeat(20)}`

/** Sends a query as it is. @returns the answer's text, or `null` when there was none */
function ask(text: string): Promise<string | null> {
  const { hostname, port, pathname } = new URL(`http://${scene.address}`)
  return new Promise((resolve) => {
    get({ hostname, port, path: `${pathname}?${text}`, agent: false }, (response) => {
      let answer = ''
      response.setEncoding('latin1').on('data', (chunk) => {
        answer += chunk
      })
      response.on('close', () => resolve(answer))
    }).on('error', () => resolve(null))
  })
}

describe('a query that names what is not for it to name', () => {
  it.each(['started', 'stopped', 'completed', 'update', 'paused'])(
    'does not end the server when it has a socket and is %s',
    async (event) => {
      await announce(query({ socket: 'x', event: 'started' }))
      await announce(query({ socket: 'x', event }))
      const { complete, incomplete } = await announce(query())
      expect(complete + incomplete).toBe(1)
    },
  )

  it('does not keep a publisher from changing what holds', async () => {
    await announce(query({ socket: 'x' }))
    scene.rules = { enabled: true, minViewers: 2 }
    await scene.tracker.rulesChanged(KNOWN)
    expect(await announce(query())).toMatchObject({ incomplete: 1 })
  })

  it.each([
    { socket: 'x' },
    { socket: 'x', compact: '1' },
    { socket: 'x', compact: '2' },
    { socket: 'x', compact: '-1', type: 'ws', numwant: '82' },
  ])('does not get the address of a browser: %j', async (more) => {
    const one = await browser()
    one.send(announcement(KNOWN, 'one'))
    await one.next()
    const { peers, incomplete } = await announce(query(more as unknown as Record<string, string>))
    expect(incomplete).toBe(2)
    const itself =
      more.compact === '1' ? [127, 0, 0, 1, 0, 1] : [expect.objectContaining({ port: 1 })]
    expect([...peers]).toEqual(itself)
    one.close()
  })

  it.each(['1.5', '1e-7', '0x50', '-1', '65536', '', 'NaN', 'x'])(
    'refuses port %j',
    async (port) => {
      expect((await announce(query({ port })))['failure reason']).toBeTruthy()
      const others = query({ port: '2', compact: '1' })
      expect(await announce(others)).toMatchObject({ incomplete: 1 })
      expect(await announce(others)).toMatchObject({ incomplete: 1 })
    },
  )
})

describe('a peer id', () => {
  const offers = [{ offer: { type: 'offer', sdp: 'x' }, offer_id: 'o'.repeat(20) }]
  const count = async (one: Browser, peer: string) => {
    one.send(announcement(KNOWN, peer, { event: undefined }))
    return (await one.next())['incomplete']
  }

  it('follows a viewer whose old connection is open in name only', async () => {
    const [old, other] = [await browser({ autoPong: false }), await browser()]
    old.send(announcement(KNOWN, 'viewer'))
    await old.next()
    other.send(announcement(KNOWN, 'other'))
    await other.next()
    const back = await browser()
    back.send(announcement(KNOWN, 'viewer'))
    expect(await back.next()).toMatchObject({ incomplete: 2 })
    await old.closed
    other.send(announcement(KNOWN, 'other', { offers, event: undefined }))
    expect(await back.next()).toHaveProperty('offer')
    await other.next()
    expect(await count(other, 'other')).toBe(2)
    back.close()
    other.close()
  })

  it('stays with a viewer who is there, whatever others do under it', async () => {
    const [viewer, stranger, other] = [await browser(), await browser(), await browser()]
    viewer.send(announcement(KNOWN, 'viewer'))
    await viewer.next()
    other.send(announcement(KNOWN, 'other'))
    await other.next()
    for (const event of ['started', 'update', 'stopped', 'completed', 'paused']) {
      stranger.send(announcement(KNOWN, 'viewer', { event, offers }))
      expect((await stranger.next())['failure reason']).toMatch(/in use/)
    }
    const to_peer_id = 'other'.padEnd(20, '-')
    const answer = { answer: { type: 'answer', sdp: 'y' }, to_peer_id, offer_id: 'o'.repeat(20) }
    stranger.send(announcement(KNOWN, 'viewer', { event: undefined, ...answer }))
    expect((await stranger.next())['failure reason']).toMatch(/in use/)
    stranger.close()
    await stranger.closed
    expect(await count(other, 'other')).toBe(2)
    other.send(announcement(KNOWN, 'other', { offers, event: undefined }))
    expect(await viewer.next()).toHaveProperty('offer')
    viewer.close()
    other.close()
  })

  it('is not taken from a viewer by somebody who had it before and goes', async () => {
    const [stranger, other] = [await browser(), await browser()]
    stranger.send(announcement(KNOWN, 'viewer'))
    await stranger.next()
    stranger.send(announcement(KNOWN, 'viewer', { event: 'stopped' }))
    await stranger.next()
    const viewer = await browser()
    viewer.send(announcement(KNOWN, 'viewer'))
    await viewer.next()
    stranger.close()
    await stranger.closed
    other.send(announcement(KNOWN, 'other'))
    expect(await other.next()).toMatchObject({ incomplete: 2 })
    viewer.close()
    other.close()
  })

  it('is not announced for a browser that left while it was looked up', async () => {
    const [one, other] = [await browser(), await browser()]
    scene.beforeRules = async () => {
      one.close()
      await one.closed
      scene.beforeRules = () => {}
    }
    one.send(announcement(KNOWN, 'one'))
    await one.closed
    other.send(announcement(KNOWN, 'other'))
    expect(await other.next()).toMatchObject({ incomplete: 1 })
    expect(await count(other, 'other')).toBe(1)
    other.close()
  })
})

it('counts nobody in a swarm that is switched off between look-up and announce', async () => {
  scene.beforeRules = async () => {
    scene.beforeRules = () => {}
    scene.rules = { enabled: false, minViewers: 1 }
    // In the microtasks that run before the library's next tick.
    Promise.resolve()
      .then(() => {})
      .then(() => scene.tracker.rulesChanged(KNOWN))
  }
  const one = await browser()
  one.send(announcement(KNOWN, 'one'))
  expect((await one.next())['failure reason']).toMatch(/just changed/)
  one.close()
})

describe('a network of native clients', () => {
  const from = (port: number, ip: string, event = 'started') =>
    announce(query({ port: String(port), event }), { 'X-Forwarded-For': ip })

  it('has so many of a title and no more, and room again when some stop', async () => {
    scene.trusts = true
    for (let port = 1; port <= 20; port += 1) await from(port, `2001:db8::${port}`)
    expect((await from(21, '2001:db8::7'))['failure reason']).toBeTruthy()
    expect(await from(3, '2001:db8::3', 'update')).toMatchObject({ incomplete: 20 })
    expect(await from(1, '2001:db8:0:1::1')).toMatchObject({ incomplete: 21 })
    await from(3, '2001:db8::3', 'stopped')
    expect(await from(21, '2001:db8::7')).toMatchObject({ incomplete: 21 })
    expect((await from(22, '2001:db8::7'))['failure reason']).toBeTruthy()
  })

  it('that crosses the minimum again and again has the viewers told but once in a while', async () => {
    scene.rules = { enabled: true, minViewers: 2 }
    const one = await browser()
    one.send(announcement(KNOWN, 'one'))
    await one.next()
    for (let n = 0; n < 20; n += 1) {
      await announce(query({ event: 'started' }))
      await announce(query({ event: 'stopped' }))
    }
    expect(await one.next()).toMatchObject({ incomplete: 2, interval: 1 })
    one.send(announcement(KNOWN, 'one', { event: undefined }))
    expect(await one.next()).toMatchObject({ incomplete: 1, interval: 60 })
    await announce(query({ event: 'started' }))
    const before = performance.now()
    expect(await one.next()).toMatchObject({ incomplete: 2, interval: 1 }) // in the end they are
    expect(performance.now() - before).toBeGreaterThan(5000)
    one.close()
  })
})

describe('a browser that makes offers', () => {
  it('meets the other browser, however many native clients there are', async () => {
    scene.trusts = true
    for (let n = 1; n <= 200; n += 1) {
      const native = query({ port: '1', event: 'started' })
      await announce(native, { 'X-Forwarded-For': `192.0.2.${n}` })
    }
    const [one, two] = [await browser(), await browser()]
    one.send(announcement(KNOWN, 'one', { offers: offersFor(1) }))
    expect(await one.next()).toMatchObject({ incomplete: 201, [OFFERS_KEY]: { taken: 0 } })
    two.send(announcement(KNOWN, 'two', { offers: offersFor(1) }))
    expect(await two.next()).toMatchObject({ incomplete: 202, [OFFERS_KEY]: { taken: 1 } })
    one.close()
    two.close()
  })

  it('and says goodbye in the same words meets nobody, and leaves nothing behind', async () => {
    const [steady, fickle] = [await browser(), await browser()]
    steady.send(announcement(KNOWN, 'steady'))
    await steady.next()
    fickle.send(announcement(KNOWN, 'fickle', { event: 'stopped', offers: offersFor(64) }))
    const answer = await fickle.next()
    expect(answer).toMatchObject({ incomplete: 1 })
    expect(answer).not.toHaveProperty(OFFERS_KEY)
    steady.send(announcement(KNOWN, 'steady', { event: undefined }))
    expect(await steady.next()).toMatchObject({ incomplete: 1 }) // no offer came before
    steady.close()
    fickle.close()
  })
})

describe('the tracker goes on', () => {
  const ODD = [
    '',
    '0',
    '1',
    '2',
    '-1',
    '1.5',
    '1e-7',
    '1e309',
    'NaN',
    'null',
    'x',
    '%00',
    '%u0100',
    '%zz',
  ]
  const WORDS = [
    '__proto__',
    'constructor',
    'toString',
    'started',
    'stopped',
    'error',
    'x'.repeat(2000),
  ]
  const KEYS = [
    ...['info_hash', 'peer_id', 'port', 'left', 'event', 'numwant', 'compact', 'key', 'ip', 'ipv6'],
    ...[
      'addr',
      'type',
      'action',
      'socket',
      'offers',
      'answer',
      'to_peer_id',
      'offer_id',
      'headers',
    ],
    ...['httpReq', 'httpRes', 'trackerid', 'no_peer_id', '__proto__', 'hasOwnProperty', 'toString'],
  ]
  const values = [...ODD, ...WORDS, '127.0.0.1', '::1', 'n'.repeat(20), percent(KNOWN)]
  const chosen = randomly(20261123)
  const oddly = (count: number) =>
    Array.from({ length: count }, () => `${chosen(KEYS)}=${chosen(values)}`).join('&')

  it('after odd queries over HTTP', async () => {
    const watching = await browser()
    watching.send(announcement(KNOWN, 'watching'))
    await watching.next()
    const event = () => `&event=${chosen(['started', 'stopped', 'completed', 'paused', ''])}`
    const queries = KEYS.flatMap((key) => values.map((value) => `${query()}&${key}=${value}`))
    for (let n = 0; n < 1500; n += 1) {
      const base = query({ port: String(1 + (n % 5)), compact: chosen(['0', '1']) })
      queries.push(`${chosen([base, base, ''])}${event()}&${oddly(1 + (n % 6))}`)
    }
    for (const text of queries) {
      const answer = await ask(text.replaceAll(/[^\x21-\x7e]/g, '_'))
      expect(answer, text).toMatch(/^d/)
    }
    watching.send(announcement(KNOWN, 'watching', { event: undefined }))
    expect(await watching.next()).toMatchObject({ action: 'announce' })
    watching.close()
  })

  it('after odd messages over WebSocket', async () => {
    const json = [null, true, 0, -1, 1.5, 1e308, '', 'x', [], [null], [[]], {}, { length: 5 }]
    const of = [...json, ...values, 'started', { type: 'offer', sdp: 'x' }, { toJSON: 5 }]
    const watching = await browser()
    watching.send(announcement(KNOWN, 'watching'))
    await watching.next()
    for (let n = 0; n < 600; n += 1) {
      const one = await browser()
      const more = Object.fromEntries(
        Array.from({ length: 1 + (n % 5) }, () => [chosen(KEYS), chosen<unknown>(of)]),
      )
      const action = chosen(['announce', 'announce', 'announce', 'scrape', 1, 'connect', null])
      one.send(announcement(KNOWN, `odd${n}`, { event: undefined }))
      one.send({ ...announcement(KNOWN, `odd${n}`), action, ...more })
      one.send(
        announcement(KNOWN, `odd${n}`, { event: chosen(['stopped', 'completed', 'paused']) }),
      )
      await one.next()
      one.close()
      await one.closed
    }
    watching.send(announcement(KNOWN, 'watching', { left: 0, event: 'completed' }))
    await expect.poll(() => watching.next()).toMatchObject({ complete: 1 })
    watching.close()
  })
})

/** @returns a function that draws from a list, the same with every run (Park and Miller) */
function randomly(seed: number): <Value>(values: readonly Value[]) => Value {
  let state = seed
  return <Value>(values: readonly Value[]) => {
    state = (state * 48_271) % 2_147_483_647
    return values[state % values.length] as Value
  }
}
