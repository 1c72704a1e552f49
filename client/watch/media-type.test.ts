import { describe, expect, it } from 'vitest'
import { describeType } from './media-type.ts'

describe('describeType', () => {
  it.each([
    ['video/webm; codecs="vp9, opus"', 'WebM (VP9, Opus)'],
    ['video/webm; codecs="vp09.00.10.08,opus"', 'WebM (VP9, Opus)'],
    ['video/mp4; codecs="avc1.64001f, mp4a.40.2"', 'MP4 (H.264, AAC)'],
    ['audio/mpeg; codecs="mp3"', 'MP3'],
    ['video/mp4; codecs="avc3.64001f, mp4a.6B"', 'MP4 (H.264, MP3)'],
    ['video/x-matroska; codecs="avc, flac"', 'Matroska (H.264, FLAC)'],
    ['audio/ogg', 'Ogg'],
    ['video/x-unheard; codecs=zzz1', 'x-unheard (zzz1)'],
    ['', ''],
  ])('says %s as "%s"', (type, words) => {
    expect(describeType(type)).toBe(words)
  })
})
