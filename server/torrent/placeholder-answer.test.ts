import { expect, test } from 'vitest'
import { takesGzip } from './placeholder-answer.ts'

test.each([
  [undefined, false],
  ['', false],
  ['br', false],
  ['gzip', true],
  ['GZip', true],
  ['x-gzip', true],
  ['br, gzip;q=0.5', true],
  ['br;q=1.0, gzip; q=0.001', true],
  ['*', true],
  ['*;q=0', false],
  ['gzip;q=0', false],
  ['gzip;q=0.000', false],
  ['gzip;q=0, *', false],
  ['*, gzip;q=0', false],
  ['*;q=0, gzip', true],
  ['gzip;q=nonsense', false],
])('Accept-Encoding %j takes gzip: %j', (header, expected) => {
  expect(takesGzip(header)).toBe(expected)
})
