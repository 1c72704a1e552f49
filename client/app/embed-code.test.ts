import { expect, test } from 'vitest'
import type { MediaRecord } from '#protocol/media.ts'
import { plainFrameCode, playerCode } from './embed-code.ts'

const ADDRESSES = {
  script: 'https://media.example/embed.js',
  page: 'https://media.example/embed/0123456789abcdef',
}
const film = {
  id: '0123456789abcdef',
  title: 'Fish & "chips" <3',
  type: 'video/mp4',
  width: 1280,
  height: 544,
  webSeeds: ['https://media.example/media/0123456789abcdef/film.mp4?revision=3'],
  source: null,
} as MediaRecord

test('the tag has a plain video in it, whose address outlives the revision', () => {
  expect(playerCode(film, ADDRESSES)).toBe(
    `<script async type="module" src="https://media.example/embed.js"></script>
<slipstream-player media="0123456789abcdef">
  <video controls preload="metadata" src="https://media.example/media/0123456789abcdef/film.mp4"></video>
</slipstream-player>`,
  )
})

test('of a title that lies elsewhere the plain video plays the source', () => {
  const url = 'https://cdn.example/film.mp4?a=1&b="2"'
  const source = { url, mirrors: [], kept: false, warning: null }
  expect(playerCode({ ...film, source }, ADDRESSES)).toContain(
    'src="https://cdn.example/film.mp4?a=1&#38;b=&#34;2&#34;"',
  )
})

test('the frame has the shape of the film, and no words end its attributes', () => {
  expect(plainFrameCode(film, ADDRESSES)).toBe(
    '<iframe src="https://media.example/embed/0123456789abcdef" ' +
      'title="Fish &#38; &#34;chips&#34; &#60;3" width="640" height="272" style="border:0" ' +
      'allow="autoplay; fullscreen; picture-in-picture; encrypted-media" loading="lazy"></iframe>',
  )
  expect(plainFrameCode({ ...film, width: null }, ADDRESSES)).toContain('height="360"')
})

test('sound is sound', () => {
  const song = { ...film, type: 'audio/mpeg', width: null, height: null }
  expect(playerCode(song, ADDRESSES)).toContain('<audio controls')
  expect(plainFrameCode(song, ADDRESSES)).toContain('height="200"')
})
