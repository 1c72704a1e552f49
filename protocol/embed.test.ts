import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { embedCommandSchema, frameCode } from './embed.ts'

describe('commands of the page around the frame', () => {
  const parses = (command: unknown) => v.safeParse(embedCommandSchema, command).success

  it('set what a <video> has, within what it takes', () => {
    expect(parses({ type: 'set', id: 1, settings: { currentTime: 3, volume: 0.5 } })).toBe(true)
    expect(parses({ type: 'play', id: 2 })).toBe(true)
  })

  it.each([
    null,
    'play',
    {},
    { type: 'play' },
    { type: 'play', id: 0 },
    { type: 'eval', id: 1, code: '' },
    { type: 'set', id: 1 },
    { type: 'set', id: 1, settings: { volume: 2 } },
    { type: 'set', id: 1, settings: { currentTime: Number.NaN } },
    { type: 'set', id: 1, settings: { currentTime: Number.POSITIVE_INFINITY } },
    { type: 'set', id: 1, settings: { playbackRate: 0 } },
    { type: 'set', id: 1, settings: { muted: 'yes' } },
  ])('are ignored when they are malformed: %j', (command) => {
    expect(parses(command)).toBe(false)
  })
})

it('the code of a frame carries any title and address', () => {
  const code = frameCode({
    url: 'https://a.example/embed?url=b&t=1',
    title: '"><script>alert(1)</script>',
    width: 640,
    height: 360,
  })
  expect(code).not.toContain('<script')
  expect(code).toContain('src="https://a.example/embed?url=b&#38;t=1"')
  expect(code).toContain('title="&#34;&#62;&#60;script&#62;')
})
