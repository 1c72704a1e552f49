import { describe, expect, it } from 'vitest'
import { pageOf } from './pages.ts'

describe('pageOf', () => {
  it.each([
    ['/', 'catalogue'],
    ['/admin', 'admin'],
    ['/admin/', 'admin'],
    ['/watch/0123456789abcdef', 'watch'],
    ['/watch/0123456789abcdef/', 'watch'],
    ['/embed/x', 'embed'],
    ['/embed', 'embed'],
    ['/embed/', 'embed'],
    ['/watch', 'unknown'],
    ['/watch/', 'unknown'],
    ['/watch/a/b', 'unknown'],
    ['/admin/users', 'unknown'],
    ['/elsewhere', 'unknown'],
  ])('shows for %s the page %s', (pathname, page) => {
    expect(pageOf(pathname)).toBe(page)
  })
})
