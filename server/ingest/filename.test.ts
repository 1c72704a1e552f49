import { describe, expect, test } from 'vitest'
import { defaultTitle, safeFilename } from './filename.ts'

const webm = (raw: string | undefined) => safeFilename(raw, ['webm'])

describe('safe file name', () => {
  test.each([
    ['clip.webm', 'clip.webm'],
    ['Ünïcode 映画 – final cut.webm', 'Ünïcode 映画 – final cut.webm'],
    ['שלום עולם.webm', 'שלום עולם.webm'],
    ['family 👨‍👩‍👧 🏳️‍🌈.webm', 'family 👨‍👩‍👧 🏳️‍🌈.webm'],
    ['cafe\u0301.webm', 'caf\u00e9.webm'],
    ['it\'s "quoted".webm', "it's _quoted_.webm"],
    ['two\r\nlines\ttab.webm', 'two lines tab.webm'],
    ['nul\0byte.webm', 'nul byte.webm'],
    ['../../etc/passwd', 'passwd.webm'],
    ['C:\\videos\\a.webm', 'a.webm'],
    ['..', 'untitled.webm'],
    ['../', 'untitled.webm'],
    ['', 'untitled.webm'],
    [undefined, 'untitled.webm'],
    ['   ', 'untitled.webm'],
    ['.webm', 'untitled.webm'],
    ['.htaccess', 'htaccess.webm'],
    ['name. . .', 'name.webm'],
    ['name .webm', 'name.webm'],
    ['CON', '_CON.webm'],
    ['com1.tar.webm', '_com1.tar.webm'],
    ['consul.webm', 'consul.webm'],
    ['a<b>c:d|e?f*g.webm', 'a_b_c_d_e_f_g.webm'],
    ['evil\u202egpj.webm', 'evilgpj.webm'],
    ['\u2066\u200f\ufeffx\u2069.webm', 'x.webm'],
    ['bad\ud800half.webm', 'badhalf.webm'],
    ['\u200d\u200d.webm', 'untitled.webm'],
    ['line\u2028sep.webm', 'line sep.webm'],
    ['100% #1 & more?.webm', '100% #1 & more_.webm'],
  ])('%j becomes %j', (raw, expected) => {
    expect(webm(raw)).toBe(expected)
  })

  test('the extension follows the bytes', () => {
    expect(webm('clip.mp4')).toBe('clip.webm')
    expect(webm('clip.MP4')).toBe('clip.webm')
    expect(webm('clip.WebM')).toBe('clip.webm')
    expect(webm('page.html')).toBe('page.webm')
    expect(webm('clip')).toBe('clip.webm')
    expect(webm('Lecture 3.14')).toBe('Lecture 3.14.webm')
    expect(webm('archive.tar.gz')).toBe('archive.tar.webm')
    expect(safeFilename('song.m4a', ['mp4', 'm4v', 'm4a'])).toBe('song.m4a')
    expect(safeFilename('song.webm', ['mp4', 'm4v', 'm4a'])).toBe('song.mp4')
  })

  test('long names are cut between characters and keep their extension', () => {
    const latin = webm(`${'a'.repeat(300)}.webm`)
    expect(Buffer.byteLength(latin)).toBe(200)
    expect(latin.endsWith('a.webm')).toBe(true)

    const families = webm(`${'👨‍👩‍👧'.repeat(100)}.mp4`)
    expect(Buffer.byteLength(families)).toBeLessThanOrEqual(200)
    expect(families).toMatch(/^(👨‍👩‍👧)+\.webm$/u)

    expect(Buffer.byteLength(webm('x'.repeat(1_000_000)))).toBe(200)
    expect(webm(`e${'\u0301'.repeat(3000)}`)).toBe('untitled.webm') // one endless character
  })

  test('whatever comes in, the name is safe as path, URL segment and torrent name', () => {
    const alphabet = [
      'a',
      '.',
      '/',
      '\\',
      '..',
      ' ',
      '\0',
      '\n',
      '"',
      '\ud83d',
      '\udc68',
      '\u202e',
      'é',
      '映',
      'con',
    ]
    let state = 1
    const next = () => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
      return state
    }
    for (let round = 0; round < 3000; round++) {
      const raw = Array.from(
        { length: next() % 30 },
        () => alphabet[next() % alphabet.length],
      ).join('')
      const name = webm(raw)
      expect(name, JSON.stringify(raw)).toMatch(/^[^./\\\0\s][^/\\\0]*\.webm$/u)
      expect(name.isWellFormed()).toBe(true)
      expect(name.normalize('NFC')).toBe(name)
      expect(decodeURIComponent(encodeURIComponent(name))).toBe(name)
      expect(webm(name)).toBe(name) // nothing more to do
    }
  })
})

describe('default title', () => {
  test.each([
    ['My holiday.webm', 'My holiday'],
    ['my_holiday_2024.webm', 'my holiday 2024'],
    ['a_b c.webm', 'a_b c'],
    ['_.webm', '_'],
    ['untitled.webm', 'untitled'],
  ])('%j is called %j', (filename, title) => {
    expect(defaultTitle(filename)).toBe(title)
  })
})
