import { expect, test } from 'vitest'
import { readMirrors, readSites, sitesEntry } from './site-lists.ts'

test('what was read is what is entered again', () => {
  for (const sites of [null, [], ['https://a.example', 'http://b.example:8080']]) {
    expect(readSites(sitesEntry(sites))).toEqual({ value: sites })
  }
})

test('sites are trimmed, brought into one form and named once', () => {
  const lines = ' https://WWW.example.org/ \n\n https://www.example.org\r\nhttp://localhost:8080'
  expect(readSites({ all: false, lines })).toEqual({
    value: ['https://www.example.org', 'http://localhost:8080'],
  })
})

test('who may embed is every site, whatever stands in the lines', () => {
  expect(readSites({ all: true, lines: 'nonsense' })).toEqual({ value: null })
})

test.each([
  'example.org',
  'https://a.example/path',
  'ftp://a.example',
  'https://a.example https://b.example',
])('"%s" is said to be no site', (site) => {
  const read = readSites({ all: false, lines: `https://right.example\n${site}` })
  expect(read).toEqual({ fault: expect.stringContaining(`“${site}” is no site`) })
})

test('a hundred sites are enough', () => {
  const lines = Array.from({ length: 101 }, (_, i) => `https://s${i}.example`).join('\n')
  expect(readSites({ all: false, lines })).toEqual({ fault: expect.stringContaining('too many') })
})

test('mirrors are complete addresses, one a line', () => {
  const lines = 'https://a.example/film.mp4\n\n  http://b.example/film.mp4?x=1 '
  expect(readMirrors(lines)).toEqual({
    value: ['https://a.example/film.mp4', 'http://b.example/film.mp4?x=1'],
  })
  expect(readMirrors('')).toEqual({ value: [] })
  for (const wrong of ['film.mp4', 'file:///film.mp4', 'a.example/film.mp4']) {
    expect(readMirrors(wrong)).toEqual({ fault: expect.stringContaining(`“${wrong}”`) })
  }
  const nine = Array.from({ length: 9 }, (_, i) => `https://m${i}.example/film.mp4`).join('\n')
  expect(readMirrors(nine)).toEqual({ fault: expect.stringContaining('at most 8') })
})
