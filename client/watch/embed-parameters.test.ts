import { describe, expect, it } from 'vitest'
import { embedParameters } from './embed-parameters.ts'

describe('the parameters of an embed page', () => {
  it('are those of a player that waits to be started, when the address says nothing', () => {
    expect(embedParameters('')).toEqual({
      autoplay: false,
      muted: false,
      loop: false,
      controls: true,
      startAt: null,
      poster: null,
    })
  })

  it('are read from the address', () => {
    const query = '?autoplay&muted=1&loop&controls=0&t=12.5&poster=https%3A%2F%2Fa.example%2Fp.jpg'
    expect(embedParameters(query)).toEqual({
      autoplay: true,
      muted: true,
      loop: true,
      controls: false,
      startAt: 12.5,
      poster: 'https://a.example/p.jpg',
    })
    expect(embedParameters('?autoplay=0').autoplay).toBe(false)
  })

  it.each([
    't=-5',
    't=Infinity',
    't=1e999',
    't=abc',
    't=',
    'poster=javascript:alert(1)',
    'poster=x',
  ])('are as usual for %s', (query) => {
    expect(embedParameters(query)).toEqual(embedParameters(''))
  })
})
