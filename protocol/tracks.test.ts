import * as v from 'valibot'
import { expect, test } from 'vitest'
import { faultOfWebVtt, trackFactsSchema } from './tracks.ts'

const CUE = '00:01.000 --> 00:04.000\nHello\n'

test('files as editors write them are taken', () => {
  expect(faultOfWebVtt(`WEBVTT\n\n${CUE}`)).toBeNull()
  expect(
    faultOfWebVtt(`\uFEFFWEBVTT - a film\r\n\r\n1\r\n01:00:01.000 --> 01:00:04.000 line:0\r\nHi`),
  ).toBeNull()
  expect(faultOfWebVtt(`WEBVTT\rNOTE x\r\r${CUE}`)).toBeNull()
})

test('what is not WebVTT is told from it', () => {
  expect(faultOfWebVtt('')).toContain('WEBVTT')
  expect(faultOfWebVtt(`1\n00:00:01,000 --> 00:00:04,000\nSubRip\n`)).toContain('WEBVTT')
  expect(faultOfWebVtt(`WEBVTTX\n\n${CUE}`)).toContain('WEBVTT')
  expect(faultOfWebVtt('WEBVTT\n\nonly words')).toContain('time')
  expect(faultOfWebVtt('WEBVTT\n\n00:00:01,000 --> 00:00:04,000\nSubRip times')).toContain('time')
  expect(faultOfWebVtt(`WEBVTT\n\0\n${CUE}`)).toContain('characters')
})

test('languages are codes, and labels are a line', () => {
  const isFine = (language: unknown, label: unknown = 'English') =>
    v.safeParse(trackFactsSchema, { language, label }).success
  for (const language of ['en', 'pt-BR', 'zh-Hant-TW']) expect(isFine(language)).toBe(true)
  for (const language of ['', 'English', 'e', '<b>', 'en_US', ['en'], undefined]) {
    expect(isFine(language)).toBe(false)
  }
  for (const label of ['', '  ', 'a\nb', 'x'.repeat(61), 5]) expect(isFine('en', label)).toBe(false)
})
