import { expect, test } from 'vitest'
import { isBelow, lastSegmentOf, parseSourceUrl } from './source-url.ts'

const FILMS = 'https://cdn.example.org/films/'

test.each([
  ['https://CDN.Example.org:443/films/a.mp4', 'https://cdn.example.org/films/a.mp4'],
  ['http://cdn.example.org:80/a.mp4#t=10', 'http://cdn.example.org/a.mp4'],
  ['https://cdn.example.org/%66ilms/%7ea%2D.mp4', 'https://cdn.example.org/films/~a-.mp4'],
  ['https://cdn.example.org/f/%c3%a4 b.mp4', 'https://cdn.example.org/f/%C3%A4%20b.mp4'],
  ['https://cdn.example.org/a.mp4?k=%2f%41', 'https://cdn.example.org/a.mp4?k=%2f%41'],
  ['  https://cdn.example.org/a.mp4 ', 'https://cdn.example.org/a.mp4'],
  ['http://0x7f.1/a.mp4', 'http://127.0.0.1/a.mp4'],
])('%s has the normal form %s', (text, expected) => {
  expect(parseSourceUrl(text).href).toBe(expected)
  expect(parseSourceUrl(expected).href).toBe(expected)
})

test.each([
  [undefined, 'bad_request'],
  [['https://cdn.example.org/a.mp4'], 'bad_request'],
  ['', 'bad_request'],
  ['/films/a.mp4', 'bad_request'],
  ['https://', 'bad_request'],
  ['https://user@cdn.example.org/a.mp4', 'bad_request'],
  ['https://user:secret@cdn.example.org/a.mp4', 'bad_request'],
  ['https://:secret@cdn.example.org/a.mp4', 'bad_request'],
  ['https://cdn.example.org/films\\..\\secret.mp4', 'bad_request'],
  ['https://cdn.example.org/films/..%2fsecret.mp4', 'bad_request'],
  ['https://cdn.example.org/films/..%5Csecret.mp4', 'bad_request'],
  ['https://cdn.example.org/films/%252e%252e%252fsecret.mp4', 'bad_request'],
  ['https://cdn.example.org/films/%252e%252e/secret.mp4', 'bad_request'],
  ['https://cdn.example.org/films/%25252fsecret.mp4', 'bad_request'],
  ['https://cdn.example.org/films/..%%32fsecret.mp4', 'bad_request'],
  ['https://cdn.example.org/films/..%2%66secret.mp4', 'bad_request'],
  ['https://cdn.example.org/films/a.mp4%%30%30.txt', 'bad_request'],
  ['https://cdn.example.org/films/.%%32e;/secret.mp4', 'bad_request'],
  ['https://cdn.example.org/films/..%c0%afsecret.mp4', 'bad_request'],
  ['https://cdn.example.org/films/..%e0%80%afsecret.mp4', 'bad_request'],
  ['https://cdn.example.org/films/..%u002fsecret.mp4', 'bad_request'],
  ['https://cdn.example.org/films/..;/secret.mp4', 'bad_request'],
  ['https://cdn.example.org/films/%2e%2e;x/secret.mp4', 'bad_request'],
  ['https://cdn.example.org/films/a.mp4%00.txt', 'bad_request'],
  ['https://cdn.example.org/films/.\t./secret.mp4', 'bad_request'],
  ['file:///etc/passwd', 'source_not_allowed'],
  ['ftp://cdn.example.org/a.mp4', 'source_not_allowed'],
  ['data:video/mp4,x', 'source_not_allowed'],
  ['blob:https://cdn.example.org/a', 'source_not_allowed'],
  ['javascript:alert(1)', 'source_not_allowed'],
  ['gopher://cdn.example.org/', 'source_not_allowed'],
])('%j is refused', (text, code) => {
  expect(() => parseSourceUrl(text)).toThrow(expect.objectContaining({ code }))
})

test('a URL of more than 2,000 characters is refused, as sent or with its letters encoded', () => {
  const refusal = expect.objectContaining({ code: 'bad_request' })
  for (const name of ['a'.repeat(2_000), 'ä'.repeat(500)]) {
    expect(() => parseSourceUrl(`https://cdn.example.org/${name}`)).toThrow(refusal)
  }
})

test.each([
  ['https://cdn.example.org/films/a.mp4', true],
  ['https://cdn.example.org/films/2024/a.mp4?token=x', true],
  ['https://cdn.example.org/films/x/../a.mp4', true],
  ['https://cdn.example.org/%66ilms/a.mp4', true],
  ['https://cdn.example.org/films/../secret.mp4', false],
  ['https://cdn.example.org/films/%2e%2e/secret.mp4', false],
  ['https://cdn.example.org/films/.%2E/secret.mp4', false],
  ['https://cdn.example.org/films', false],
  ['https://cdn.example.org/films-secret/a.mp4', false],
  ['https://cdn.example.org/FILMS/a.mp4', false],
  ['http://cdn.example.org/films/a.mp4', false],
  ['https://cdn.example.org:8443/films/a.mp4', false],
  ['https://cdn.example.org./films/a.mp4', false],
  ['https://cdn.example.org.evil.example/films/a.mp4', false],
  ['https://evil.example/https://cdn.example.org/films/a.mp4', false],
])('%s below the origin: %s', (text, expected) => {
  expect(isBelow(parseSourceUrl(text), FILMS)).toBe(expected)
})

test('the last segment is decoded where it can be', () => {
  expect(lastSegmentOf(new URL('https://a/x/%C3%A4%20b.mp4?c'))).toBe('ä b.mp4')
  expect(lastSegmentOf(new URL('https://a/x/100%.mp4'))).toBe('100%.mp4')
  expect(lastSegmentOf(new URL('https://a/x/'))).toBe('')
})
