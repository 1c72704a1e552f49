import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Database, openDatabase } from '../database/database.ts'
import { createSourcePolicy } from './source-policy.ts'
import { parseSourceUrl } from './source-url.ts'

let database: Database
beforeEach(async () => {
  database = await openDatabase(':memory:')
})
afterEach(() => database.destroy())

const policyFor = (origins: readonly string[] = [], allowPrivate = false) =>
  createSourcePolicy({ database, sources: { origins, keep: 'cache', allowPrivate }, now: () => 1 })
const withCode = (code: string) => expect.objectContaining({ code })
const OPERATORS = 'https://cdn.example.org/films/'

test('what is allowed is what the operator names and what an administrator adds, until it is removed', async () => {
  const policy = policyFor([OPERATORS])
  const film = parseSourceUrl('https://static.example.org/a.mp4')
  await expect(policy.assertAllowed(film)).rejects.toThrow(withCode('source_not_allowed'))
  const added = await policy.add('https://static.example.org', 'always')
  expect(added).toMatchObject({ url: 'https://static.example.org/', keep: 'always', fixed: false })
  expect(await policy.assertAllowed(film)).toEqual(added)
  expect(await policy.list()).toEqual([
    { id: expect.any(String), url: OPERATORS, keep: 'cache', fixed: true },
    added,
  ])
  expect(await policy.setKeep(added.id, 'never')).toEqual({ ...added, keep: 'never' })
  await policy.remove(added.id)
  await expect(policy.assertAllowed(film)).rejects.toThrow(withCode('source_not_allowed'))
  await expect(policy.remove(added.id)).rejects.toThrow(withCode('not_found'))
})

test('of several origins that a URL lies below the longest counts', async () => {
  const policy = policyFor(['https://cdn.example.org/'])
  const films = await policy.add(OPERATORS, 'always')
  const film = parseSourceUrl('https://cdn.example.org/films/a.mp4')
  expect(await policy.assertAllowed(film)).toEqual(films)
  expect(await policy.keepOf(film.href)).toBe('always')
  expect(await policy.keepOf('https://cdn.example.org/other/a.mp4')).toBe('cache')
  expect(await policy.keepOf('https://elsewhere.example/a.mp4')).toBe('never')
})

test('an origin is compared in its normal form', async () => {
  const policy = policyFor(['https://CDN.example.org:443/%66ilms/', OPERATORS])
  expect(await policy.list()).toHaveLength(1)
  await expect(policy.add('https://cdn.example.org/films', 'never')).rejects.toThrow(
    withCode('conflict'),
  )
  const added = await policy.add('https://cdn.example.org/clips', 'never')
  expect(added.url).toBe('https://cdn.example.org/clips/')
  await expect(policy.add(added.url, 'always')).rejects.toThrow(withCode('conflict'))
})

test('what the operator set is not changed here', async () => {
  const policy = policyFor([OPERATORS])
  const [{ id } = { id: '' }] = await policy.list()
  await expect(policy.remove(id)).rejects.toThrow(/SOURCE_ORIGINS/)
  await expect(policy.setKeep(id, 'never')).rejects.toThrow(withCode('conflict'))
})

test.each([
  ['', 'bad_request'],
  ['cdn.example.org', 'bad_request'],
  ['file:///films/', 'bad_request'],
  ['ftp://cdn.example.org/', 'bad_request'],
  ['https://user:secret@cdn.example.org/', 'bad_request'],
  ['https://cdn.example.org/?a=b', 'bad_request'],
  ['https://*.example.org/', 'bad_request'],
  ['https://cdn.example.org/..%2ffilms/', 'bad_request'],
  [`https://cdn.example.org/${'a'.repeat(2_000)}`, 'bad_request'],
  ['http://127.0.0.1:8000/', 'source_not_allowed'],
  ['http://2130706433/', 'source_not_allowed'],
  ['http://10.1.2.3/', 'source_not_allowed'],
  ['http://169.254.169.254/', 'source_not_allowed'],
  ['http://[::1]/', 'source_not_allowed'],
  ['http://[::ffff:10.0.0.1]/', 'source_not_allowed'],
  ['http://localhost:8000/', 'source_not_allowed'],
])('the origin %s is refused', async (url, code) => {
  await expect(policyFor().add(url, 'never')).rejects.toThrow(withCode(code))
})

test('an intranet may be used where the operator says so, link-local addresses never', async () => {
  const policy = policyFor([], true)
  for (const url of [
    'http://127.0.0.1:8000/',
    'http://10.1.2.3/',
    'http://[fd00::1]/',
    'http://localhost/',
  ]) {
    expect(await policy.add(url, 'never')).toMatchObject({ url })
    expect(await policy.assertAllowed(new URL(`${url}a.mp4`))).toMatchObject({ url })
  }
  await expect(policy.add('http://169.254.169.254/', 'never')).rejects.toThrow(
    withCode('source_not_allowed'),
  )
})

test('a private address that was allowed once is not, when the operator says so no more', async () => {
  await policyFor([], true).add('http://127.0.0.1:8000/', 'never')
  const film = parseSourceUrl('http://127.0.0.1:8000/a.mp4')
  await expect(policyFor().assertAllowed(film)).rejects.toThrow(withCode('source_not_allowed'))
})

test('an origin of the operator that can be read in two ways stops the start', () => {
  expect(() => policyFor(['https://cdn.example.org/..%2ffilms/'])).toThrow(/SOURCE_ORIGINS/)
})
