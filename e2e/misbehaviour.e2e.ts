// Peers that lie, stay silent, shout or talk nonsense, each a real one over the real tracker and
// WebRTC. Whatever they do, who watches sees the film, and honest peers are not mistaken for them.
import { type Browser, expect, type Page, test } from '@playwright/test'
import type { MediaRecord } from '#protocol/media.ts'
import { clip } from './harness/clips.ts'
import { RogueDen, type RoguePeer, type RogueScript } from './harness/rogue-peer.ts'
import { startServer, type TestServer } from './harness/server.ts'
import { agreed, statsOf, type Viewer, watch } from './harness/viewer.ts'

let server: TestServer
let media: MediaRecord
let den: RogueDen

test.beforeAll(async ({ browser }) => {
  server = await startServer()
  const uploaded = await server.upload(clip({ seconds: 24, format: 'webm', mbps: 3 }))
  media = await server.untilReady(uploaded.id)
  den = await RogueDen.open(browser, server.url, media)
})
test.afterAll(async () => {
  await den.close()
  await server.stop()
})

/** Bytes of a piece. */
const PIECE = 256 * 1024

/**
 * A viewer in a browser of its own; nothing may go wrong in its page.
 * @param uploadRate bytes per second that it lets its peers have at most
 */
async function arrive(
  browser: Browser,
  title = media,
  uploadRate: number | null = null,
): Promise<Viewer & { leave(): Promise<void> }> {
  const context = await browser.newContext()
  await agreed(context, { uploadRate })
  const errors: string[] = []
  context.on('weberror', (error) => errors.push(error.error().message))
  const viewer = await watch(context, `${server.url}/watch/${title.id}`)
  return {
    ...viewer,
    async leave() {
      expect(errors).toEqual([])
      await context.close()
    },
  }
}

/** Watches the start of the film for longer than was fetched before it, and the end. */
async function watchOn(viewer: Viewer): Promise<void> {
  await viewer.untilPosition(6)
  expect((await viewer.stats()).stalls).toBe(0)
  await viewer.seek(21)
  await viewer.untilEnded(20_000)
  expect((await viewer.video()).error).toBeNull()
}

const untilMet = (rogue: RoguePeer) =>
  expect.poll(async () => (await rogue.seen()).met, { timeout: 15_000 }).toBeGreaterThan(0)
const untilShownOut = (rogue: RoguePeer) =>
  expect.poll(async () => (await rogue.seen()).open, { timeout: 15_000 }).toBe(0)

test('who sends wrong data is shown out, also under another name, and nothing of it is played', async ({
  browser,
}) => {
  const script: RogueScript = (wire) => {
    wire.claim(true)
    wire.say(1)
    return ({ piece, offset, length }) => wire.say(7, piece, offset, new Uint8Array(length).fill(7))
  }
  // Twice as long as players look ahead, so that there is always something that is wanted.
  const recipe = { seconds: 120, format: 'webm', mbps: 1, size: '426x240' } as const
  const long = await server.untilReady((await server.upload(clip(recipe))).id)
  const longDen = await RogueDen.open(browser, server.url, long)
  let rogue = await longDen.start({ script })
  const viewer = await arrive(browser, long)
  await untilMet(rogue)
  await untilShownOut(rogue)
  expect((await viewer.stats()).bytes.wasted).toBeGreaterThanOrEqual(2 * PIECE)

  await rogue.leave()
  const { peerId } = rogue
  rogue = await longDen.start({ script, peerId })
  await viewer.page.waitForTimeout(2_500)
  expect((await rogue.seen()).met).toBe(0) // not by the same name
  await rogue.leave()
  for (const seconds of [20, 40]) {
    rogue = await longDen.start({ script }) // by another name
    await untilMet(rogue)
    await viewer.seek(seconds)
    await untilShownOut(rogue)
    await rogue.leave()
  }
  rogue = await longDen.start({ script })
  await viewer.page.waitForTimeout(2_500)
  expect((await rogue.seen()).met).toBe(0) // nor anybody from there
  await rogue.leave()

  await viewer.seek(0) // what was jumped over is fetched too
  await viewer.untilPosition(2)
  await viewer.seek(60)
  await viewer.untilFilled(30_000)
  await viewer.seek(117)
  await viewer.untilEnded(20_000)
  expect((await viewer.video()).error).toBeNull()
  const { bytes } = await viewer.stats()
  expect(bytes.placeholder + bytes.origin).toBe(long.size)
  expect(bytes.wasted).toBe(bytes.peers)
  await viewer.leave()
  await longDen.close()
})

test('who spoils parts of pieces that others send too is found out, and the others are not', async ({
  browser,
}) => {
  // Fast enough for the film, too slow for what is ahead of it: the other is asked as well.
  const a = await arrive(browser, media, 500_000)
  await a.untilFilled(30_000)
  const rogue = await den.start({
    script: (wire) => {
      wire.claim(true)
      wire.say(1)
      return (block) => {
        const bytes = wire.truth(block)
        if (block.offset % 65_536 === 0) bytes[7] = (bytes[7] ?? 0) ^ 1
        wire.say(7, block.piece, block.offset, bytes)
      }
    },
  })
  await untilMet(rogue)
  const b = await arrive(browser)
  await expect.poll(async () => (await rogue.seen()).met, { timeout: 15_000 }).toBe(2)
  await expect.poll(async () => (await rogue.seen()).open, { timeout: 15_000 }).toBe(1)
  await a.untilPeers(2) // A asks for nothing, and knows nothing of it
  await b.untilFilled(30_000) // before it jumps: what is jumped over is left
  await watchOn(b)
  const { bytes, peers } = await b.stats()
  expect(peers).toBe(1)
  await rogue.leave()
  expect(bytes.wasted).toBeGreaterThan(0)
  expect((await a.stats()).bytes.uploaded).toBeGreaterThan(0)
  expect(bytes.placeholder + bytes.origin + bytes.peers - bytes.wasted).toBe(media.size)
  await b.leave()
  await a.leave()
})

test('who has everything and sends nothing, or refuses, is passed over', async ({ browser }) => {
  const silent = await den.start({
    script: (wire) => {
      wire.claim(true)
      wire.say(1)
      return undefined
    },
  })
  const stubborn = await den.start({
    script: (wire) => {
      wire.claim(true)
      wire.say(1)
      return ({ piece, offset, length }) => wire.say(16, piece, offset, length)
    },
  })
  const viewer = await arrive(browser)
  await untilMet(silent)
  await untilMet(stubborn)
  await watchOn(viewer)
  for (const rogue of [silent, stubborn]) {
    expect((await rogue.seen()).asked).toBeGreaterThan(0)
    await rogue.leave()
  }
  const { bytes } = await viewer.stats()
  expect(bytes.placeholder + bytes.origin).toBeGreaterThan(media.size / 3)
  expect(bytes).toMatchObject({ peers: 0, wasted: 0 })
  await viewer.leave()
})

test('who keeps promising what it never delivers is not waited for', async ({ browser }) => {
  const rogue = await den.start({
    script: (wire, { pieces }) => {
      wire.claim(false)
      // Uploads; looks ahead to everything; the origin is sending it everything, any moment now.
      const promise = () =>
        wire.extension('slipstream_intent', 1, 0, pieces - 1, 0, pieces - 1, 0, 0)
      promise()
      setInterval(promise, 200)
      return undefined
    },
  })
  const viewer = await arrive(browser)
  await untilMet(rogue)
  await watchOn(viewer)
  const { bytes, pieces } = await viewer.stats()
  expect(bytes.placeholder + bytes.origin).toBeGreaterThan((pieces.have - 1) * PIECE)
  expect(bytes.wasted).toBe(0)
  await rogue.leave()
  await viewer.leave()
})

const FLOODS: Record<string, RogueScript> = {
  requests: (wire, { pieceLength }) => {
    wire.claim(false)
    wire.say(2)
    setTimeout(() => {
      for (let i = 0; i < 20_000; i += 1) wire.say(6, 0, 0, pieceLength / 2)
    }, 1000) // it has been let in by then
    return undefined
  },
  'blocks that nobody asked for': (wire) => {
    wire.claim(true)
    for (let i = 0; i < 100; i += 1) wire.say(7, 30, 0, new Uint8Array(16_384))
    return undefined
  },
  'extension messages': (wire) => {
    for (let i = 0; i < 5_000; i += 1) wire.extension('slipstream_intent', 1, 1, 0)
    return undefined
  },
  'questions about the metadata': (wire) => {
    const question = Array.from('d8:msg_typei0e5:piecei0ee', (char) => char.charCodeAt(0))
    for (let i = 0; i < 500; i += 1) wire.extension('ut_metadata', question)
    return undefined
  },
  announcements: (wire) => {
    for (let i = 0; i < 20_000; i += 1) wire.say(4, i % 30)
    return undefined
  },
}

test('who floods its peers is shown out, and the page plays on', async ({ browser }) => {
  const floods = Object.entries(FLOODS)
  // After three of them a viewer lets nobody in from their address.
  for (const some of [floods.slice(0, 3), floods.slice(3)]) {
    const viewer = await arrive(browser)
    await viewer.untilPhase('swarm')
    for (const [what, script] of some) {
      await test.step(what, async () => {
        const rogue = await den.start({ script })
        await untilMet(rogue)
        await untilShownOut(rogue)
        await rogue.leave()
      })
    }
    await viewer.untilPosition((await viewer.video()).currentTime + 0.5)
    const { bytes, stalls } = await viewer.stats()
    expect(bytes.uploaded).toBeLessThan(16 * 1024 * 1024)
    expect(bytes.wasted).toBe(bytes.peers)
    expect(stalls).toBe(0)
    await viewer.leave()
  }
})

const NONSENSE: Record<string, RogueScript> = {
  'a message of 2 GB': (wire) => {
    wire.raw([0x7f, 0xff, 0xff, 0xff, 7])
    return undefined
  },
  'a message of -1 bytes': (wire) => {
    wire.raw([0xff, 0xff, 0xff, 0xff])
    return undefined
  },
  'half a number': (wire) => {
    wire.say(4, [0, 0])
    return undefined
  },
  'a piece that there is not': (wire) => {
    wire.say(4, 36_000)
    return undefined
  },
  'a bitfield of another file': (wire) => {
    wire.say(5, new Uint8Array(200))
    return undefined
  },
  'a bitfield with more pieces than there are': (wire, { pieces }) => {
    wire.say(5, new Uint8Array(Math.ceil(pieces / 8)).fill(255))
    return undefined
  },
  'a request behind the end': (wire, { pieces, pieceLength }) => {
    wire.say(6, pieces - 1, pieceLength - 1, 16_384)
    return undefined
  },
  'a request of nothing': (wire) => {
    wire.say(6, 0, 0, 0)
    return undefined
  },
  'a block of a piece that there is not': (wire) => {
    wire.say(7, 0xffff_ffff, 0, new Uint8Array(100))
    return undefined
  },
  'an extended handshake that is no bencoding': (wire) => {
    wire.say(20, [0], [0x64, 0x31, 0x3a, 0x6d, 0x64])
    return undefined
  },
  'an extended handshake that is a trap': (wire) => {
    const trap = Array.from('d1:md1:ad8:toStringi1eeee', (char) => char.charCodeAt(0))
    wire.say(20, [0], trap)
    return undefined
  },
  'an intent of three bytes': (wire) => {
    wire.extension('slipstream_intent', [1, 2, 3])
    return undefined
  },
  'an intent for pieces that there are not': (wire) => {
    wire.extension('slipstream_intent', 1, 0, 5, 30, 4_000, 0, 0)
    return undefined
  },
  'text instead of bytes': (wire) => {
    wire.raw('hello')
    return undefined
  },
}

test('who talks nonsense is shown out, and the page is none the worse for it', async ({
  browser,
}) => {
  const viewer = await arrive(browser)
  await viewer.untilPhase('swarm')
  const cases = Object.entries(NONSENSE)
  for (let i = 0; i < cases.length; i += 5) {
    await Promise.all(
      cases.slice(i, i + 5).map(([what, script]) =>
        test.step(what, async () => {
          const rogue = await den.start({ script })
          await untilMet(rogue)
          await untilShownOut(rogue)
          await rogue.leave()
        }),
      ),
    )
  }
  await watchOn(viewer)
  await viewer.leave()
})

test('who tells its peers another name than the tracker is not let in', async ({ browser }) => {
  const viewer = await arrive(browser)
  await viewer.untilPhase('swarm')
  const rogue = await den.start({
    script: (wire) => {
      wire.claim(true)
      wire.say(1)
      return undefined
    },
    handshakeId: '2d5757303232302d'.padEnd(40, 'a'),
  })
  await expect.poll(async () => (await rogue.seen()).heard, { timeout: 15_000 }).toBeDefined()
  await untilShownOut(rogue)
  expect((await viewer.stats()).peers).toBe(0)
  await rogue.leave()
  await viewer.leave()
})

test('who takes back that it knows an extension is told nothing more by it', async ({
  browser,
}) => {
  const rogue = await den.start({
    script: (wire) => {
      wire.claim(false)
      const without = 'd1:md17:slipstream_intenti0e11:lt_donthavei0eee'
      setTimeout(
        () =>
          wire.say(
            20,
            [0],
            Array.from(without, (char) => char.charCodeAt(0)),
          ),
        500,
      )
      return undefined
    },
  })
  const viewer = await arrive(browser)
  await untilMet(rogue)
  await watchOn(viewer)
  expect((await rogue.seen()).open).toBe(1) // that is its right
  expect(await shownPeers(viewer.page)).toBe(1)
  await rogue.leave()
  await viewer.leave()
})

const shownPeers = async (page: Page) => (await statsOf(page)).peers
