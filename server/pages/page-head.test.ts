import { describe, expect, test } from 'vitest'
import type { MediaId } from '#protocol/ids.ts'
import { toRecord } from '../media/catalogue.ts'
import { exampleMedia } from '../media/media-fixture.ts'
import { watchHead, withoutScript } from './page-head.ts'

const BASE = 'https://media.example/video'

function record(facts: object = {}) {
  const media = {
    ...exampleMedia({ id: '0123456789abcdef' as MediaId }),
    p2p_enabled: 1,
    p2p_min_viewers: 1,
    embed_sites: null,
    duration_s: null,
    width: 1920,
    height: 800,
    info_hash: null,
    job_state: null,
    pieces_done: null,
    reason: null,
    tracks: [],
    source: null,
  }
  return { ...toRecord(media, BASE), ...facts }
}

describe('what a watch page says to readers that run no script', () => {
  test('names the player with its size, below the path of the server', () => {
    const head = watchHead(record(), BASE)
    expect(head).toContain('<meta property="og:video:width" content="1920" />')
    expect(head).toContain('<meta property="og:video:height" content="800" />')
    expect(head).toContain(
      `<meta name="twitter:player" content="${BASE}/embed/0123456789abcdef" />`,
    )
    const oembed = `${BASE}/oembed?format=json&#38;url=${encodeURIComponent(`${BASE}/watch/0123456789abcdef`)}`
    expect(head).toContain(`href="${oembed}"`)
  })

  test('cannot be broken out of by a title, a description or a source', () => {
    const evil = '"><script>alert(1)</script>'
    const media = record({
      title: evil,
      description: evil,
      webSeeds: [`https://a.example/${evil}`],
    })
    for (const html of [
      watchHead(media, BASE),
      withoutScript(media, 'watch'),
      withoutScript(media, 'embed'),
    ]) {
      expect(html).not.toContain('<script')
    }
  })

  test('has a <video> for films and an <audio> for sound', () => {
    expect(withoutScript(record(), 'embed')).toMatch(/^<video controls .*src="https:/)
    const unseen = { width: null, height: null } // a file elsewhere, before its bytes were looked at
    expect(withoutScript(record(unseen), 'watch')).toMatch(/^<video controls /)
    const song = { ...unseen, type: 'audio/mpeg' }
    expect(withoutScript(record(song), 'watch')).toMatch(/^<audio controls /)
  })
})
