import { expect, test } from 'vitest'
import { Uplink } from './uplink.ts'

const FILM = 100_000

/** Uploads for ten seconds, so many bytes in each; looked at four times a second. */
function uploading(bytesPerSecond: number, waits: boolean): Uplink {
  const uplink = new Uplink()
  for (let ms = 0; ms <= 10_000; ms += 250) uplink.look((bytesPerSecond * ms) / 1000, waits, ms)
  return uplink
}

test('whoever has not shown how fast it is leads', () => {
  expect(new Uplink().leads(FILM, null, 0)).toBe(true)
  expect(uploading(50_000, false).leads(FILM, null, 10_000)).toBe(true) // nothing had to wait
})

test('whoever cannot feed others while bytes wait does not lead', () => {
  expect(uploading(90_000, true).leads(FILM, null, 10_000)).toBe(false)
  expect(uploading(110_000, true).leads(FILM, null, 10_000)).toBe(true)
  expect(uploading(110_000, true).leads(2 * FILM, null, 10_000)).toBe(false)
})

test('whoever did not lead must be clearly faster to lead again', () => {
  const uplink = uploading(90_000, true)
  expect(uplink.leads(FILM, null, 10_000)).toBe(false)
  expect(uplink.leads(80_000, null, 10_000)).toBe(false)
  expect(uplink.leads(70_000, null, 10_000)).toBe(true)
  expect(uplink.leads(80_000, null, 10_000)).toBe(true)
})

test('nor does whoever is not allowed to', () => {
  expect(new Uplink().leads(FILM, 90_000, 0)).toBe(false)
  expect(uploading(110_000, true).leads(FILM, 1_000_000, 10_000)).toBe(true)
  expect(uploading(110_000, true).leads(FILM, 90_000, 10_000)).toBe(false)
})

test('what is sent while nothing waits does not count, nor does that time', () => {
  const uplink = uploading(90_000, true)
  uplink.look(922_500, false, 10_250)
  uplink.look(50_000_000, false, 60_000)
  uplink.look(50_000_000, true, 60_250)
  uplink.look(50_022_500, true, 60_500)
  expect(uplink.leads(FILM, null, 60_500)).toBe(false)
})
