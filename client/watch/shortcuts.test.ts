import { describe, expect, test } from 'vitest'
import { nextSpeed, shortcutOf, usesKey } from './shortcuts.ts'

const press = (key: string, more = {}) =>
  shortcutOf({ key, ctrlKey: false, altKey: false, metaKey: false, repeat: false, ...more })

describe('what a key means', () => {
  test('letters do so with and without the shift key or caps lock', () => {
    expect(press('k')).toEqual({ act: 'play' })
    expect(press('K')).toEqual({ act: 'play' })
    expect(press(' ')).toEqual({ act: 'play' })
    expect(press('J')).toEqual({ act: 'seek-by', seconds: -10 })
  })

  test('digits are tenths of the title', () => {
    expect(press('0')).toEqual({ act: 'seek-to', share: 0 })
    expect(press('9')).toEqual({ act: 'seek-to', share: 0.9 })
  })

  test('keys of the browser and of the system are left to them', () => {
    expect(press('l', { ctrlKey: true })).toBeNull()
    expect(press('ArrowLeft', { altKey: true })).toBeNull()
    expect(press('f', { metaKey: true })).toBeNull()
  })

  test('unknown keys mean nothing, not even those with names of object members', () => {
    for (const key of ['x', 'F5', 'Tab', 'constructor', 'Dead']) expect(press(key)).toBeNull()
  })

  test('a key held down seeks on, but does not switch to and fro', () => {
    expect(press('l', { repeat: true })).not.toBeNull()
    expect(press('ArrowUp', { repeat: true })).not.toBeNull()
    expect(press('k', { repeat: true })).toBeNull()
    expect(press('m', { repeat: true })).toBeNull()
  })
})

describe('a control that has the focus', () => {
  test('takes every key when text is typed into it', () => {
    for (const key of ['k', ' ', '5', 'ArrowLeft']) {
      expect(usesKey({ tag: 'input', type: 'text' }, key)).toBe(true)
      expect(usesKey({ tag: 'textarea' }, key)).toBe(true)
      expect(usesKey({ tag: 'div', editable: true }, key)).toBe(true)
      expect(usesKey({ tag: 'div', role: 'menu' }, key)).toBe(true)
      expect(usesKey({ tag: 'dialog' }, key)).toBe(true)
    }
  })

  test('takes the space bar when it is pressed by it', () => {
    expect(usesKey({ tag: 'button' }, ' ')).toBe(true)
    expect(usesKey({ tag: 'summary' }, ' ')).toBe(true)
    expect(usesKey({ tag: 'media-play-button', role: 'button' }, ' ')).toBe(true)
    expect(usesKey({ tag: 'input', type: 'checkbox' }, ' ')).toBe(true)
    expect(usesKey({ tag: 'button' }, 'k')).toBe(false)
    expect(usesKey({ tag: 'button' }, 'ArrowLeft')).toBe(false)
  })

  test('takes the arrows when it is moved by them', () => {
    expect(usesKey({ tag: 'input', type: 'range' }, 'ArrowLeft')).toBe(true)
    expect(usesKey({ tag: 'div', role: 'slider' }, 'ArrowUp')).toBe(true)
    expect(usesKey({ tag: 'input', type: 'range' }, ' ')).toBe(false)
    expect(usesKey({ tag: 'input', type: 'range' }, 'j')).toBe(false)
  })

  test('takes nothing when it is only a place', () => {
    for (const key of [' ', 'k', 'ArrowUp', '3']) expect(usesKey({ tag: 'body' }, key)).toBe(false)
  })
})

test('speeds go up and down by what the menu has, and end at its ends', () => {
  expect(nextSpeed(1, 1)).toBe(1.25)
  expect(nextSpeed(1, -1)).toBe(0.75)
  expect(nextSpeed(1.1, 1)).toBe(1.25)
  expect(nextSpeed(2, 1)).toBe(2)
  expect(nextSpeed(0.5, -1)).toBe(0.5)
})
