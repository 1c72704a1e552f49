import { beforeEach, describe, expect, it } from 'vitest'
import type { SharingDecision, UploadLimit } from '../playback/sharing.ts'
import type { Swarm } from './swarm.ts'
import { type JoinRequest, SwarmMembership } from './swarm-membership.ts'

const ALL: UploadLimit = { bytesPerSecond: null, bytesLeft: null }
const NOTHING: UploadLimit = { bytesPerSecond: null, bytesLeft: 0 }
const on = (upload = ALL): SharingDecision => ({ peers: true, upload, withheld: null })
const OFF: SharingDecision = { peers: false, because: 'viewer' }
const METAINFO = new Uint8Array(1)

/** A join that a test completes; the swarm writes down what happens to it. */
interface Join extends JoinRequest {
  readonly log: (string | UploadLimit)[]
  done(): void
  refuse(): void
  closed(): void
}

let joins: Join[]
let outcomes: string[]
/** Times that it was told that no connections are wanted. */
let lefts: number
let membership: SwarmMembership

const start = (sharing: SharingDecision) => {
  joins = []
  outcomes = []
  lefts = 0
  membership = new SwarmMembership({
    sharing,
    join: (request) =>
      new Promise((resolve, reject) => {
        const log: Join['log'] = []
        let closed = () => {}
        const swarm: Partial<Swarm> = {
          totals: { received: 100, uploaded: 10, wasted: 1 },
          limitUpload: (limit) => log.push(limit),
          close: () => {
            log.push('closed')
            return new Promise((resolveClose) => {
              closed = resolveClose
            })
          },
        }
        joins.push({
          ...request,
          log,
          done: () => resolve(swarm as Swarm),
          refuse: () => reject(new Error('no')),
          closed: () => closed(),
        })
      }),
    onJoined: () => outcomes.push('joined'),
    onLeft: () => {
      lefts += 1
    },
    onFailed: () => outcomes.push('failed'),
  })
}
const turn = () => new Promise((resolve) => setTimeout(resolve))
const join = (number: number) => joins[number] as Join

beforeEach(() => start(on()))

describe('SwarmMembership', () => {
  it('joins when the torrent is there and peers are wanted, whichever comes last', async () => {
    membership.torrentFound(METAINFO)
    await turn()
    join(0).done()
    await turn()
    expect([outcomes, membership.swarm === null]).toEqual([['joined'], false])
    start({ peers: false, because: 'unanswered' })
    membership.torrentFound(METAINFO)
    await turn()
    expect(joins).toEqual([])
    membership.setSharing(on())
    await turn()
    expect(joins).toHaveLength(1)
  })

  it('leaves, joins again once that is closed, and keeps the totals', async () => {
    membership.torrentFound(METAINFO)
    await turn()
    join(0).done()
    await turn()
    membership.setSharing(OFF)
    expect(membership.swarm).toBeNull()
    expect(join(0).log.at(-1)).toBe('closed')
    expect(membership.totals).toEqual({ received: 100, uploaded: 10, wasted: 1 })
    membership.setSharing(on())
    await turn()
    expect(joins).toHaveLength(1)
    join(0).closed()
    await turn()
    join(1).done()
    await turn()
    expect(membership.totals).toEqual({ received: 200, uploaded: 20, wasted: 2 })
    expect(outcomes).toEqual(['joined', 'joined'])
  })

  it('tells when no connections to peers are wanted, joined or not', async () => {
    membership.setSharing(OFF)
    expect(lefts).toBe(1) // they may be under way before there is a torrent
    membership.setSharing(on())
    membership.torrentFound(METAINFO)
    await turn()
    join(0).done()
    await turn()
    expect(lefts).toBe(1)
    membership.fail()
    expect(lefts).toBe(2)
  })

  it('closes a swarm that is joined after the viewer said no', async () => {
    membership.torrentFound(METAINFO)
    await turn()
    membership.setSharing(OFF)
    expect(join(0).signal.aborted).toBe(true)
    join(0).done()
    await turn()
    expect([outcomes, join(0).log, membership.swarm]).toEqual([[], ['closed'], null])
  })

  it('joins once however often the viewer changes the mind before', async () => {
    membership.setSharing(OFF)
    membership.torrentFound(METAINFO)
    for (const sharing of [on(), OFF, on(), OFF, on()]) membership.setSharing(sharing)
    await turn()
    expect(joins).toHaveLength(1)
  })

  it('passes on what may be uploaded: with the join, if it changed meanwhile, and later', async () => {
    start(on(NOTHING))
    membership.torrentFound(METAINFO)
    await turn()
    expect(join(0).upload).toEqual(NOTHING)
    membership.setSharing(on(ALL))
    join(0).done()
    await turn()
    membership.setSharing(on(NOTHING))
    expect(join(0).log).toEqual([ALL, NOTHING])
  })

  it('does not come back to a swarm that failed or broke down', async () => {
    membership.torrentFound(METAINFO)
    await turn()
    join(0).refuse()
    await turn()
    membership.setSharing(OFF)
    membership.setSharing(on())
    await turn()
    expect([outcomes, joins.length]).toEqual([['failed'], 1])

    start(on())
    membership.torrentFound(METAINFO)
    await turn()
    join(0).done()
    await turn()
    join(0).onBroken()
    join(0).onBroken()
    expect([outcomes, membership.swarm]).toEqual([['joined', 'failed'], null])
  })

  it('takes a break-down of a swarm that was left for nothing', async () => {
    membership.torrentFound(METAINFO)
    await turn()
    join(0).done()
    await turn()
    membership.setSharing(OFF)
    join(0).onBroken()
    expect(outcomes).toEqual(['joined'])
  })

  it('leaves when it is closed, also in the middle of joining', async () => {
    membership.torrentFound(METAINFO)
    await turn()
    await membership.close()
    expect(join(0).signal.aborted).toBe(true)
    join(0).done()
    await turn()
    expect([outcomes, join(0).log]).toEqual([[], ['closed']])
  })
})
