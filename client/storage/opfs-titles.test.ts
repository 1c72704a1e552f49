import { expect, test } from 'vitest'
import { fairShare } from './opfs-titles.ts'

test.each([
  ['a fifth of the quota on an empty disk', { quota: 1000, usage: 0, stored: 0, own: 0 }, 200],
  ['half of what is left', { quota: 1000, usage: 900, stored: 0, own: 0 }, 50],
  ['what it has and half of what is left', { quota: 1000, usage: 900, stored: 60, own: 60 }, 110],
  ['no more than other titles leave', { quota: 1000, usage: 150, stored: 150, own: 30 }, 80],
  ['nothing when the others have it all', { quota: 1000, usage: 300, stored: 300, own: 0 }, 0],
  ['nothing on a full disk', { quota: 1000, usage: 1200, stored: 0, own: 0 }, 0],
  ['nothing where the browser names no quota', { quota: 0, usage: 0, stored: 0, own: 0 }, 0],
])('a title may have %s', (_what, share, bytes) => {
  expect(fairShare(share)).toBe(bytes)
})
