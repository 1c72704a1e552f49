import { expect, test } from 'vitest'
import { namedType } from './source-type.ts'

test.each([
  ['video/mp4', 'whatever', 'video/mp4', 'mp4'],
  ['video/x-m4v', 'film.m4v', 'video/mp4', 'mp4'],
  ['audio/x-m4a', 'song', 'audio/mp4', 'm4a'],
  ['audio/mp3', 'song', 'audio/mpeg', 'mp3'],
  ['application/octet-stream', 'film.MKV', 'video/x-matroska', 'mkv'],
  ['binary/octet-stream', 'song.opus', 'audio/ogg', 'ogg'],
  ['application/ogg', 'film.ogv', 'video/ogg', 'ogv'],
  [null, 'film.webm ', 'video/webm', 'webm'],
  [null, 'song.ogg', 'audio/ogg', 'ogg'],
])('%s of %s is %s', (type, filename, expected, extension) => {
  const named = namedType(type, filename)
  expect(named?.type).toBe(expected)
  expect(named?.extensions[0]).toBe(extension)
})

test.each([
  ['text/html', 'film.mp4'],
  ['text/plain', 'film.mp4'],
  ['image/jpeg', 'film.mp4'],
  ['video/mp2t', 'film.ts'],
  ['audio/mpegurl', 'list.m3u8'],
  ['application/vnd.apple.mpegurl', 'list.m3u8'],
  ['application/json', 'film.mp4'],
  ['application/octet-stream', 'setup.exe'],
  ['application/octet-stream', 'mp4'],
  [null, ''],
  ['', 'film.mp4'],
])('%s of %j is no media that browsers play', (type, filename) => {
  expect(namedType(type, filename)).toBeNull()
})
