import { expect, test } from 'vitest'
import { httpSenders } from './http-senders.ts'

test('what came over HTTP is summed up by web server, and the own one has no name', () => {
  const bytesFrom = new Map([
    ['https://cdn.example:8443/a/film.mp4', 700],
    ['https://media.example/media/x/film.mp4', 20],
    ['https://cdn.example:8443/b/film.mp4', 300],
  ])
  expect(httpSenders(bytesFrom, 'https://media.example')).toEqual([
    { host: 'cdn.example:8443', bytes: 1000 },
    { host: null, bytes: 20 },
  ])
})

test('what a browser fetches by itself is not known', () => {
  const bytesFrom = new Map([['https://cdn.example/film.mp4', null]])
  expect(httpSenders(bytesFrom, 'https://media.example')).toEqual([
    { host: 'cdn.example', bytes: null },
  ])
})
