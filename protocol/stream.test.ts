import { expect, test } from 'vitest'
import { parseMediaId } from './ids.ts'
import { parseStreamPath, streamPath, streamSession, webSeedPath } from './stream.ts'

const mediaId = parseMediaId('0123456789abcdef') ?? expect.unreachable()

test.each(['clip.mp4', 'a b?c#d.mp4', '100 %.mp4', '🎬 فيلم.webm', `it's "so".mp4`])(
  'a stream path leads back to the file name %j',
  (filename) => {
    const session = streamSession(3, 'a1-b2')
    const target = { session, mediaId, revision: 3, filename }
    expect(parseStreamPath(streamPath(mediaId, session, filename))).toEqual(target)
    expect(webSeedPath(mediaId, 3, filename)).toMatch(/^\/media\/[^/?#]+\/[^/?#]+\?revision=3$/)
  },
)

test.each([
  '/media/0123456789abcdef/stream/1.x',
  '/media/0123456789abcdef/stream/1.x/',
  '/media/0123456789abcdef/stream/0.x/clip.mp4',
  '/media/0123456789abcdef/stream/x/clip.mp4',
  '/media/NOTANID/stream/1.x/clip.mp4',
  '/media/0123456789abcdef/stream/1.x/a/b.mp4',
  '/media/0123456789abcdef/stream/1.x/%E0%A4%A.mp4',
  '/media/0123456789abcdef/clip.mp4',
  '/',
])('%j is no stream path', (path) => {
  expect(parseStreamPath(path)).toBeNull()
})
