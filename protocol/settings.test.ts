import * as v from 'valibot'
import { expect, test } from 'vitest'
import { embedSitesSchema } from './settings.ts'

const parsed = (...sites: string[]) => v.safeParse(embedSitesSchema, sites)

test('sites are kept as browsers spell their origins, in any alphabet', () => {
  expect(
    parsed(
      ' HTTPS://WWW.Example.org/ ',
      'https://Bücher.example:8443',
      'https://пример.example',
      'https://www.example.org:443',
      'http://[::1]:3000',
    ).output,
  ).toEqual([
    'https://www.example.org',
    'https://xn--bcher-kva.example:8443',
    'https://xn--e1afmkfd.example',
    'http://[::1]:3000',
  ])
})

test.each([
  'example.org',
  'ftp://example.org',
  'https://example.org/page',
  'https://user@example.org',
  'https://*.example.org',
  'https://a.example; script-src *',
  'https://',
])('%j is no site', (site) => {
  expect(parsed(site).success).toBe(false)
})
