import { expect, test } from 'vitest'
import { basePathOf, isBasePath, ownPathOf, withoutBase, withSlash } from './base-path.ts'

test.each([
  ['/video/api/media?q=/video', '/api/media?q=/video'],
  ['/api/media', '/api/media'],
  ['/video', '/'],
  ['/video/', '/'],
  ['/video?autoplay', '/?autoplay'],
  ['/videos/watch/x', '/videos/watch/x'],
  ['/video/video/x', '/video/x'],
])('below /video, %s is %s', (target, path) => {
  expect(withoutBase('/video', target)).toBe(path)
})

test('the base path itself is asked for with a slash', () => {
  expect(withSlash('/video', '/video')).toBe('/video/')
  expect(withSlash('/video', '/video?a=b')).toBe('/video/?a=b')
  for (const path of ['/video/', '/videos', '/', '/video/video']) {
    expect(withSlash('/video', path)).toBeNull()
  }
  expect(withSlash('', '')).toBeNull()
})

test('without a base path nothing is taken away', () => {
  expect(basePathOf(null)).toBe('')
  expect(basePathOf('https://media.example.org')).toBe('')
  expect(withoutBase('', '//media/x')).toBe('//media/x')
})

test('an address of this server is told from one beside it', () => {
  const own = (url: string) => ownPathOf('https://example.org/a/video', new URL(url))
  expect(own('https://example.org/a/video/watch/x?t=1')).toBe('/watch/x')
  expect(own('https://example.org/a/video')).toBe('/')
  expect(own('https://example.org/watch/x')).toBeNull()
  expect(own('https://example.org/a/videos/watch/x')).toBeNull()
  expect(own('http://example.org/a/video/watch/x')).toBeNull()
  expect(ownPathOf('https://example.org', new URL('https://example.org/watch/x'))).toBe('/watch/x')
})

test('a base path is plain text that is none of the paths below it', () => {
  for (const path of ['', '/video', '/my-site/v1.0/~video', '/films/media', '/mediathek']) {
    expect(isBasePath(path)).toBe(true)
  }
  for (const path of ['/media', '/api/video', '/a%20b', '//video', '/ü', '/a;b', '/"']) {
    expect(isBasePath(path)).toBe(false)
  }
  for (const path of ['/embed.js', '/embed.d.ts', '/service-worker.js', '/robots.txt/video']) {
    expect(isBasePath(path)).toBe(false)
  }
  expect(isBasePath('/embed.js.org')).toBe(true)
})
