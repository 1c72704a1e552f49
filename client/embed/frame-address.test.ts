import { describe, expect, it } from 'vitest'
import { type FrameRequest, frameAddress } from './frame-address.ts'

const address = (request: Partial<FrameRequest>) =>
  frameAddress({
    server: 'https://media.example/',
    media: '',
    src: '',
    autoplay: false,
    muted: false,
    loop: false,
    controls: true,
    poster: '',
    ...request,
  })?.href ?? null

describe("the frame's address", () => {
  it('names a title by its id', () => {
    expect(address({ media: '0123456789abcdef' })).toBe(
      'https://media.example/embed/0123456789abcdef',
    )
  })

  it('names a file elsewhere by its URL', () => {
    const url = new URL(address({ src: 'https://cdn.example/a film.mp4?x=1&y=2#t' }) ?? '')
    expect(url.pathname).toBe('/embed')
    expect(url.searchParams.get('url')).toBe('https://cdn.example/a film.mp4?x=1&y=2#t')
  })

  it('stays below the path of the server, with or without a slash at its end', () => {
    for (const server of ['https://example.org/video', 'https://example.org/video/']) {
      expect(address({ server, media: 'a' })).toBe('https://example.org/video/embed/a')
    }
  })

  it('cannot leave the embed pages by an odd id', () => {
    expect(address({ media: '../admin?x' })).toBe('https://media.example/embed/..%2Fadmin%3Fx')
  })

  it('says how it is to be played', () => {
    const url = address({ media: 'a', autoplay: true, muted: true, loop: true, controls: false })
    expect(url).toBe('https://media.example/embed/a?autoplay=1&muted=1&loop=1&controls=0')
  })

  it.each(['', 'media.example', 'javascript:alert(1)//', 'file:///etc', 'data:text/html,x'])(
    'is none for the server "%s"',
    (server) => {
      expect(address({ server, media: 'a' })).toBeNull()
    },
  )
})
