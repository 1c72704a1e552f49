import { describe, expect, it } from 'vitest'
import { decideSharing, NO_CHOICE, type SharingSituation, type ViewerChoice } from './sharing.ts'

const decide = (
  choice: Partial<ViewerChoice> = {},
  situation: Partial<Omit<SharingSituation, 'choice'>> = {},
) =>
  decideSharing({
    operatorDefault: 'ask',
    publisher: { enabled: true },
    metering: null,
    uploadedBytes: 0,
    ...situation,
    choice: { ...NO_CHOICE, ...choice },
  })

describe('decideSharing', () => {
  it.each([
    // operator, viewer, publisher → peers, or why not
    ['ask', null, true, 'unanswered'],
    ['ask', true, true, true],
    ['ask', false, true, 'viewer'],
    ['on', null, true, true],
    ['on', false, true, 'viewer'],
    ['off', null, true, 'operator'],
    ['off', true, true, true],
    ['ask', null, false, 'publisher'],
    ['on', true, false, 'publisher'],
    ['off', false, false, 'publisher'],
  ] as const)(
    'with operator %s, viewer %s and publisher %s peers are: %s',
    (operatorDefault, share, enabled, expected) => {
      const decision = decide({ share }, { operatorDefault, publisher: { enabled } })
      expect(decision.peers ? true : decision.because).toBe(expected)
    },
  )

  it.each(['cellular', 'save-data'] as const)(
    'uploads nothing with %s, and still downloads from peers',
    (metering) => {
      expect(decide({ share: true, uploadRate: 9, sessionBytes: 9 }, { metering })).toEqual({
        peers: true,
        upload: { bytesPerSecond: null, bytesLeft: 0 },
        withheld: metering,
      })
    },
  )

  it('uploads without limit unless the viewer set one', () => {
    expect(decide({ share: true }, { uploadedBytes: 1e12 })).toEqual({
      peers: true,
      upload: { bytesPerSecond: null, bytesLeft: null },
      withheld: null,
    })
    expect(decide({ share: true, uploadRate: 125_000 })).toMatchObject({
      upload: { bytesPerSecond: 125_000, bytesLeft: null },
    })
  })

  it('leaves of a session what was not uploaded yet, and nothing once it is used up', () => {
    const left = (uploadedBytes: number) =>
      decide({ share: true, sessionBytes: 1000, uploadRate: 5 }, { uploadedBytes })
    expect(left(400)).toMatchObject({ upload: { bytesPerSecond: 5, bytesLeft: 600 } })
    for (const uploaded of [1000, 5000]) {
      expect(left(uploaded)).toMatchObject({ upload: { bytesLeft: 0 }, withheld: 'viewer' })
    }
  })

  it('takes a rate or a session of 0 as: nothing', () => {
    for (const none of [{ uploadRate: 0 }, { sessionBytes: 0 }]) {
      expect(decide({ share: true, ...none })).toMatchObject({
        peers: true,
        upload: { bytesPerSecond: null, bytesLeft: 0 },
        withheld: 'viewer',
      })
    }
  })
})
